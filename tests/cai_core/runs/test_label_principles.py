"""Several principles a comparison: each a label of its own, resumed without loss, held out by prompt."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, select

from cai_core.constitution.draw import draw_principles
from cai_core.runs import queue, worker
from cai_core.runs.estimate import estimate
from cai_core.store import comparisons, constitutions, labels
from cai_core.store.workspace import Workspace
from cai_core.training.pairs import split_by_prompt, tokenised
from cai_core.types import PrincipleKind, PromptKind, RunKind
from db.schema import LabelOrderRow, LabelRow, RunRow
from tests.cai_core.runs.helpers import finished, row

PAIRS = {"model": "scripted", "red_team_prompts": 5, "helpful_prompts": 3, "look_alike_prompts": 1}
SETTINGS: dict[str, Any] = {"constitution": "sandbox", "model": "scripted"}
Said = dict[tuple[str, str], tuple[float | None, int | None]]


def label_run(workspace: Workspace, pairs: int, **config: Any) -> int:
    return finished(workspace, RunKind.LABELS, parents=[pairs], **SETTINGS, **config)


def said(workspace: Workspace, run: int) -> Said:
    """p_a and few-shot prefix of every label, by comparison and principle; none is there twice."""
    with workspace.reading() as session:
        stored = list(labels.of_run(session, run))
    found = {(one.key, one.label.principle.id): (one.label.p_a, one.label.few_shot) for one in stored}
    assert len(found) == len(stored)
    return found


def test_each_comparison_is_labelled_under_as_many_as_there_are_up_to_the_number(opened: Workspace) -> None:
    """The sandbox has three helpfulness principles: of the four wanted, helpful prompts draw all three."""
    pairs = finished(opened, RunKind.COMPARISONS, **PAIRS)
    run = label_run(opened, pairs, principles=4)
    with opened.reading() as session:
        _, constitution = constitutions.load_version(session, "sandbox")
        there = comparisons.read(session, comparisons.ids_of_run(session, pairs))
    found = said(opened, run)
    for one in there:
        own = [principle for key, principle in found if key == one.key]
        kind = (
            PrincipleKind.HARMLESSNESS
            if one.comparison.prompt.kind is PromptKind.RED_TEAM
            else PrincipleKind.HELPFULNESS
        )
        drawn = draw_principles(constitution, kind=kind, half="comparison", seed=1, row=one.key, round=0, count=4)
        assert sorted(own) == sorted(p.id for p in drawn)
        assert len({found[one.key, principle][1] for principle in own}) == 1, "one few-shot prefix a comparison"
    result = row(opened, run)
    assert (result.done, result.total, result.result["rows"]) == (32, 32, 32)


def test_the_first_of_several_is_the_label_of_one(opened: Workspace) -> None:
    """A run of one principle says what a run of three says under the same principle."""
    pairs = finished(opened, RunKind.COMPARISONS, **PAIRS)
    one, three = said(opened, label_run(opened, pairs)), said(opened, label_run(opened, pairs, principles=3))
    assert one.items() <= three.items()
    assert (len(one), len(three)) == (9, 27)


def test_a_resumed_run_adds_what_is_missing_and_nothing_twice(opened: Workspace) -> None:
    """As if killed between two labels of one comparison."""
    pairs = finished(opened, RunKind.COMPARISONS, **PAIRS)
    run = label_run(opened, pairs, principles=3)
    whole = said(opened, run)
    with opened.writing() as session:
        ids = session.scalars(select(LabelRow.id).order_by(LabelRow.id)).all()
        gone = [row_id for place, row_id in enumerate(ids) if place % 5 in (1, 2)]
        for table, column in ((LabelOrderRow, LabelOrderRow.label_id), (LabelRow, LabelRow.id)):
            session.execute(delete(table).where(column.in_(gone)))
        session.get_one(RunRow, run).state = "stopped"
    assert len(said(opened, run)) < len(whole)
    queue.resume(opened, run)
    worker.work(opened, run)
    assert row(opened, run).state == "done", row(opened, run).error
    assert said(opened, run) == whole
    assert row(opened, run).done == len(whole)


def test_no_comparison_is_trained_on_and_held_out(opened: Workspace) -> None:
    """All labels of a prompt fall to one side, in every share and seed."""
    pairs = finished(opened, RunKind.COMPARISONS, **PAIRS)
    run = label_run(opened, pairs, principles=3)
    with opened.reading() as session:
        labelled = [one.labelled for one in labels.of_run(session, run) if one.labelled is not None]
    renderer: Any = SimpleNamespace(closed_ids=lambda turns: list(range(len(turns))))
    read = tokenised(labelled, renderer)
    assert len(read) == 27
    for share, seed in ((0.2, 0), (0.4, 1), (0.5, 2)):
        train, held = split_by_prompt(read, share=share, seed=seed)
        assert len(train) + len(held) == len(read)
        assert held
        assert not {one.prompt_uid for one in train} & {one.prompt_uid for one in held}
        assert {len([two for two in held if two.prompt_uid == one.prompt_uid]) for one in held} == {3}


def test_two_runs_of_several_are_compared_principle_by_principle(opened: Workspace) -> None:
    """Not every label of the one with every label of the other."""
    pairs = finished(opened, RunKind.COMPARISONS, **PAIRS)
    three, one = label_run(opened, pairs, principles=3), label_run(opened, pairs)
    with opened.reading() as session:
        same = list(labels.pairs(session, three, three))
        shared = list(labels.pairs(session, three, one))
    assert len(same) == 27
    assert len(shared) == 9
    assert all(a.principle.id == b.principle.id for _, a, b in (*same, *shared))


def test_a_run_that_recalls_takes_over_each_principle_s_own_answers(opened: Workspace) -> None:
    """Of several labels of a comparison the one under the same principle; more principles ask only for the new ones."""
    pairs = finished(opened, RunKind.COMPARISONS, **PAIRS)
    before = label_run(opened, pairs, principles=2)
    after = finished(opened, RunKind.LABELS, parents=[pairs, before], **SETTINGS, principles=3)
    assert said(opened, before).items() <= said(opened, after).items()
    with opened.reading() as session:
        taken = session.scalars(select(LabelRow.recalled).where(LabelRow.run_id == after)).all()
    assert (sum(taken), len(taken)) == (18, 27)


@pytest.mark.parametrize(("principles", "rows"), [(1, 9), (3, 27), (5, 37)])
def test_the_estimate_counts_every_label(opened: Workspace, principles: int, rows: int) -> None:
    """Two requests a label; the fifth principle is there for red-team prompts alone."""
    pairs = finished(opened, RunKind.COMPARISONS, **PAIRS)
    with opened.reading() as session:
        found = estimate(session, RunKind.LABELS, {**SETTINGS, "principles": principles}, [pairs], opened.folder)
    assert found is not None
    assert (found.rows, found.requests) == (rows, 2 * rows)
