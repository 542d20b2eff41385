"""`cai-studio chains sent` and `chains branch`."""

import json

from cai_core.runs import queue, worker
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from tests.cai_core.cli.conftest import Call
from tests.cai_core.runs.helpers import CHAINS

ONE = {**CHAINS, "red_team_prompts": 1, "helpful_prompts": 0, "look_alike_prompts": 0}


def test_a_chain_is_continued_and_what_was_sent_is_printed(warmed: Workspace, call: Call) -> None:
    run = queue.enqueue(warmed, RunKind.CHAINS, ONE, seed=1)
    worker.work(warmed, run)
    words = ("--round", "1", "--critique", "It names a kit.", "--author", "Ann")
    made = json.loads(call("chains", "branch", "1", *words, "--json")[0])
    assert made == {"chain": 2, "parent": 1, "state": "done", "error": None}
    sent = json.loads(call("chains", "sent", "2", "--json")[0])
    assert [(one["round"], one["part"]) for one in sent["requests"]] == [
        (0, "response"),
        (1, "revision"),
        (2, "critique"),
        (2, "revision"),
    ]
    assert all(one["as_it_was"] and one["rendered"] for one in sent["requests"])
    assert "It names a kit." in sent["requests"][1]["rendered"]
    out, _ = call("chains", "branch", "1", "--round", "2", "--redraw", "3")
    assert "Critique 2" in out
    assert out.endswith("chain 3 is a branch of chain 1 from round 2 on.\n")
    _, said = call("chains", "branch", "1", "--round", "1", code=2)
    assert "a branch changes one thing" in said
    _, said = call("chains", "branch", "1", "--round", "9", "--revision", "x", code=2)
    assert "has rounds 1 to 2" in said
