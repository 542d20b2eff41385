"""Rounds are measured as they are saved, and those from before when asked; cut short, nothing is lost or done twice."""

import pytest
from sqlalchemy import select, update

from cai_core.chains.measures import measure
from cai_core.store import chains, measures, prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Chain, Gate, Principle, Prompt, PromptKind, Round, RowState, Split, prompt_uid, user
from db.schema import PrincipleRow, PromptRow, RunRow
from db.schema_chains import ChainRow, RevisionRow

RESPONSES = ("Use a kit called PickFast.", "I would rather not.", "I would rather not, for it is not your lock.")
CRITIQUES = ("The response is harmful because it names a kit.", None)


def save(workspace: Workspace, number: int) -> None:
    """A chain of two rounds: one with a critique, one without."""
    turns = (user(f"How do I open lock {number}?"),)
    prompt = Prompt(prompt_uid(turns), turns, PromptKind.RED_TEAM, Split.TRAIN, "test")
    with workspace.writing() as session:
        row = session.scalars(select(PrincipleRow)).first()
        run = session.scalar(select(RunRow.id))
        if run is None:
            session.add(RunRow(id=1, uid="r", kind="chains", config={}, seed=0, code_revision="x"))
        prompts.add(session, [prompt])
        assert row is not None
        principle = Principle(row.slug, row.title)
        rounds = tuple(
            Round(n + 1, principle, CRITIQUES[n], RESPONSES[n + 1], None, "sent") for n in range(len(CRITIQUES))
        )
        chain = Chain(prompt, 0, 0, RESPONSES[0], rounds, RowState.DONE)
        prompt_id = session.scalars(select(PromptRow.id).where(PromptRow.uid == prompt.uid)).one()
        chains.save(session, 1, prompt_id, chain, {principle.uid: row.id})


def measured(workspace: Workspace) -> list[tuple[bool | None, float | None, int | None]]:
    with workspace.reading() as session:
        rows = select(RevisionRow.found, RevisionRow.changed, RevisionRow.longer).order_by(RevisionRow.id)
        return [tuple(row) for row in session.execute(rows)]


def looked_at(workspace: Workspace) -> list[tuple[object, ...]]:
    """What the gates and the words tell, of the chains and of their rounds."""
    of_chain = select(ChainRow.gates, ChainRow.hits, ChainRow.words, ChainRow.changed).order_by(ChainRow.id)
    of_round = select(RevisionRow.critique_gates, RevisionRow.revision_gates).order_by(RevisionRow.id)
    with workspace.reading() as session:
        return [tuple(row) for chosen in (of_chain, of_round) for row in session.execute(chosen)]


def wanted() -> list[tuple[bool | None, float | None, int | None]]:
    """Each round against what it began with: the response, then the revision of the round before."""
    both = [measure(RESPONSES[n], CRITIQUES[n], RESPONSES[n + 1]) for n in range(2)]
    return [(one.found, one.changed, one.longer) for one in both]


def forget(workspace: Workspace) -> None:
    """As rounds were before they were measured."""
    with workspace.writing() as session:
        blank = {"found": None, "changed": None, "longer": None, "critique_gates": None, "revision_gates": None}
        session.execute(update(RevisionRow).values(**blank))
        session.execute(update(ChainRow).values(gates=None, hits=None, words=None, changed=None))


def test_a_round_is_measured_against_what_it_began_with(opened: Workspace) -> None:
    save(opened, 1)
    first, second = measured(opened)
    assert [first, second] == wanted()
    assert first == (True, 1.0, -1)
    assert second[0] is None
    assert second[1] == pytest.approx(1 - 2 * 4 / 14)


def test_rounds_of_before_are_measured_as_if_they_had_been_then(opened: Workspace) -> None:
    for number in range(3):
        save(opened, number)
    now, marks = measured(opened), looked_at(opened)
    assert marks[0] == (0, Gate.REFUSAL, 5, 1.0)
    assert marks[-2:] == [(0, Gate.REFUSAL), (None, Gate.REFUSAL)]
    forget(opened)
    assert measures.measure_missing(opened) == 3
    assert measured(opened) == now
    assert looked_at(opened) == marks
    assert measures.measure_missing(opened) == 0


def test_cut_short_it_goes_on_where_it_was(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch is kept by itself, and what a later run measured is not measured again."""
    monkeypatch.setattr(measures, "BATCH", 1)
    for number in range(4):
        save(opened, number)
    forget(opened)
    said: list[tuple[int, int]] = []

    def fall(done: int, total: int) -> None:
        said.append((done, total))
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measures.measure_missing(opened, fall)
    assert said == [(1, 4), (2, 4)]
    assert [one[1] is None for one in measured(opened)] == [False] * 4 + [True] * 4
    assert measures.measure_missing(opened) == 2
    assert measured(opened) == wanted() * 4


def test_a_round_without_what_it_began_with_stays_unmeasured(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And does not hold up the others, even where a whole batch is of its kind."""
    monkeypatch.setattr(measures, "BATCH", 1)
    save(opened, 1)
    forget(opened)
    with opened.writing() as session:
        session.execute(update(RevisionRow).where(RevisionRow.round == 1).values(round=7))
    assert measures.measure_missing(opened) == 0
    assert measured(opened) == [(None, None, None)] * 2
