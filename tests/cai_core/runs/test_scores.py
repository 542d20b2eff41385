"""A scores run: every text of a chains run once, stopped and resumed, and what is refused before it is enqueued."""

import re
import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, select

from cai_core.errors import CAIError
from cai_core.runs import job as jobs
from cai_core.runs import queue, worker
from cai_core.sandbox import gold
from cai_core.store import chains, models
from cai_core.store.workspace import Workspace
from cai_core.types import Axis, Conversation, RunKind
from db.schema import PromptRow, RunRow
from db.schema_chains import ChainRow, RevisionRow, ScoreRow
from tests.cai_core.runs.helpers import count, enqueue, finished, row

GOLD: dict[str, Any] = {"judge": "gold"}
FEEDBACK: dict[str, Any] = {"judge": "feedback", "judge_model": "scripted", "constitution": "sandbox"}
SMALL: dict[str, Any] = {"red_team_prompts": 5, "helpful_prompts": 2, "look_alike_prompts": 1, "helpful_samples": 1}
TEXTS = 5 * 3 + 3
"""Of five chains of two rounds, and three plain samples."""


@pytest.fixture
def made(opened: Workspace) -> int:
    """A chains run."""
    return finished(opened, **SMALL)


def scored(workspace: Workspace, run_id: int) -> list[tuple[Any, ...]]:
    """All that a scores run wrote, row ids aside."""
    names = ("chain_id", "round", "state", "value", "verdict", "principle_id", "error")
    with workspace.reading() as session:
        rows = session.scalars(select(ScoreRow).where(ScoreRow.run_id == run_id))
        return sorted(tuple(getattr(one, name) for name in names) for one in rows)


def by_length(_ref: Any) -> Callable[[Sequence[Conversation]], list[float]]:
    """A preference model that likes long answers, and cannot read those of more than thirty words."""

    def score(turns: Sequence[Conversation]) -> list[float]:
        words = [len(one[-1].content.split()) for one in turns]
        return [float("nan") if n > 30 else float(n) for n in words]

    return score


@pytest.mark.parametrize("axis", Axis)
def test_gold_scores_every_text_of_every_chain(opened: Workspace, made: int, axis: Axis) -> None:
    run_id = finished(opened, RunKind.SCORES, parents=[made], axis=axis.value, **GOLD)
    found = {(chain, round): (value, verdict) for chain, round, _, value, verdict, *_ in scored(opened, run_id)}
    with opened.reading() as session:
        expected = {
            (chain_id, number): gold.judge(chain.prompt.turns, text or "")
            for chain_id, chain in chains.of_run(session, made)
            for number, text in enumerate([chain.response, *(one.revision for one in chain.rounds)])
        }
    assert found == {key: (gold.value(said, axis), said.verdict.value) for key, said in expected.items()}
    result = row(opened, run_id).result
    untold = sum(value is None for value, _ in found.values())
    assert result == {"rows": TEXTS, "states": {"done": TEXTS}, "untold": untold, "judge": "gold"}
    assert (row(opened, run_id).done, row(opened, run_id).total) == (TEXTS, TEXTS)


def test_a_preference_model_s_scores_are_stored_and_what_it_cannot_read_is_a_state(
    opened: Workspace, made: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = SimpleNamespace(score_conversations=by_length)
    monkeypatch.setitem(sys.modules, "cai_core.models.preference", module)  # type: ignore[arg-type]
    with opened.writing() as session:
        models.add(session, name="pm", base="scripted", adapter="x", kind="preference")
        longest = session.scalars(select(ChainRow).where(ChainRow.run_id == made)).first()
        assert longest is not None
        longest.response = "word " * 31
    run_id = finished(opened, RunKind.SCORES, parents=[made], judge="pm", judge_model="pm", width=4)
    found = scored(opened, run_id)
    states = {state: [value for _, _, own, value, *_ in found if own == state] for state in ("done", "too_long")}
    assert len(found) == TEXTS
    assert len(states["too_long"]) >= 1
    assert set(states["too_long"]) == {None}
    assert all(value > 0 for value in states["done"])
    assert row(opened, run_id).result["judge"] == "pm"


def test_a_feedback_model_scores_against_the_initial_response(opened: Workspace, made: int) -> None:
    run_id = finished(opened, RunKind.SCORES, parents=[made], **FEEDBACK)
    found = scored(opened, run_id)
    assert {value for _, round, _, value, *_ in found if round == 0} == {0.5}
    principles: dict[int, set[int]] = {}
    for chain, _, _, _, _, principle, _ in found:
        principles.setdefault(chain, set()).add(principle)
    assert {len(own) for own in principles.values()} == {1}
    assert None not in set.union(*principles.values())
    assert finished(opened, RunKind.SCORES, parents=[made], **FEEDBACK, width=3)
    assert scored(opened, run_id + 1) == found
    assert row(opened, run_id).config["constitution"] == "sandbox@1"


def test_a_response_that_failed_is_a_state_and_no_branch_is_scored(opened: Workspace, made: int) -> None:
    with opened.writing() as session:
        first, second = session.scalars(select(ChainRow).where(ChainRow.run_id == made).limit(2)).all()
        first.response, first.state, first.error = None, "failed", "it broke"
        session.execute(delete(RevisionRow).where(RevisionRow.chain_id == first.id))
        branch = ChainRow(uid="branch", run_id=made, prompt_id=second.prompt_id, sample=second.sample, branch=1)
        branch.parent_id, branch.seed, branch.state, branch.response = second.id, 0, "done", "By hand."
        session.add(branch)
        session.flush()
        failed, by_hand = first.id, branch.id
    for config in (GOLD, FEEDBACK):
        found = scored(opened, finished(opened, RunKind.SCORES, parents=[made], **config))
        assert [one for one in found if one[0] == failed] == [(failed, 0, "failed", None, None, None, "it broke")]
        assert by_hand not in {one[0] for one in found}


class Killed(BaseException):
    """Stands for SIGKILL inside one process: nothing after it is written."""


@pytest.mark.parametrize("config", [GOLD, FEEDBACK], ids=["gold", "feedback"])
@pytest.mark.parametrize("commits", [0, 2])
def test_killed_and_resumed_nothing_is_lost_or_doubled(
    opened: Workspace, made: int, monkeypatch: pytest.MonkeyPatch, commits: int, config: dict[str, Any]
) -> None:
    monkeypatch.setattr(jobs, "BATCH_ROWS", 4)
    whole = scored(opened, finished(opened, RunKind.SCORES, parents=[made], **config))
    run_id = enqueue(opened, RunKind.SCORES, parents=[made], **config)
    done, real = [0], jobs.Job._commit

    def commit(self: jobs.Job, batch: list[Any], save: Callable[[Any, Any], object]) -> None:
        if done[0] == commits:
            raise Killed
        done[0] += 1
        real(self, batch, save)

    with monkeypatch.context() as patch:
        patch.setattr(jobs.Job, "_commit", commit)
        with pytest.raises(Killed):
            worker.work(opened, run_id)
    assert count(opened, ScoreRow, run_id) == 4 * commits
    with opened.writing() as session:
        session.get_one(RunRow, run_id).state = "lost"
    queue.resume(opened, run_id)
    assert worker.work(opened, run_id) == 0
    assert scored(opened, run_id) == whole
    assert row(opened, run_id).done == TEXTS


def test_a_stop_keeps_what_was_scored(opened: Workspace, made: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH_ROWS", 2)
    run_id = enqueue(opened, RunKind.SCORES, parents=[made], **GOLD)
    real = jobs.Job._commit

    def commit(self: jobs.Job, batch: list[Any], save: Callable[[Any, Any], object]) -> None:
        real(self, batch, save)
        self.stop.set()

    with monkeypatch.context() as patch:
        patch.setattr(jobs.Job, "_commit", commit)
        worker.work(opened, run_id)
    assert (row(opened, run_id).state, count(opened, ScoreRow, run_id)) == ("stopped", 2)
    queue.resume(opened, run_id)
    worker.work(opened, run_id)
    assert count(opened, ScoreRow, run_id) == TEXTS


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"judge": "pm"}, "the pm judge is a model, and none is named. Set judge_model."),
        ({"judge": "feedback", "constitution": "sandbox"}, "the feedback judge is a model, and none is named"),
        ({"judge": "feedback", "judge_model": "scripted"}, "set constitution, for example to 'sandbox'"),
        ({"judge": "feedback", "judge_model": "none", "constitution": "sandbox"}, "there is no model 'none'"),
        ({"judge": "pm", "judge_model": "scripted"}, "is a causal model and cannot take a preference one's place"),
        ({"judge": "gold", "judge_model": "scripted"}, "gold is no model, so judge_model 'scripted' would not be"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_enqueued(
    opened: Workspace, made: int, config: dict[str, Any], words: str
) -> None:
    with pytest.raises(CAIError, match=re.escape(words)):
        enqueue(opened, RunKind.SCORES, parents=[made], **config)


def test_one_chains_run_is_scored(opened: Workspace, made: int) -> None:
    with pytest.raises(CAIError, match="reads from a chains run and none was named"):
        enqueue(opened, RunKind.SCORES, **GOLD)
    with pytest.raises(CAIError, match="scores one chains run, and 2 were named"):
        enqueue(opened, RunKind.SCORES, parents=[made, enqueue(opened)], **GOLD)


def test_gold_refuses_prompts_that_it_does_not_know(opened: Workspace, made: int) -> None:
    """When the run is enqueued; and when it starts, if the chains came only then."""
    run_id = enqueue(opened, RunKind.SCORES, parents=[made], **GOLD)
    with opened.writing() as session:
        for prompt in session.scalars(select(PromptRow)):
            prompt.source = "mine"
    words = "knows the sandbox's prompts alone, and these come from mine. Set judge to 'pm' or 'feedback'"
    with pytest.raises(CAIError, match=words):
        enqueue(opened, RunKind.SCORES, parents=[made], **GOLD)
    worker.work(opened, run_id)
    assert row(opened, run_id).state == "failed"
    assert words in str(row(opened, run_id).error)
    assert finished(opened, RunKind.SCORES, parents=[made], **FEEDBACK)
