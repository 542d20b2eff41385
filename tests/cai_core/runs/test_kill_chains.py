"""Killed at twenty moments, a chains run with its options on comes to the chains of one that was never killed."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from cai_core.models.scripted import ScriptedModel
from cai_core.runs import job as jobs
from cai_core.runs import queue, worker
from cai_core.runs.stages import common
from cai_core.store.workspace import Workspace
from cai_core.types import Request, Sample
from db.schema import RunRow
from db.schema_chains import ChainRow
from tests.cai_core.runs.helpers import add_scripted, count, enqueue, finished, stored_chains

MOMENTS = 20
OPTIONS: dict[str, Any] = {
    "critique_model": "critic",
    "red_team_samples": 5,
    "principles": ["harm", "wise", "privacy"],
    "skip_when_nothing_found": True,
    "strip_preamble": True,
    "width": 8,
}


class Killed(BaseException):
    """Stands for SIGKILL inside one process: nothing after it is written."""


def say(request: Request) -> str | None:
    """Half of the critiques find nothing, and revisions announce themselves."""
    assert isinstance(request, Sample)
    assert not isinstance(request.context, str)
    asked = request.context[-1].content
    if asked.startswith("Critique Request:"):
        return "The response is fine." if request.seed % 2 else "The response is harmful."
    return f"Revised response: {request.seed}" if asked.startswith("Revision Request:") else None


def dying(rng: Random) -> Callable[..., None]:
    """A commit that kills its process the first to third time: before it, in its middle, or right after it."""
    left, how = rng.randint(1, 3), rng.choice(("before", "within", "after"))
    commit = jobs.Job._commit

    def strike(job: jobs.Job, batch: list[Any], save: Callable[[Any, Any], object]) -> None:
        nonlocal left
        left -= 1
        saved: list[Any] = []

        def save_some(session: Any, found: Any) -> None:
            save(session, found)
            session.flush()
            saved.append(found)
            if left == 0 and how == "within" and len(saved) == len(batch):
                raise Killed

        if left < 0 or (left == 0 and how == "before"):
            raise Killed
        commit(job, batch, save_some)
        if left == 0:
            raise Killed

    return strike


def test_killed_at_twenty_moments_it_comes_to_the_same_chains(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most two rows a commit, so that it has enough of them; each row is made once, whatever was lost."""
    add_scripted(opened, "critic")
    monkeypatch.setattr(jobs, "BATCH_ROWS", 2)
    monkeypatch.setattr(common, "load_text_model", lambda *_, **__: ScriptedModel(say))
    whole = finished(opened, **OPTIONS)
    run_id = enqueue(opened, **OPTIONS)
    rng, left_behind = Random(7), []
    for _ in range(MOMENTS):
        with monkeypatch.context() as patch:
            patch.setattr(jobs.Job, "_commit", dying(rng))
            with pytest.raises(Killed):
                worker.work(opened, run_id)
        left_behind.append(count(opened, ChainRow, run_id))
        with opened.writing() as session:
            session.get_one(RunRow, run_id).state = "lost"
        queue.resume(opened, run_id)
    assert worker.work(opened, run_id) == 0
    assert left_behind == sorted(left_behind)
    assert len(set(left_behind)) > MOMENTS // 2
    made = stored_chains(opened, run_id)
    assert made == stored_chains(opened, whole)
    rounds = [one for chain in made for one in chain.rounds]
    assert {one.skipped for one in rounds} == {one.written is None for one in rounds} == {True, False}
