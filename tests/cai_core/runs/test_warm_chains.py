"""An ask is answered with what a chains run of the same seed would write: one implementation, two ways to it."""

from dataclasses import replace

import pytest

from cai_core.runs import warm_queue
from cai_core.store import chains, constitutions, prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Chain, Prompt, PromptKind, Split, prompt_uid, user
from tests.cai_core.runs.helpers import finished
from tests.cai_core.runs.warming import PROMPT, ask_row, ended, question, texts, worker_pid


def only_principle(workspace: Workspace, slug: str) -> str:
    """A constitution with this principle of the sandbox's alone."""
    with workspace.writing() as session:
        _, whole = constitutions.load_version(session, "sandbox")
        chosen = tuple(one for one in whole.principles if one.id == slug)
        narrow = replace(whole, name="narrow", principles=chosen)
        constitutions.save_version(session, narrow, author="", message="")
    return "narrow"


def chain_of_a_run(workspace: Workspace, model: str, constitution: str) -> Chain:
    """What a chains run of the same seed makes of the same prompt."""
    turns = (user(PROMPT),)
    with workspace.writing() as session:
        prompts.add(session, [Prompt(prompt_uid(turns), turns, PromptKind.RED_TEAM, Split.TRAIN, "mine")])
    settings = {"red_team_prompts": 1, "helpful_prompts": 0, "look_alike_prompts": 0, "source": "mine", "rounds": 1}
    made = finished(
        workspace, model=model, constitution=constitution, seed=5, max_new_tokens=60, few_shots=2, **settings
    )
    with workspace.reading() as session:
        [(_, chain)] = chains.of_run(session, made)
    return chain


@pytest.mark.parametrize("model", ["scripted", pytest.param("sandbox", marks=pytest.mark.slow)])
def test_an_ask_is_answered_with_what_a_chains_run_would_write(
    warmed: Workspace, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    under, alone = (warm_queue.ask(warmed, question(model, principle=one)) for one in ("hacking", None))
    assert [ended(warmed, one).error for one in (under, alone)] == [None, None]
    chain = chain_of_a_run(warmed, model, only_principle(warmed, "hacking"))
    [made] = chain.rounds
    wanted = [("response", chain.response), ("critique", made.critique), ("revision", made.revision)]
    assert texts(warmed, under) == wanted
    assert texts(warmed, alone) == wanted[:1]
    parts = ask_row(warmed, under).parts
    assert [part.sent for part in parts] == [chain.sent, made.critique_sent, made.revision_sent]
    assert PROMPT in (parts[0].rendered or "")
    assert "Critique Request: " in (parts[1].rendered or "")
    assert "Revision Request: " in (parts[2].rendered or "")
    assert all(part.finished for part in parts)
    row = ask_row(warmed, under)
    assert (row.state, row.attempt, row.pid) == ("done", 1, worker_pid(warmed))
    assert row.created_at <= row.first_text_at <= row.ended_at
