"""Runs that recall another: the same rows as without, and what did not change is not asked."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cai_core.constitution.draw import draw_principle
from cai_core.models.scripted import ScriptedModel
from cai_core.runs import queue, worker
from cai_core.store import chains, constitutions, labels, prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Constitution, Principle, Prompt, PromptKind, RunKind, Split, prompt_uid, user
from db.schema import LabelRow, RunRow
from db.schema_chains import ChainRow
from tests.cai_core.runs.helpers import add_scripted, count, enqueue, finished, row, stored_chains

REPOSITORY = Path(__file__).parents[3]
Edit = Callable[[Constitution], Constitution]


def without(*ids: str) -> Edit:
    return lambda one: replace(one, principles=tuple(p for p in one.principles if p.id not in ids))


def with_texts(*ids: str, **texts: Any) -> Edit:
    return lambda one: replace(one, principles=tuple(replace(p, **texts) if p.id in ids else p for p in one.principles))


def with_other_shots(one: Constitution) -> Constitution:
    shots = one.few_shots
    return replace(one, few_shots=replace(shots, critique_revision=shots.critique_revision[1:], comparison=()))


EDITS: dict[str, Edit] = {
    "removed": without("privacy", "harm"),
    "reworded": with_texts("fraud", "tone", "correct", revision_request="Again.", comparison="Which is longer?"),
    "heavier": with_texts("drugs", "helpful", weight=5.0),
    "few-shots": with_other_shots,
    "renamed": with_texts("theft", "drugs", "wise", "helpful", title="Stealing", tags=("x",)),
}


def save(workspace: Workspace, edit: Edit) -> str:
    """'sandbox@2', made by an edit of 'sandbox@1'."""
    with workspace.writing() as session:
        _, before = constitutions.load_version(session, "sandbox@1")
        constitutions.save_version(session, edit(before), author="me", message="an edit")
        return str(constitutions.newest_ref(session, "sandbox"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What scripted models are asked, rendered."""
    found: list[str] = []
    answer = ScriptedModel._answer

    def counted(self: ScriptedModel, request: Any) -> Any:
        found.append(self.render(request))
        return answer(self, request)

    monkeypatch.setattr(ScriptedModel, "_answer", counted)
    return found


def stored_labels(workspace: Workspace, run_id: int) -> list[Any]:
    with workspace.reading() as session:
        return [(one.key, one.label) for one in labels.of_run(session, run_id)]


def recalled(workspace: Workspace, run_id: int) -> dict[str, Any]:
    found: dict[str, Any] = row(workspace, run_id).result["recalled"]
    return found


@pytest.mark.parametrize("edit", list(EDITS))
def test_chains_are_those_that_the_model_would_have_made(opened: Workspace, edit: str, asked: list[str]) -> None:
    """Row by row, whatever was edited; and of all requests, those that are new are asked, and no other."""
    first = finished(opened)
    before = set(asked)
    ref = save(opened, EDITS[edit])
    afresh = finished(opened, constitution=ref)
    asked.clear()
    again = finished(opened, constitution=ref, parents=[first])
    assert stored_chains(opened, again) == stored_chains(opened, afresh)
    found = recalled(opened, again)
    assert len(asked) == found["of"] - found["answers"]
    assert not before & set(asked)
    assert found["answers"] > 0
    assert (found["answers"] == found["of"]) is (edit == "renamed")
    assert found["run"] == first


@pytest.mark.parametrize("edit", list(EDITS))
def test_labels_are_those_that_the_model_would_have_given(opened: Workspace, edit: str, asked: list[str]) -> None:
    wanted = {"red_team_prompts": 30, "helpful_prompts": 10, "look_alike_prompts": 4}
    pairs = finished(opened, RunKind.COMPARISONS, model="scripted", **wanted)
    settings: dict[str, Any] = {"model": "scripted"}
    first = finished(opened, RunKind.LABELS, constitution="sandbox@1", parents=[pairs], **settings)
    ref = save(opened, EDITS[edit])
    afresh = finished(opened, RunKind.LABELS, constitution=ref, parents=[pairs], **settings)
    asked.clear()
    again = finished(opened, RunKind.LABELS, constitution=ref, parents=[pairs, first], **settings)
    assert stored_labels(opened, again) == stored_labels(opened, afresh)
    found = recalled(opened, again)
    assert len(asked) == found["of"] - found["answers"]
    with opened.reading() as session:
        marked = session.scalars(select(LabelRow.recalled).where(LabelRow.run_id == again)).all()
    assert sum(marked) == found["rows"]
    assert found["rows"] == {"few-shots": 0, "renamed": 44}.get(edit, found["rows"])
    if edit in ("removed", "reworded", "heavier"):
        assert 0 < found["rows"] < 44


def test_only_rows_that_drew_what_was_taken_out_are_asked_about(opened: Workspace, asked: list[str]) -> None:
    first = finished(opened, red_team_prompts=30)
    ref = save(opened, without("privacy"))
    asked.clear()
    again = finished(opened, red_team_prompts=30, constitution=ref, parents=[first])
    with opened.reading() as session:
        both = list(chains.pairs(session, first, again))
        whole = {
            (one.prompt_id, one.sample): one.recalled
            for one in session.scalars(select(ChainRow).where(ChainRow.run_id == again))
        }
    assert len(both) == len(whole) == 30 + 6 * 2 + 3 * 2
    drew = [one for one, _ in both if any(step.principle.id == "privacy" for step in one.rounds)]
    same = [one == other for one, other in both if one not in drew]
    assert 0 < len(drew) < 30
    assert all(same)
    assert recalled(opened, again)["rows"] == len(both) - len(drew)
    compared = row(opened, again).result["compared"]
    assert (compared["redrawn"], compared["revised"], compared["chains"]) == (len(drew), 30, len(both))
    assert compared["differ"]["count"] <= len(drew)
    assert (compared["before"], compared["after"], compared["run"]) == ("sandbox@1", "sandbox@2", first)


def test_b_takes_as_prompts_whatever_could_be_drawn_now(opened: Workspace) -> None:
    first = finished(opened)
    with opened.writing() as session:
        for number in range(400):
            turns = (user(f"new {number}"),)
            new = Prompt(prompt_uid(turns), turns, PromptKind.RED_TEAM, Split.TRAIN, "sandbox")
            prompts.add(session, [new])
    again = finished(opened, red_team_prompts=99, parents=[first])
    with opened.reading() as session:
        assert prompts.ids_of_run(session, again) == prompts.ids_of_run(session, first)
    result = row(opened, again).result
    assert (result["prompts"], result["prompts_of"]) == ({"red_team": 12, "helpful": 6, "look_alike": 3}, first)
    assert result["recalled"]["answers"] == result["recalled"]["of"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"seed": 2}, "has seed 1 and this one 2"),
        ({"model": "other"}, "has model 'scripted' and this one 'other'"),
        ({"temperature": 0.5}, "has temperature 1.0 and this one 0.5"),
        ({"max_new_tokens": 9}, "has max_new_tokens 256 and this one 9"),
    ],
)
def test_what_decides_an_answer_has_to_be_the_same(opened: Workspace, change: dict[str, Any], why: str) -> None:
    add_scripted(opened, "other")
    first = finished(opened)
    again = finished(opened, parents=[first], **change)
    found = recalled(opened, again)
    assert (found["answers"], found["rows"]) == (0, 0)
    assert why in found["why_not"]
    assert "compared" not in row(opened, again).result


@pytest.mark.parametrize("change", [{"rounds": 3}, {"critique": False}, {"few_shots": 1}, {"few_shot_prefixes": 3}])
def test_what_other_settings_made_is_not_put_down_to_the_version(opened: Workspace, change: dict[str, Any]) -> None:
    first = finished(opened)
    again = finished(opened, parents=[first], **change)
    assert recalled(opened, again)["answers"] > 0
    assert "compared" not in row(opened, again).result


@pytest.mark.parametrize("change", [{"principles": 2}, {"few_shots": 1}, {"min_mass": 0.9}])
def test_nor_are_labels_of_other_settings(opened: Workspace, change: dict[str, Any]) -> None:
    pairs = finished(opened, RunKind.COMPARISONS, model="scripted", red_team_prompts=4, helpful_prompts=0)
    settings: dict[str, Any] = {"model": "scripted", "constitution": "sandbox@1"}
    first = finished(opened, RunKind.LABELS, parents=[pairs], **settings)
    again = finished(opened, RunKind.LABELS, parents=[pairs, first], **{**settings, **change})
    assert "recalled" in row(opened, again).result
    assert "compared" not in row(opened, again).result


def test_labels_of_other_comparisons_are_not_recalled(opened: Workspace) -> None:
    pairs = [
        finished(opened, RunKind.COMPARISONS, model="scripted", seed=seed, red_team_prompts=4, helpful_prompts=0)
        for seed in (1, 2)
    ]
    settings: dict[str, Any] = {"model": "scripted", "constitution": "sandbox@1"}
    first = finished(opened, RunKind.LABELS, parents=[pairs[0]], **settings)
    again = finished(opened, RunKind.LABELS, parents=[pairs[1], first], **settings)
    assert f"of comparisons run {pairs[0]}, and not of this run's" in recalled(opened, again)["why_not"]


def test_rows_that_failed_or_were_cut_are_asked_again(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """And come out as they would have without recall."""
    first = finished(opened)
    with opened.writing() as session:
        rows = session.scalars(select(ChainRow).where(ChainRow.run_id == first).order_by(ChainRow.id)).all()
        revised = [one for one in rows if one.revisions]
        revised[0].state, revised[0].error = "failed", "out of memory"
        revised[1].revisions[0].finished = False
        plain = next(one for one in rows if not one.revisions)
        plain.state, plain.response, plain.sent = "too_long", None, None
    afresh = finished(opened)
    again = finished(opened, parents=[first])
    assert stored_chains(opened, again) == stored_chains(opened, afresh)
    found = recalled(opened, again)
    assert found["of"] - found["answers"] == 5 + 2 + 1


DIES = """
import os, signal
from cai_core.runs import worker
from cai_core.runs.job import Job

commit_as_ever = Job._commit

def commit(job, batch, save):
    commit_as_ever(job, batch, save)
    os.kill(os.getpid(), signal.SIGKILL)

Job._commit = commit
worker.main()
"""
"""A worker that is killed after its first rows."""


@pytest.mark.slow
def test_killed_and_resumed_it_is_as_if_it_never_was(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "STALE", timedelta(0))
    first = finished(opened, red_team_prompts=40)
    settings: dict[str, Any] = {"red_team_prompts": 40, "constitution": save(opened, without("privacy", "theft"))}
    whole = finished(opened, parents=[first], **settings)
    killed = enqueue(opened, parents=[first], **settings)
    command = [sys.executable, "-c", DIES, "--workspace", str(opened.folder), "--run", str(killed)]
    died = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, check=False, env={**os.environ}
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert 0 < count(opened, ChainRow, killed) < count(opened, ChainRow, whole)
    queue.kick(opened)
    queue.resume(opened, killed)
    assert worker.work(opened, killed) == 0, row(opened, killed).error
    assert stored_chains(opened, killed) == stored_chains(opened, whole)
    assert row(opened, killed).result == row(opened, whole).result
    assert marks(opened, killed) == marks(opened, whole)


def marks(workspace: Workspace, run_id: int) -> dict[tuple[int, int], int]:
    """How many answers of each row were recalled."""
    with workspace.reading() as session:
        rows = session.scalars(select(ChainRow).where(ChainRow.run_id == run_id))
        return {(one.prompt_id, one.sample): one.recalled for one in rows}


@pytest.mark.slow
def test_on_the_sandbox_recall_changes_no_row_and_loads_no_weights_for_nothing(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cai_core.models import late

    settings: dict[str, Any] = {"model": "sandbox", "red_team_prompts": 10, "helpful_prompts": 3, "few_shots": 2}
    settings |= {"look_alike_prompts": 0, "max_new_tokens": 96, "source": "sandbox"}
    first = finished(opened, **settings)
    ref = save(opened, without("privacy", "hacking", "harm"))
    afresh = finished(opened, constitution=ref, **settings)
    again = finished(opened, constitution=ref, parents=[first], **settings)
    assert stored_chains(opened, again) == stored_chains(opened, afresh)
    found = recalled(opened, again)
    assert 0 < found["answers"] < found["of"]

    def refuse(*args: Any, **rest: Any) -> None:
        raise AssertionError("weights were loaded though nothing was left to ask")

    monkeypatch.setattr(late, "LocalModel", refuse)
    nothing_new = finished(
        opened, constitution=save(opened, with_texts("theft", title="Other")), parents=[first], **settings
    )
    assert recalled(opened, nothing_new)["answers"] == found["of"]


def test_a_run_of_its_own_kind_is_never_needed(opened: Workspace) -> None:
    """Chains read from nothing; labels from comparisons alone."""
    assert finished(opened)
    with pytest.raises(Exception, match="a labels run reads from a comparisons run and none was named"):
        enqueue(opened, RunKind.LABELS, model="scripted", constitution="sandbox")
    with opened.reading() as session:
        assert len(session.scalars(select(RunRow)).all()) == 1


def test_the_draw_is_what_the_tests_above_rest_on() -> None:
    """Taking one out changes no other row's draw."""
    principles = tuple(Principle(f"p{n}", "t", critique_request="c", revision_request="r") for n in range(6))
    whole = Constitution("c", "", principles)
    less = replace(whole, principles=principles[1:])
    for number in range(60):
        draws = [
            draw_principle(one, kind=None, half="critique", seed=1, row=f"{number}", round=1).id
            for one in (whole, less)
        ]
        assert draws[0] in ("p0", draws[1])
