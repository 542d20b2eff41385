"""What a comparison enqueues, what it uses again, and how much it foresees to recall."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from cai_core.errors import CAIError
from cai_core.runs import worker
from cai_core.runs.compare import (
    CHAINS_A,
    CHAINS_B,
    LABELS_A,
    LABELS_B,
    PAIRS,
    VersionComparison,
    comparison_report,
    enqueue_compare,
    scaled,
)
from cai_core.runs.compare_estimate import Expected, expected
from cai_core.store import constitutions, runs
from cai_core.store.workspace import Workspace
from cai_core.types import PrincipleKind, PromptKind, RunKind
from db.schema import LabelRow, RunRow
from db.schema_chains import ChainRow
from tests.cai_core.runs.helpers import add_scripted, count, enqueue, finished, row

RED, HELPFUL, LOOK_ALIKE = PromptKind.RED_TEAM, PromptKind.HELPFUL, PromptKind.LOOK_ALIKE
WANTED = VersionComparison(
    "sandbox@1",
    "sandbox",
    model="scripted",
    chains={RED: 12, HELPFUL: 3},
    pairs={RED: 8, HELPFUL: 4},
    rounds=3,
    seed=4,
)


@pytest.fixture
def edited(opened: Workspace) -> Workspace:
    """With 'sandbox@2', which lacks three principles."""
    with opened.writing() as session:
        _, before = constitutions.load_version(session, "sandbox@1")
        kept = tuple(one for one in before.principles if one.id not in ("privacy", "harm", "practical"))
        constitutions.save_version(session, replace(before, principles=kept), author="me", message="less")
    return opened


def worked(workspace: Workspace, wanted: VersionComparison) -> dict[str, int]:
    ids = enqueue_compare(workspace, wanted)
    for run_id in ids.values():
        if row(workspace, run_id).state == "waiting":
            assert worker.work(workspace, run_id) == 0, row(workspace, run_id).error
    return ids


def num_runs(workspace: Workspace) -> int:
    with workspace.reading() as session:
        return len(session.scalars(select(RunRow.id)).all())


def test_five_runs_with_their_parents(edited: Workspace) -> None:
    ids = enqueue_compare(edited, WANTED)
    assert list(ids) == [CHAINS_A, CHAINS_B, PAIRS, LABELS_A, LABELS_B]
    with edited.reading() as session:
        found = {name: runs.summary(runs.get(session, run_id)) for name, run_id in ids.items()}
    assert {name: (one["kind"], one["constitution"], one["parents"]) for name, one in found.items()} == {
        CHAINS_A: ("chains", "sandbox@1", []),
        CHAINS_B: ("chains", "sandbox@2", [ids[CHAINS_A]]),
        PAIRS: ("comparisons", None, []),
        LABELS_A: ("labels", "sandbox@1", [ids[PAIRS]]),
        LABELS_B: ("labels", "sandbox@2", [ids[PAIRS], ids[LABELS_A]]),
    }
    assert all((one["seed"], one["config"]["model"]) == (4, "scripted") for one in found.values())
    assert found[CHAINS_B]["note"] == "compares sandbox@1 with sandbox@2"
    settings = {name: found[CHAINS_A]["config"][name] for name in ("red_team_prompts", "helpful_prompts", "rounds")}
    assert settings == {"red_team_prompts": 12, "helpful_prompts": 3, "rounds": 3}


def test_chains_alone_and_labels_alone(edited: Workspace) -> None:
    assert list(enqueue_compare(edited, replace(WANTED, pairs=None))) == [CHAINS_A, CHAINS_B]
    pairs = enqueue(edited, RunKind.COMPARISONS, model="scripted", red_team_prompts=2, helpful_prompts=0)
    add_scripted(edited, "judge")
    ids = enqueue_compare(edited, replace(WANTED, chains=None, pairs=None, pairs_from=pairs, label_model="judge"))
    assert (list(ids), ids[PAIRS]) == ([PAIRS, LABELS_A, LABELS_B], pairs)
    assert row(edited, ids[LABELS_B]).config["model"] == "judge"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"b": "sandbox@1"}, "A and B are both sandbox@1"),
        ({"b": "sandbox@9"}, "there is no constitution 'sandbox@9'"),
        ({"chains": {RED: 0}, "pairs": None}, "there is nothing to compare on"),
        ({"pairs_from": 1}, "run 1 is a chains run and has no pairs"),
        ({"pairs_from": 77}, "there is no run 77"),
        ({"model": "nobody"}, "there is no model 'nobody'"),
        ({"rounds": 99}, "rounds = 99"),
        ({"b": "one-sided", "chains": None}, "no enabled principle of kind helpfulness"),
    ],
)
def test_what_cannot_be_compared_enqueues_nothing(edited: Workspace, change: dict[str, Any], why: str) -> None:
    """The last fails at the labels: what came before it is undone."""
    with edited.writing() as session:
        _, shipped = constitutions.load_version(session, "sandbox@1")
        kept = tuple(one for one in shipped.principles if one.kind is PrincipleKind.HARMLESSNESS)
        one_sided = replace(shipped, name="one-sided", principles=kept)
        constitutions.save_version(session, one_sided, author="me", message="why")
    enqueue(edited)
    with pytest.raises(CAIError, match=why):
        enqueue_compare(edited, replace(WANTED, **change))
    assert num_runs(edited) == 1


def test_a_finished_comparison_is_used_again_and_so_are_its_sides(edited: Workspace) -> None:
    ids = worked(edited, WANTED)
    assert enqueue_compare(edited, WANTED) == ids
    assert enqueue_compare(edited, replace(WANTED, b="sandbox@2")) == ids
    # B's runs are A's of the next comparison: they took the prompts that they would have drawn.
    onwards = enqueue_compare(edited, replace(WANTED, a="sandbox@2", b="harmlessness", pairs=None))
    assert onwards[CHAINS_A] == ids[CHAINS_B]
    assert num_runs(edited) == 6
    assert enqueue_compare(edited, replace(WANTED, seed=5))[CHAINS_A] not in ids.values()


def test_a_run_with_another_runs_prompts_is_no_side(edited: Workspace) -> None:
    """Its settings look right, and its prompts are not those that they draw."""
    other = finished(edited, seed=4)
    ids = enqueue_compare(edited, replace(WANTED, pairs=None))
    config = dict(row(edited, ids[CHAINS_A]).config)
    took = finished(edited, seed=4, parents=[other], **config)
    assert row(edited, took).config == config
    assert enqueue_compare(edited, replace(WANTED, pairs=None))[CHAINS_A] != took


def test_what_is_foreseen_is_what_is_recalled(edited: Workspace) -> None:
    """To the row; of answers no more are asked than was said."""
    with edited.reading() as session:
        foreseen = expected(session, WANTED)
    ids = worked(edited, WANTED)
    with edited.reading() as session:
        assert expected(session, WANTED) == foreseen
    for kind, name, table in ((RunKind.CHAINS, CHAINS_B, ChainRow), (RunKind.LABELS, LABELS_B, LabelRow)):
        found = row(edited, ids[name]).result["recalled"]
        assert foreseen[kind].rows == count(edited, table, ids[name])
        assert foreseen[kind].recalled == found["rows"] < foreseen[kind].rows
        assert foreseen[kind].asked >= found["of"] - found["answers"] > 0


def test_nothing_is_foreseen_behind_other_few_shots(edited: Workspace) -> None:
    """Responses apart, which few-shots do not stand before."""
    with edited.writing() as session:
        _, before = constitutions.load_version(session, "sandbox@1")
        bare = replace(before, few_shots=type(before.few_shots)())
        constitutions.save_version(session, bare, author="me", message="bare")
        foreseen = expected(session, WANTED)
    assert foreseen == {RunKind.CHAINS: Expected(15, 3, 12 * 6), RunKind.LABELS: Expected(12, 0, 24)}


def test_many_rows_are_told_from_some(edited: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from cai_core.runs import compare_estimate

    many = replace(WANTED, chains={RED: 200}, pairs=None)
    with edited.reading() as session:
        exact = expected(session, many)[RunKind.CHAINS]
        monkeypatch.setattr(compare_estimate, "MOST", 50)
        about = expected(session, many)[RunKind.CHAINS]
    assert about.rows == exact.rows == 200
    assert abs(about.recalled - exact.recalled) < 50


def test_the_report_has_what_is_done(edited: Workspace) -> None:
    ids = enqueue_compare(edited, WANTED)
    with edited.reading() as session:
        assert comparison_report(session, ids) == {"runs": ids, "chains": None, "labels": None}
    worked(edited, WANTED)
    for run_id in ids.values():
        if row(edited, run_id).state == "waiting":
            worker.work(edited, run_id)
    with edited.reading() as session:
        found = comparison_report(session, ids)
    assert found["chains"]["after"] == found["labels"]["after"] == "sandbox@2"
    assert found["labels"]["own_run"] == ids[LABELS_B]
    assert found["labels"]["pairs"] == 12


@pytest.mark.parametrize(
    ("counts", "total", "wanted"),
    [
        ({RED: 300, HELPFUL: 0}, 100, {RED: 100, HELPFUL: 0}),
        ({RED: 200, HELPFUL: 100}, 30, {RED: 20, HELPFUL: 10}),
        ({RED: 2, HELPFUL: 1}, 10, {RED: 7, HELPFUL: 3}),
        ({RED: 0}, 5, {RED: 5}),
        ({RED: 4}, None, {RED: 4}),
        ({RED: 4}, 0, {RED: 0}),
    ],
)
def test_pairs_are_of_the_prompts_kinds(
    counts: dict[PromptKind, int], total: int | None, wanted: dict[PromptKind, int]
) -> None:
    assert scaled(counts, total) == wanted
