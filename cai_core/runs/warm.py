"""The process that keeps models warm and answers asks. `python -m cai_core.runs.warm --workspace DIR --device cpu`.

One a device: its row in `warm_workers` is claimed in an immediate transaction. It is crash-only: after an error that
it does not know it ends, and a fresh process takes over. While nobody asks, it does not say that it uses the
workspace, so that it stands in no upgrade's and no restore's way; before it answers again it looks what is there.
"""

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from functools import cache
from pathlib import Path

from sqlalchemy.orm import Session

from cai_core.chains.asks import Asking, chains_of
from cai_core.errors import CAIError
from cai_core.models.base import TextModel
from cai_core.models.load import load_text_model
from cai_core.preferences.asks import labels_of
from cai_core.runs import launchers, warm_queue
from cai_core.runs.warm_answer import Answering, AskLost, AskStopped
from cai_core.runs.warm_chain import answer_branch, answer_sent
from cai_core.runs.warm_models import WarmModels, budget
from cai_core.runs.warm_preview import answer_preview
from cai_core.store import asks, branches, constitutions, models, runs
from cai_core.store.backups import DATABASE, IN_USE
from cai_core.store.locks import SharedLock
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import Ask, AskKind, AskState, Constitution, ModelRef
from db.migrations import migrate
from db.schema import now
from db.schema_asks import WarmWorkerRow

CLAIMED = 3
"""Exit code of a worker whose device another process has."""
POLL, BEAT, RESTS_AFTER = 0.05, 1.0, 2.0
"""Seconds: between two looks for asks, between two heartbeats, and until a worker without asks lets go of the lock."""
PATIENCE = 10.0
"""Seconds that a stop may go unheard inside a model until the process ends for it."""
MINUTES, KEEP = "CAI_STUDIO_WARM_MINUTES", 10.0
"""Minutes that an unused model stays in memory. The process itself stays half as long again."""


def main() -> None:
    """Answer the asks of one device until nobody asks for long."""
    parser = argparse.ArgumentParser(description="Keep models warm and answer the asks of one device.")
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--device", required=True)
    given = parser.parse_args()
    try:
        workspace = open_workspace(given.workspace, create=False)
        code = work(workspace, given.device)
    except CAIError as error:
        print(error, file=sys.stderr)
        code = 2
    sys.exit(code)


def work(workspace: Workspace, device: str) -> int:
    """Claim the device and serve it to the end; the exit code."""
    if not claim(workspace, device):
        print(f"the asks of {device} are answered by another process.", file=sys.stderr)
        return CLAIMED
    print(f"warm worker for {device}, pid {os.getpid()}", flush=True)
    worker = WarmWorker(workspace, device)
    signal.signal(signal.SIGTERM, lambda *_: worker.told_to_end())
    worker.serve()
    return 0


def claim(workspace: Workspace, device: str) -> bool:
    """Write this process into the device's row unless another one that lives stands there."""
    with workspace.writing() as session:
        row = session.get(WarmWorkerRow, device)
        if row is not None and row.pid not in (None, os.getpid()) and warm_queue.lives(row, workspace.folder):
            return False
        asks.put_back(session, device, f"{warm_queue.log_file(workspace.folder, device)} holds its last words.")
        row = row or WarmWorkerRow(device=device, launches=1)
        row.pid, row.process_started = os.getpid(), launchers.process_started(os.getpid())
        row.heartbeat_at, row.doing = now(), warm_queue.COMING_UP
        session.add(row)
    return True


class WarmWorker:
    """A claimed device, its models, and the ask that is being answered."""

    def __init__(self, workspace: Workspace, device: str) -> None:
        self.end = threading.Event()
        """Set when the process is to end."""
        self._workspace, self._device = workspace, device
        self._me = os.getpid(), launchers.process_started(os.getpid())
        self._lock, self._file = workspace.lock, _file_number(workspace)
        self._models: WarmModels | None = None
        self._answering: Answering | None = None
        self._kicks = True

    def told_to_end(self) -> None:
        """Somebody wants this process to end: what it was at waits until somebody asks again, or looks."""
        self._kicks = False
        self.end.set()

    def serve(self) -> None:
        """Answer ask after ask, oldest first, and leave when nobody asks for long."""
        keep = _minutes() * 60
        beat = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        beat.start()
        idle_since = time.monotonic()
        while not self.end.is_set():
            taken = self._take()
            if taken is not None:
                self._answer(*taken)
                idle_since = time.monotonic()
            else:
                self._rest(time.monotonic() - idle_since, keep)
        self._leave()

    def _take(self) -> tuple[int, int] | None:
        """Id and attempt of the oldest waiting ask, now this process's; None if none waits."""
        if _file_number(self._workspace) != self._file:
            self.end.set()  # another database was put in this one's place
            return None
        with self._workspace.reading() as session:
            if not asks.is_pending(session, self._device):
                return None
        self._say_in_use()
        if self.end.is_set():
            return None
        revision = runs.code_revision()
        with self._workspace.writing() as session:
            if not self._is_mine(session):
                return None
            session.get_one(WarmWorkerRow, self._device).launches = 0
            row = asks.take(session, self._device, self._me[0], revision)
            return None if row is None else (row.id, row.attempt)

    def _rest(self, idle: float, keep: float) -> None:
        """Nobody asks: wait a little, let go of what is not used, and leave after long."""
        if idle >= RESTS_AFTER and self._lock is not None:
            self._lock.close()
            self._lock = None
        if self._models is not None and self._models.let_go(keep):
            self._say("idle")
        if idle >= 1.5 * keep:
            self.end.set()
        self.end.wait(POLL)

    def _say_in_use(self) -> None:
        """Take the workspace's lock again; end if a newer version has migrated the database meanwhile."""
        if self._lock is None:
            self._lock = SharedLock(self._workspace.folder / IN_USE)
            if migrate.current(self._workspace.engine) != migrate.head():
                self.end.set()

    def _answer(self, ask_id: int, attempt: int) -> None:
        """Answer one ask to its end, whatever that is."""
        began = time.monotonic()
        with self._workspace.reading() as session:
            row = asks.get(session, ask_id)
            ask, before, ref = asks.to_noun(row), asks.answered(row), models.to_ref(row.model, self._workspace.folder)
            version, principles = row.constitution_version_id, {one.slug: one.id for one in asks.principles(row)}
            if ask.chain is not None:
                principles = branches.behind(session, ask.chain).slugs()
            constitution = ask.wording
            if constitution is None and version is not None:
                constitution = constitutions.load_version_id(session, version)
        answering = Answering(self._workspace, ask_id, attempt, before, principles, over=self.end.is_set)
        self._answering = answering
        with suppress(AskStopped, AskLost):
            try:
                problem, save = None, None
                if ask.kind is AskKind.BRANCH:
                    problem, save = answer_branch(self._workspace, ask, answering, self._warm)
                elif ask.kind is AskKind.RENDER:
                    problem = answer_sent(self._workspace, ask, answering, cache(self._renderer))
                elif ask.kind is AskKind.PREVIEW:
                    answer_preview(answering, self._workspace, ask, ref)
                elif ask.kind is AskKind.COUNT:
                    problem = answering.count(ask.turns, self._warm(ask.model), exact=ref.endpoint is None)
                else:
                    problem = answering.run(tasks_of(ask, constitution), self._warm(ask.model))
                answering.finish(AskState.FAILED if problem else AskState.DONE, problem, save)
            except CAIError as error:
                answering.finish(AskState.FAILED, str(error))
            except Exception as error:
                # The next ask gets a fresh process: after a fault of the device this one would fail them all.
                traceback.print_exc()
                self.end.set()
                log = warm_queue.log_file(self._workspace.folder, self._device)
                words = str(error).strip() or "no message"
                answering.finish(AskState.FAILED, f"{type(error).__name__}: {words}. {log} holds the details.")
        self._answering = None
        print(f"ask {ask_id}: {time.monotonic() - began:.2f} s", flush=True)
        self._say("idle")

    def _warm(self, name: str) -> TextModel:
        """A model by its name, in memory from now on."""
        ref = self._ref(name)
        if self._models is None:
            self._models = WarmModels(budget(self._device))
        if not self._models.has(ref):
            self._say(f"{warm_queue.LOADING} {name}")
        model = self._models.get(name, ref)
        self._say(f"answering with {name}")
        return model

    def _renderer(self, name: str) -> TextModel:
        """A model by its name, to say what it is sent: its weights are not loaded for that."""
        ref = self._ref(name)
        if self._models is not None and self._models.has(ref):
            return self._models.get(name, ref)
        return load_text_model(ref, width=1, late=True)

    def _ref(self, name: str) -> ModelRef:
        with self._workspace.reading() as session:
            return models.to_ref(models.get(session, name), self._workspace.folder)

    def _say(self, doing: str) -> None:
        """What it does, and what it has in memory."""
        with self._workspace.writing() as session:
            if self._is_mine(session):
                row = session.get_one(WarmWorkerRow, self._device)
                row.doing = doing
                if self._models is not None:
                    row.models, row.memory, row.budget = self._models.names, self._models.memory, self._models.budget

    def _is_mine(self, session: Session) -> bool:
        """Whether this process still has the device; else it ends."""
        row = session.get(WarmWorkerRow, self._device)
        mine = row is not None and (row.pid, row.process_started) == self._me
        if not mine:
            self.end.set()
        return mine

    def _leave(self) -> None:
        """Give the device back; whoever asked in this very moment gets another worker."""
        if _file_number(self._workspace) != self._file:
            return
        with self._workspace.writing() as session:
            if not self._is_mine(session):
                return
            asks.put_back(session, self._device, "it was ended.")
            warm_queue.forget(session, self._device)
        if self._kicks:
            warm_queue.kick(self._workspace)

    def _beat(self) -> None:
        asked_at: float | None = None
        while not self.end.wait(BEAT):
            # A beat missed for want of the lock is made up by the next.
            try:
                stopping = self._beat_once()
            except Exception as error:
                print(f"heartbeat: {error}", flush=True)
                continue
            asked_at = None if not stopping else asked_at or time.monotonic()
            if asked_at is not None and time.monotonic() - asked_at > PATIENCE:
                self._give_up()

    def _beat_once(self) -> bool:
        """Say that the process lives; whether the ask at hand is to stop and has not yet."""
        answering = self._answering
        with self._workspace.writing() as session:
            if self._is_mine(session):
                session.get_one(WarmWorkerRow, self._device).heartbeat_at = now()
            return answering is not None and answering.is_to_stop(session)

    def _give_up(self) -> None:
        """End this process, for its model does not hear the stop; what was written until now is kept."""
        answering = self._answering
        with suppress(AskLost):
            if answering is None:
                return
            answering.finish(AskState.STOPPED)
        print("a model did not hear that it should stop, so the process ends here.", flush=True)
        try:
            with self._workspace.writing() as session:
                warm_queue.forget(session, self._device)
            warm_queue.kick(self._workspace)
        finally:
            os._exit(0)


def tasks_of(ask: Ask, constitution: Constitution | None) -> list[Asking]:
    """What an ask asks of a model, as tasks that go on side by side."""
    if ask.kind is AskKind.COMPARE and constitution is not None:
        return labels_of(ask, constitution)
    return chains_of(ask, constitution)


def _file_number(workspace: Workspace) -> tuple[int, int] | None:
    """Which file the database is; None if it is gone."""
    try:
        found = (workspace.folder / DATABASE).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _minutes() -> float:
    named = os.environ.get(MINUTES, "").strip()
    try:
        return float(named) if named else KEEP
    except ValueError:
        raise CAIError(f"{MINUTES} is {named!r}: give a number of minutes, for example 10, or leave it out.") from None


if __name__ == "__main__":
    main()
