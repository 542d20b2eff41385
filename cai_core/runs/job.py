"""A run at work: what a stage is given, and the side thread that says the run lives."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy import update
from sqlalchemy.orm import Session

from cai_core.config import StageConfig
from cai_core.models.base import OnText, TextModel
from cai_core.runs import warm_queue
from cai_core.runs.usage import Meter
from cai_core.runs.warm_turns import Turns
from cai_core.store import constitutions, metrics, runs
from cai_core.store.workspace import Workspace
from cai_core.types import Answer, Constitution, Conversation, Request, RunKind, StepMetrics, Stop
from db.schema import RunRow, now

T = TypeVar("T")
BATCH_ROWS = 16
BATCH_SECONDS = 0.5
HEARTBEAT_SECONDS = 1.0
STOP_SECONDS = 10.0
"""How long a stop request waits for the stage to answer it."""


class Stopped(Exception):  # noqa: N818 - not an error: somebody asked for it
    """The run was asked to stop; what it has is stored."""


class LostClaim(Exception):  # noqa: N818
    """Another process has taken the run over."""


@dataclass
class Job:
    """A claimed run, as its stage sees it."""

    workspace: Workspace
    run_id: int
    uid: str
    attempt: int
    kind: RunKind
    config: StageConfig
    seed: int
    constitution_version_id: int | None
    stop: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)
    """The stage has heard of the stop and is ending: it may take the time to save what it has."""
    patience: float = field(default_factory=lambda: STOP_SECONDS)
    """How many seconds a stop request may go unanswered."""
    stepped: float | None = None
    """When the last training step was."""
    phase: str = ""
    """What is being done, as `begin` said it."""
    meters: list[Meter] = field(default_factory=list)
    """Count what is asked of servers."""
    turns: Turns = field(init=False, repr=False, compare=False)
    """When it gives way to asks."""

    def __post_init__(self) -> None:
        self.turns = Turns(lambda: warm_queue.is_asked(self.workspace, self.run_id), self._say_waiting, self._over)

    @property
    def adapters(self) -> Path:
        """Where this run's training saves. With the uid: ids begin anew in a restored or remade database."""
        return self.workspace.adapters / f"run-{self.run_id}-{self.uid[:8]}"

    def check(self) -> None:
        """Raise if the run should not go on."""
        if self.lost.is_set():
            raise LostClaim
        if self.stop.is_set():
            self.answered.set()
            raise Stopped

    def begin(self, phase: str, *, done: int, total: int | None) -> None:
        """Say what is being done now, and how much of it there is."""
        self.check()
        self.phase = phase
        with self.writing() as session:
            session.execute(update(RunRow).where(RunRow.id == self.run_id).values(phase=phase, done=done, total=total))

    def give_way(self) -> None:
        """Between two batches: let asks for this run's device go first. Ends early when the run is to stop."""
        self.turns.give_way()

    def _say_waiting(self, waits: bool) -> None:
        phase = warm_queue.GIVES_WAY if waits else self.phase
        with self.writing() as session:
            session.execute(update(RunRow).where(RunRow.id == self.run_id).values(phase=phase))

    def _over(self, seconds: float) -> bool:
        """Wait so long, or until the run is to stop; whether it is to end."""
        return self.stop.wait(seconds) or self.lost.is_set()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A writing session, while the run is still this process's."""
        with self.workspace.writing() as session:
            if runs.get(session, self.run_id).attempt != self.attempt:
                self.lost.set()
                raise LostClaim
            yield session

    def store(self, rows: Iterable[T], save: Callable[[Session, T], object]) -> None:
        """Save rows as they come, a few in each short transaction; whatever ends the rows, those that came are kept."""
        batch: list[T] = []
        since = time.monotonic()
        try:
            for row in rows:
                batch.append(row)
                if len(batch) >= BATCH_ROWS or time.monotonic() - since > BATCH_SECONDS:
                    full, batch = batch, []
                    self._commit(full, save)
                    since = time.monotonic()
                self.check()
        finally:
            if batch and not self.lost.is_set():
                self._commit(batch, save)

    def _commit(self, batch: list[T], save: Callable[[Session, T], object]) -> None:
        with self.writing() as session:
            for row in batch:
                save(session, row)
            self.store_use(runs.get(session, self.run_id))
            session.execute(update(RunRow).where(RunRow.id == self.run_id).values(done=RunRow.done + len(batch)))

    def store_use(self, row: RunRow) -> None:
        """Add to the run's row what servers were asked for since the last time."""
        for meter in self.meters:
            meter.store(row)

    def on_step(self, step: StepMetrics) -> Stop | None:
        """Save a training step; answer with a stop request if there is one."""
        with self.writing() as session:
            metrics.add(session, self.run_id, [step])
            values = {"done": step.step, "total": step.total}
            session.execute(update(RunRow).where(RunRow.id == self.run_id).values(**values))
        at = time.monotonic()
        if self.stepped is not None:
            # Ended between two steps, training goes on from its last checkpoint: a slow step is worth waiting for.
            self.patience = max(STOP_SECONDS, 2 * (at - self.stepped))
        self.give_way()
        self.stepped = time.monotonic()
        if not self.stop.is_set():
            return None
        self.answered.set()
        return Stop.STOP

    def constitution(self) -> Constitution:
        """The version that the run was enqueued with."""
        if self.constitution_version_id is None:
            raise ValueError(f"run {self.run_id} has no constitution")
        with self.workspace.reading() as session:
            return constitutions.load_version_id(session, self.constitution_version_id)

    def watch(self, model: TextModel) -> TextModel:
        """The same model, which ends with `Stopped` between two answers when the run is asked to stop."""
        return _Watched(model, self)


class _Watched:
    """A model that checks its job between answers."""

    def __init__(self, model: TextModel, job: Job) -> None:
        self._model, self._job = model, job

    def answer(
        self, requests: Iterable[tuple[str, Request]], *, on_text: OnText | None = None
    ) -> Iterator[tuple[str, Answer]]:
        for answered in self._model.answer(_Checked(iter(requests), self._job), on_text=on_text):
            self._job.check()
            yield answered

    def render(self, request: Request) -> str:
        return self._model.render(request)

    def count_tokens(self, context: str | Conversation) -> int:
        return self._model.count_tokens(context)

    @property
    def context_length(self) -> int:
        return self._model.context_length


class _Checked(Iterator[tuple[str, Request]]):
    """Requests, each after a look at its job. No generator: requests may go on after their end."""

    def __init__(self, requests: Iterator[tuple[str, Request]], job: Job) -> None:
        self._requests, self._job = requests, job

    def __next__(self) -> tuple[str, Request]:
        self._job.give_way()
        self._job.check()
        return next(self._requests)


@contextmanager
def heartbeat(job: Job, give_up: Callable[[], object]) -> Iterator[None]:
    """While inside: say every second that the run lives, add up its time, and listen for a stop request.

    `give_up` is called when the stage leaves such a request unanswered.
    """
    end = threading.Event()
    thread = threading.Thread(target=_beat, args=(job, end, give_up), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _beat(job: Job, end: threading.Event, give_up: Callable[[], object]) -> None:
    last = asked = time.monotonic()
    while not job.lost.is_set():
        finished = end.wait(HEARTBEAT_SECONDS)
        at = time.monotonic()
        # A beat missed for want of the lock is made up by the next: the run must not die of it.
        try:
            _beat_once(job, at - last)
            last = at
            if not job.stop.is_set() or job.answered.is_set():
                asked = at
            elif at - asked > job.patience and not finished:
                give_up()
        except Exception as error:
            print(f"heartbeat: {error}", flush=True)
        if finished:
            return


def _beat_once(job: Job, seconds: float) -> None:
    with job.workspace.writing() as session:
        row = runs.get(session, job.run_id)
        if row.attempt != job.attempt:
            job.lost.set()
            return
        row.heartbeat_at, row.seconds = now(), row.seconds + seconds
        if row.stop_requested:
            job.stop.set()
