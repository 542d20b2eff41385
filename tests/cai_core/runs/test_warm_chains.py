"""An ask is answered with what a run of the same seed would write: one implementation, two ways to it."""

from dataclasses import replace

import pytest

from cai_core.runs import warm_queue
from cai_core.store import asks, chains, comparisons, constitutions, labels, prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Chain, Comparison, Label, Prompt, PromptKind, RunKind, Split, prompt_uid, user
from tests.cai_core.runs.helpers import finished
from tests.cai_core.runs.warming import PROMPT, ask_row, compare, ended, question, texts, worker_pid


def only_principle(workspace: Workspace, slug: str) -> str:
    """A constitution with this principle of the sandbox's alone."""
    with workspace.writing() as session:
        _, whole = constitutions.load_version(session, "sandbox")
        chosen = tuple(one for one in whole.principles if one.id == slug)
        narrow = replace(whole, name="narrow", principles=chosen)
        constitutions.save_version(session, narrow, author="", message="")
    return "narrow"


def chains_of_a_run(workspace: Workspace, model: str, constitution: str, kind: PromptKind) -> list[Chain]:
    """What a chains run of the same seed makes of the same prompt, by sample."""
    turns = (user(PROMPT),)
    with workspace.writing() as session:
        prompts.add(session, [Prompt(prompt_uid(turns), turns, kind, Split.TRAIN, "mine")])
    settings = {"red_team_prompts": 1, "helpful_prompts": 1, "look_alike_prompts": 0, "source": "mine", "rounds": 1}
    settings |= {"helpful_samples": 3, "max_new_tokens": 60, "few_shots": 2}
    made = finished(workspace, model=model, constitution=constitution, seed=5, **settings)
    with workspace.reading() as session:
        return sorted((chain for _, chain in chains.of_run(session, made)), key=lambda chain: chain.sample)


@pytest.mark.parametrize("model", ["scripted", pytest.param("sandbox", marks=pytest.mark.slow)])
def test_an_ask_is_answered_with_what_a_chains_run_would_write(
    warmed: Workspace, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    under, alone = (warm_queue.ask(warmed, question(model, principle=one)) for one in ("hacking", None))
    assert [ended(warmed, one).error for one in (under, alone)] == [None, None]
    [chain] = chains_of_a_run(warmed, model, only_principle(warmed, "hacking"), PromptKind.RED_TEAM)
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


@pytest.mark.parametrize("model", ["scripted", pytest.param("sandbox", marks=pytest.mark.slow)])
def test_the_samples_are_those_that_a_chains_run_would_write(
    warmed: Workspace, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    asked = warm_queue.ask(warmed, question(model, samples=3))
    ended(warmed, asked)
    made = chains_of_a_run(warmed, model, "sandbox", PromptKind.HELPFUL)
    assert [text for _, text in texts(warmed, asked)] == [chain.response for chain in made]
    assert [part.seed for part in ask_row(warmed, asked).parts] == [chain.seed for chain in made]
    assert len({chain.response for chain in made}) == 3


@pytest.mark.parametrize("model", ["scripted", pytest.param("sandbox", marks=pytest.mark.slow)])
def test_several_samples_under_several_principles_are_those_asked_for_one_by_one(
    warmed: Workspace, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    together = warm_queue.ask(warmed, question(model, principle="hacking", principles=("hacking", "theft"), samples=2))
    alone = [warm_queue.ask(warmed, question(model, principle=one)) for one in ("hacking", "theft")]
    assert [ended(warmed, one).error for one in (together, *alone)] == [None] * 3
    rows = [ask_row(warmed, one).parts for one in (together, *alone)]
    assert [part.position for part in rows[0]] == list(range(10))
    assert [part.sample for part in rows[0]] == [0] * 5 + [1] * 5
    told = [(part.part, part.text, part.sent, part.principle_id) for part in rows[0]]
    hacking, theft = ([(p.part, p.text, p.sent, p.principle_id) for p in one] for one in rows[1:])
    assert told[:5] == [*hacking, *theft[1:]], "the response is the same, and written once"
    assert told[5] != told[0]
    assert len({name for name in told[1:5] + told[6:] if name[0] == "revision"}) == 4


def labelled_by_a_run(workspace: Workspace, model: str) -> list[tuple[Comparison, Label]]:
    """Pairs, and what a labels run made of them."""
    chosen = {"model": model, "constitution": "sandbox"}
    drawn = {"red_team_prompts": 3, "helpful_prompts": 1, "look_alike_prompts": 0, "max_new_tokens": 60}
    made = finished(workspace, RunKind.COMPARISONS, model=model, **drawn)
    run_id = finished(workspace, RunKind.LABELS, parents=[made], seed=5, few_shots=2, **chosen)
    with workspace.reading() as session:
        found = []
        for one in comparisons.read(session, comparisons.ids_of_run(session, made)):
            label = labels.find(session, run_id, one.id)
            assert label is not None
            found.append((one.comparison, label))
        return found


@pytest.mark.parametrize("model", ["scripted", pytest.param("sandbox", marks=pytest.mark.slow)])
def test_a_comparison_gets_the_label_that_a_labels_run_would_give(
    warmed: Workspace, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for pair, label in labelled_by_a_run(warmed, model):
        shown = {"turns": pair.prompt.turns, "response_a": pair.response_a, "response_b": pair.response_b}
        asked = warm_queue.ask(warmed, compare(model, "wise", label.principle.id, **shown))
        ended(warmed, asked)
        with warmed.reading() as session:
            row = asks.get(session, asked)
            told = dict(zip((one.id for one, _ in asks.labels(row)), (one for _, one in asks.labels(row)), strict=True))
            sent = [part.sent for part in asks.parts(row) if part.principle == label.principle.id]
        mine = told[label.principle.id]
        assert mine is not None
        assert mine.p_a == pytest.approx(label.p_a, abs=1e-5)
        assert sent == [order.sent for order in label.orders]
        assert mine.order_disagrees == label.order_disagrees
