"""`cai-studio rounds`."""

import json
from pathlib import Path

import pytest

from cai_core.store.workspace import Workspace
from db.schema import RunParentRow, RunRow
from tests.cai_core.cli.conftest import Call
from tests.rounds_seed import add_rounds
from tests.workspaces import fresh


@pytest.fixture
def filled(workspace: Path) -> Workspace:
    opened = fresh(workspace)
    with opened.writing() as session:
        add_rounds(session, run=11, scores=12)
        add_rounds(session, run=13, scores=14, lift=0.5, critique=False)
        session.add(RunRow(id=15, uid="none", kind="chains", state="done", seed=0, code_revision="x", config={}))
    return opened


def test_a_report_of_one_run(filled: Workspace, call: Call) -> None:
    report = json.loads(call("rounds", "11", "--json")[0])
    [run] = report["runs"]
    assert (run["run"], run["scores"], run["judge"]) == (11, 12, "gold, harmlessness")
    assert run["unit"] == "harmlessness by gold, 0 to 1"
    assert [(one["round"], one["value"], one["texts"], one["unknown"]) for one in run["points"]] == [
        (0, 0.25, 4, 0), (1, pytest.approx(1 / 3), 3, 1), (2, 1.0, 4, 0),
    ]  # fmt: skip
    out, _ = call("rounds", "11")
    assert "run 11: score, harmlessness by gold, 0 to 1, judged by gold, harmlessness (run 12)" in out
    assert "0.333" in out


def test_runs_side_by_side_are_named_by_what_differs_and_compared(filled: Workspace, call: Call) -> None:
    report = json.loads(call("rounds", "11", "14", "--json")[0])
    assert [run["name"] for run in report["runs"]] == ["with critique · run 11", "without critique · run 13"]
    [apart] = report["differences"]
    assert [(one["round"], one["value"], one["prompts"]) for one in apart["points"]] == [
        (0, 0.0, 3),
        (1, 0.5, 2),
        (2, 0.5, 3),
    ]
    assert "without critique · run 13, less with critique · run 11" in call("rounds", "11", "14")[0]


@pytest.mark.parametrize("measure", ["words", "refusal", "gates", "classes"])
@pytest.mark.parametrize("by", [(), ("--by", "topic"), ("--by", "principle")])
def test_every_measure_is_broken_down(filled: Workspace, call: Call, measure: str, by: tuple[str, ...]) -> None:
    report = json.loads(call("rounds", "11", "--measure", measure, *by, "--json")[0])
    groups = {point["group"] for point in report["runs"][0]["points"]}
    assert groups == ({None, "privacy", "fraud"} if by else {None})
    assert {point["round"] for point in report["runs"][0]["points"]} == {0, 1, 2}


def test_what_cannot_be_read_is_said(filled: Workspace, call: Call) -> None:
    assert "the chains of run 15 have no finished scores by any judge" in call("rounds", "15", code=2)[1]
    assert "no finished scores by gold, helpfulness" in call("rounds", "11", "--judge", "gold, helpfulness", code=2)[1]
    with filled.writing() as session:
        session.add(RunRow(id=16, uid="pm", kind="scores", state="done", seed=0, code_revision="x",
                           config={"judge": "pm", "judge_model": "pm-5", "axis": "harmlessness"}))  # fmt: skip
        session.add(RunRow(id=17, uid="sft", kind="sft", state="done", seed=0, code_revision="x", config={}))
        session.flush()
        session.add(RunParentRow(run_id=16, parent_id=15))
    assert "no finished scores by gold" in call("rounds", "15", "--measure", "classes", code=2)[1]
    assert "run 17 is a sft run; rounds are of a chains run" in call("rounds", "17", code=2)[1]
    assert "there is no run 99" in call("rounds", "99", code=2)[1]
