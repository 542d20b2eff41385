"""`cai-studio chains sent` and `chains branch`."""

import json
from pathlib import Path

from cai_core.runs import queue, worker
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from tests.cai_core.cli.conftest import Call
from tests.cai_core.runs.helpers import CHAINS
from tests.chain_files import as_lines, full, with_inputs

ONE = {**CHAINS, "red_team_prompts": 1, "helpful_prompts": 0, "look_alike_prompts": 0}


def test_the_exact_inputs_of_a_file_are_printed_without_a_model(opened: Workspace, call: Call, tmp_path: Path) -> None:
    file = tmp_path / "theirs.jsonl"
    file.write_bytes(as_lines([with_inputs(full())]))
    call("import", "chains", str(file))
    sent = json.loads(call("chains", "sent", "1", "--json")[0])["requests"]
    assert [(one["round"], one["part"], one["principle"], one["rendered"]) for one in sent] == [
        (0, "response", None, "asks of s0 …"),
        (1, "critique", "kind", "asks of s1 …"),
        (1, "revision", "kind", "asks of s2 …"),
        (2, "critique", "kind", "asks of s3 …"),
    ]
    assert "--- round 1, critique, " in call("chains", "sent", "1")[0]
    _, said = call("export", "chains", str(file), "--inputs", "--format", "chat", code=2)
    assert "only cai-chain holds them" in said


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
    file = warmed.exports / "chains.jsonl"
    assert json.loads(call("export", "chains", str(file), "--inputs", "--json")[0])["lost"] == []
    (line,) = [one for one in map(json.loads, file.read_text().splitlines()) if one["branch"]]
    told = [line["input"], *(one.get(name) for one in line["rounds"] for name in ("critique_input", "revision_input"))]
    assert [text for text in told if text] == [one["rendered"] for one in sent["requests"]]
    out, _ = call("chains", "branch", "1", "--round", "2", "--redraw", "3")
    assert "Critique 2" in out
    assert out.endswith("chain 3 is a branch of chain 1 from round 2 on.\n")
    _, said = call("chains", "branch", "1", "--round", "1", code=2)
    assert "a branch changes one thing" in said
    _, said = call("chains", "branch", "1", "--round", "9", "--revision", "x", code=2)
    assert "has rounds 1 to 2" in said
