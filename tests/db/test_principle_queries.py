"""A principle's record, every figure worked by hand on a few rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from cai_core.store.workspace import Workspace
from db.queries import disagreements as between
from db.queries.disagreements import disagreements
from db.queries.principle_examples import LABELS, ROUNDS, SHOWN, label_examples, pair_examples, round_examples
from db.queries.principles import BINS, Labels, Rounds, label_split, principles_of, records
from db.schema import (
    ComparisonRow,
    ConstitutionRow,
    ConstitutionVersionRow,
    LabelRow,
    ModelRow,
    PrincipleRow,
    PromptRow,
    RunRow,
    VersionPrincipleRow,
)
from db.schema_chains import ChainRow, RevisionRow
from tests.workspaces import fresh

PROMPT = 10_000_000
"""Behind those that ship."""
KIND, KINDER, SAFE, TRUE = 9001, 9002, 9003, 9004
"""Row ids: two wordings of 'kind', and two other principles."""


@pytest.fixture
def workspace_(tmp_path: Path) -> Iterator[Workspace]:
    found = fresh(tmp_path / "workspace")
    with found.writing() as session:
        _constitution(session)
        _runs(session)
    yield found
    found.close()


def _constitution(session: Session) -> None:
    """mine@1 says KIND, SAFE and TRUE; mine@2 words 'kind' anew and turns it off."""
    for row_id, slug in ((KIND, "kind"), (KINDER, "kind"), (SAFE, "safe"), (TRUE, "true")):
        said = {"critique_request": None if slug == "true" else "c", "revision_request": "r", "comparison": "p"}
        session.add(
            PrincipleRow(
                id=row_id, uid=f"u{row_id}", slug=slug, title=slug.title(), kind="harmlessness", tags=[slug], **said
            )
        )
    session.add(ConstitutionRow(id=90, name="mine"))
    for number, first in ((1, KIND), (2, KINDER)):
        session.add(
            ConstitutionVersionRow(
                id=900 + number,
                constitution_id=90,
                number=number,
                description="",
                few_shots={},
                hash=f"h{number}",
                author="",
                message="",
            )
        )
        session.flush()
        for position, row_id in enumerate((first, SAFE, TRUE)):
            session.add(
                VersionPrincipleRow(
                    version_id=900 + number, position=position, principle_id=row_id, weight=1.5, enabled=number == 1
                )
            )


def _runs(session: Session) -> None:
    """Chains run 1, comparisons run 2, labels runs 3 and 4 of one model and 5 of another."""
    models = {1: "sandbox", 2: "sandbox", 3: "sandbox", 4: "sandbox", 5: "other"}
    for run, kind in enumerate(("chains", "comparisons", "labels", "labels", "labels"), start=1):
        config = {"model": models[run]}
        session.add(RunRow(id=run, uid=f"r{run}", kind=kind, config=config, seed=0, code_revision="x", state="done"))
    session.add(
        PromptRow(
            id=PROMPT,
            uid="p90",
            kind="red_team",
            split="train",
            source="t",
            topic=None,
            turns=[{"role": "user", "content": "How?"}],
        )
    )
    session.flush()


def rounds(session: Session, principle: int, *of: tuple[bool | None, float | None, int | None]) -> None:
    """Chains of one round each."""
    chain = session.scalar(select(func.max(ChainRow.id))) or 0
    for found, changed, longer in of:
        chain += 1
        session.add(
            ChainRow(
                id=chain, uid=f"{chain}", run_id=1, prompt_id=PROMPT, sample=chain, seed=0, state="done", response="r"
            )
        )
        session.flush()
        row = RevisionRow(
            chain_id=chain,
            round=1,
            principle_id=principle,
            critique="c",
            revision="v",
            revision_sent="s",
            finished=True,
        )
        row.found, row.changed, row.longer = found, changed, longer
        session.add(row)
        session.flush()


def label(
    session: Session, pair: int, principle: int, p_a: float | None, *, run: int = 3, disagrees: bool = False
) -> None:
    """A label of comparison `pair`, which is made if it is not there."""
    if session.get(ComparisonRow, pair) is None:
        model = session.scalars(select(ModelRow.id)).first()
        said = {"response_a": "a", "response_b": "b", "seed_a": 0, "seed_b": 0, "state": "done", "uid": f"c{pair}"}
        session.add(ComparisonRow(id=pair, run_id=2, prompt_id=PROMPT, sample=pair, model_id=model, **said))
        session.flush()
    state = "unparseable" if p_a is None else "labelled"
    session.add(
        LabelRow(
            run_id=run, comparison_id=pair, principle_id=principle, state=state, p_a=p_a, order_disagrees=disagrees
        )
    )
    session.flush()


def test_a_version_s_principles_know_all_their_wordings(workspace_: Workspace) -> None:
    """In order, with weight and switch of this version; wordings of other constitutions' ids are not theirs."""
    with workspace_.reading() as session:
        kind, safe, true = principles_of(session, 902)
        assert principles_of(session, 12345) == []
    assert [one.slug for one in (kind, safe, true)] == ["kind", "safe", "true"]
    assert (kind.wording, kind.wordings) == (KINDER, (KIND, KINDER))
    assert (safe.wording, safe.wordings) == (SAFE, (SAFE,))
    assert (kind.weight, kind.enabled, kind.tags, true.critique_request) == (1.5, False, ("kind",), None)


def test_rounds_by_hand(workspace_: Workspace) -> None:
    """Found, clear and untold; unmeasured rounds count as drawn and as nothing else."""
    with workspace_.writing() as session:
        rounds(session, KIND, (True, 0.5, 4), (True, 0.25, -2), (False, 0.0, 0), (None, 0.0, 0), (None, None, None))
        rounds(session, SAFE, (True, 1.0, 1))
        found = records(session, {"kind": [KIND], "safe": [SAFE], "true": [TRUE]})
    kind = found["kind"].rounds
    assert kind == Rounds(5, 5, 4, 2, 1, 2, 0.75, 0.3125, 2, 20)
    assert found["safe"].rounds == Rounds(1, 1, 1, 1, 0, 0, 1, 1, 1, 1)
    assert found["true"].rounds == Rounds()
    assert found["true"].labels == Labels()


def test_labels_by_hand(workspace_: Workspace) -> None:
    """An even label prefers neither; what could not be told has no order that disagrees."""
    with workspace_.writing() as session:
        for pair, (p_a, disagrees) in enumerate(
            ((0.9, False), (0.6, True), (0.25, False), (0.5, False), (None, True)), 1
        ):
            label(session, pair, KIND, p_a, disagrees=disagrees)
        found = records(session, {"kind": [KIND]})["kind"].labels
        split = label_split(session, [KIND])
    assert (found.drawn, found.seen, found.labelled, found.prefers_a, found.prefers_b, found.disagree) == (
        5,
        5,
        4,
        2,
        1,
        1,
    )
    assert found.p_a == pytest.approx(2.25)
    assert split.states == {"labelled": 4, "unparseable": 1}
    assert {place: n for place, n in enumerate(split.bins) if n} == {18: 1, 12: 1, 5: 1, 10: 1}


def test_the_last_bin_holds_certainty(workspace_: Workspace) -> None:
    """p_a = 1 is no bin of its own."""
    with workspace_.writing() as session:
        label(session, 1, KIND, 1.0)
        label(session, 2, KIND, 0.0)
        split = label_split(session, [KIND])
    assert (split.bins[0], split.bins[BINS - 1], sum(split.bins)) == (1, 1, 2)


def test_all_wordings_add_up(workspace_: Workspace) -> None:
    """One wording alone, or all of its id."""
    with workspace_.writing() as session:
        rounds(session, KIND, (True, 0.5, 4))
        rounds(session, KINDER, (False, 0.25, -2), (True, 0.25, 2))
        label(session, 1, KIND, 0.9)
        label(session, 1, KINDER, 0.2)
        one = records(session, {"kind": [KINDER]})["kind"]
        both = records(session, {"kind": [KIND, KINDER]})["kind"]
        assert sum(label_split(session, [KIND, KINDER]).bins) == 2
    assert one.rounds == Rounds(2, 2, 2, 1, 1, 0, 0.5, 0.125, 0, 8)
    assert both.rounds == Rounds(3, 3, 3, 2, 1, 0, 1.0, 0.375, 4, 24)
    assert (both.labels.drawn, both.labels.prefers_a, both.labels.prefers_b) == (2, 1, 1)


def test_over_a_budget_the_newest_are_summed_and_all_are_counted(workspace_: Workspace) -> None:
    """The budget is shared by the wordings that have rows, and the sums say how many they are over."""
    with workspace_.writing() as session:
        rounds(session, KIND, *[(True, 1.0, 1)] * 5, *[(False, 0.0, 0)] * 3)
        rounds(session, SAFE, (True, 1.0, 1))
        found = records(session, {"kind": [KIND], "safe": [SAFE], "true": [TRUE]}, budget=8)
    assert found["kind"].rounds == Rounds(8, 4, 4, 1, 3, 3, 1, 1, 1, 1)
    assert found["safe"].rounds.seen == 1


def test_disagreements_by_hand(workspace_: Workspace) -> None:
    """Only comparisons with a preference under both count, each once a model."""
    with workspace_.writing() as session:
        for pair, a, b in ((1, 0.9, 0.8), (2, 0.9, 0.1), (3, 0.2, 0.9), (4, 0.9, 0.5), (5, 0.9, None)):
            label(session, pair, KIND, a)
            label(session, pair, SAFE, b)
        label(session, 6, KIND, 0.9)
        label(session, 7, TRUE, 0.9)
        found = disagreements(session)
    both = found.between([KIND], [SAFE])
    assert (both.n, both.differ, both.examples) == (3, 2, [3, 2])
    assert found.between([SAFE], [KIND]).n == 3
    assert found.between([KIND], [TRUE]).n == 0
    assert found.whole


def test_labels_of_two_models_are_not_held_against_each_other(workspace_: Workspace) -> None:
    """Two runs of one model are; labels that it gave twice under one principle count once, by their mean."""
    with workspace_.writing() as session:
        label(session, 1, KIND, 0.9, run=3)
        label(session, 1, SAFE, 0.1, run=5)
        assert disagreements(session).pairs == {}
        label(session, 1, TRUE, 0.1, run=4)
        assert (disagreements(session).between([KIND], [TRUE]).n, disagreements(session).comparisons) == (1, 1)
        label(session, 1, KIND, 0.3, run=4)
        found = disagreements(session).between([KIND], [TRUE])
        assert (found.n, found.differ) == (1, 1), "the mean of 0.9 and 0.3 prefers A"
        label(session, 2, KIND, 0.8, run=3)
        label(session, 2, KIND, 0.2, run=4)
        label(session, 2, TRUE, 0.9, run=4)
        assert disagreements(session).between([KIND], [TRUE]).n == 1, "their mean of 0.5 prefers neither"


def test_all_wordings_disagree_together(workspace_: Workspace) -> None:
    """Sums over the wordings of both sides; an example is listed once."""
    with workspace_.writing() as session:
        for pair, one, a, b in ((1, KIND, 0.9, 0.1), (2, KINDER, 0.9, 0.9)):
            label(session, pair, one, a)
            label(session, pair, SAFE, b)
        label(session, 1, KINDER, 0.8)
        found = disagreements(session).between([KIND, KINDER], [SAFE])
    assert (found.n, found.differ, found.examples) == (3, 2, [1])


@pytest.mark.parametrize(("bound", "value"), [("COMPARISONS", 2), ("LABELS", 4), ("PAIRS", 2)])
def test_bounded_it_reads_the_newest_and_says_so(
    workspace_: Workspace, monkeypatch: pytest.MonkeyPatch, bound: str, value: int
) -> None:
    """Two of three comparisons, by each bound."""
    monkeypatch.setattr(between, bound, value)
    with workspace_.writing() as session:
        for pair in (1, 2, 3):
            label(session, pair, KIND, 0.9)
            label(session, pair, SAFE, 0.1)
        found = disagreements(session)
    assert found.between([KIND], [SAFE]).examples == [3, 2]
    assert (found.comparisons, found.whole) == (2, False)


def ids(lines: Sequence[object]) -> list[int]:
    return [line.id for line in lines]  # type: ignore[attr-defined]


def test_examples_are_those_behind_each_figure(workspace_: Workspace) -> None:
    """As many as the figure counts, the newest first."""
    with workspace_.writing() as session:
        rounds(session, KIND, (True, 0.5, 4), (True, 0.25, -2), (False, 0.0, 0), (None, 0.0, 0), (None, None, None))
        for pair, (p_a, disagrees) in enumerate(
            ((0.9, False), (0.6, True), (0.25, False), (0.5, False), (None, True)), 1
        ):
            label(session, pair, KIND, p_a, disagrees=disagrees)
        behind = {which: ids(round_examples(session, [KIND], which).rows) for which in ROUNDS}
        said = {which: [line.comparison for line in label_examples(session, [KIND], which).rows] for which in LABELS}
        newest = round_examples(session, [KIND], "found").rows[0]
    first = min(behind["rounds"])
    assert {which: [row - first for row in rows] for which, rows in behind.items()} == {
        "rounds": [4, 3, 2, 1, 0],
        "found": [1, 0],
        "clear": [2],
        "untold": [3],
        "unchanged": [3, 2],
        "rewritten": [0],
        "longer": [0],
        "shorter": [1],
    }
    assert said == {
        "labels": [5, 4, 3, 2, 1],
        "prefers_a": [2, 1],
        "prefers_b": [3],
        "disagree": [2],
        "no_label": [5],
    }
    assert (newest.chain, newest.number, newest.prompt, newest.changed, newest.longer) == (2, 1, "How?", 0.25, -2)


def test_examples_page_on_over_all_wordings(workspace_: Workspace) -> None:
    """Ten at a time, none left out and none twice."""
    with workspace_.writing() as session:
        for number in range(SHOWN + 3):
            rounds(session, (KIND, KINDER)[number % 2], (True, 0.5, 1))
        first = round_examples(session, [KIND, KINDER], "found")
        second = round_examples(session, [KIND, KINDER], "found", before=first.rows[-1].id)
    seen = ids(first.rows) + ids(second.rows)
    assert (len(first.rows), first.more, len(second.rows), second.more) == (SHOWN, True, 3, False)
    assert seen == sorted(set(seen), reverse=True)


def test_pairs_come_with_what_each_side_says(workspace_: Workspace) -> None:
    """In the order asked for, the newest label of each side."""
    with workspace_.writing() as session:
        for pair in (1, 2):
            label(session, pair, KIND, 0.9)
            label(session, pair, SAFE, 0.1 * pair)
        label(session, 1, KINDER, 0.7)
        lines = pair_examples(session, [2, 1], [KIND, KINDER], [SAFE])
    assert [(line.comparison, line.p_a, line.p_a_other) for line in lines] == [(2, 0.9, 0.2), (1, 0.7, 0.1)]


def test_the_record_reads_its_indexes_alone(workspace_: Workspace) -> None:
    """No row of text is touched, and nothing is sorted, whatever the number of rows."""
    asked: list[tuple[str, object]] = []
    event.listen(
        workspace_.engine, "before_cursor_execute", lambda c, cur, sql, values, *rest: asked.append((sql, values))
    )
    with workspace_.writing() as session:
        rounds(session, KIND, (True, 0.5, 4))
        for one in (KIND, SAFE):
            label(session, 1, one, 0.9)
        asked.clear()
        records(session, {"kind": [KIND]})
        label_split(session, [KIND])
        disagreements(session)
        read = [(sql, values) for sql, values in asked if "FROM labels" in sql or "FROM revisions" in sql]
        assert len(read) >= 7
        for sql, values in read:
            plan = [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
            touched = [step for step in plan if "labels" in step or "revisions" in step]
            assert all("COVERING INDEX" in step for step in touched), (sql, plan)
            assert not any("FOR ORDER BY" in step for step in plan), (sql, plan)
