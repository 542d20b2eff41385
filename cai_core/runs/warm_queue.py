"""Asks and their workers, as pages and the command line see them: ask, stop, and see to it that somebody answers.

There is no dispatcher here either: whoever waits calls `kick`, which starts the worker of a device that has none, and
puts back what a dead one was answering. Light: the app's process imports it.
"""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.errors import RunError
from cai_core.runs import launchers, queue
from cai_core.store import asks, models
from cai_core.store.workspace import Workspace
from cai_core.types import Ask, AskState, RunState
from db.schema import RunRow, now
from db.schema_asks import WarmWorkerRow

REMOTE = "remote"
"""The device of models that are asked for at a server: they take no turn on any of ours."""
GIVES_WAY = "waits for an ask"
"""A run's phase while it leaves its device to asks."""
COMING_UP, LOADING = "coming up", "loading"
"""What a worker does before it can answer."""
STALE = timedelta(seconds=5)
"""A heartbeat older than this no longer vouches for a process that is not to be seen."""
START_WITHIN = timedelta(seconds=20)
"""How long a launch may take to name its process."""
MOST_SAMPLES, MOST_TRIES = 8, 200
"""Responses of an ask; and those times its principles."""
MOST_LAUNCHES = 3
"""Workers that may end before they come up until the asks they were for are given up."""


def ask(workspace: Workspace, asked: Ask) -> int:
    """Put a question, and see to it that a worker is there; returns the ask's id at once."""
    _check(asked)
    with workspace.writing() as session:
        ask_id = asks.add(session, asked, device=device_of(session, asked.model)).id
    kick(workspace)
    return ask_id


def _check(asked: Ask) -> None:
    """The bounds of the chains stage."""
    queue.check_seed(asked.seed)
    bounds = (("temperature", 0, 5), ("max_new_tokens", 1, 8192), ("few_shots", 0, 64), ("samples", 1, MOST_SAMPLES))
    for name, least, most in bounds:
        value = getattr(asked, name)
        if not least <= value <= most:
            raise RunError(f"{name.replace('_', ' ')} is {value}; it is a number from {least} to {most}. Choose one.")
    if asked.samples * len(asked.principles) > MOST_TRIES:
        raise RunError(
            f"{asked.samples} samples under {len(asked.principles)} principles are more than {MOST_TRIES} tries. Take "
            "fewer of either, or launch a chains run."
        )


def device_of(session: Session, model: str) -> str:
    """Where a model is asked: where it is in memory, else on a device without a run, else on the first."""
    if models.get(session, model).endpoint is not None:
        return REMOTE
    devices = launchers.devices()
    warm = [row.device for row in session.scalars(select(WarmWorkerRow)) if model in row.models and lives(row)]
    return next((one for one in [*warm, *queue.free_devices(session)] if one in devices), devices[0])


def request_stop(workspace: Workspace, ask_id: int) -> None:
    """Ask an ask to stop: at once where it waits, within seconds where it is being answered; its text is kept."""
    with workspace.writing() as session:
        row = asks.get(session, ask_id)
        if row.state == AskState.WAITING:
            asks.end(row, AskState.STOPPED)
        elif row.state == AskState.ANSWERING:
            row.stop_requested = True
        else:
            raise RunError(f"ask {ask_id} is {row.state}: only one that waits or is being answered can be stopped.")
    kick(workspace)


def kick(workspace: Workspace) -> list[str]:
    """Start a worker for each device that is asked and has none; returns those devices."""
    launchers.reap()
    with workspace.reading() as session:
        if not _lacking(session, workspace.folder):
            return []
    with workspace.writing() as session:
        reserved = [one for one in _lacking(session, workspace.folder) if _reserve(session, one, workspace.folder)]
    return [device for device in reserved if _launch(workspace, device)]


def _lacking(session: Session, folder: Path) -> list[str]:
    """Devices that are asked, and whose worker is gone."""
    found = {device: session.get(WarmWorkerRow, device) for device in asks.devices_asked(session)}
    return [device for device, row in found.items() if row is None or not lives(row, folder)]


def lives(row: WarmWorkerRow, folder: Path | None = None) -> bool:
    """Whether a worker lives: its process is to be seen, or was heard of within seconds."""
    age = now() - (row.heartbeat_at or row.launched_at)
    if row.pid is None:
        return age < START_WITHIN
    if launchers.alive(row.pid, row.process_started):
        return True
    ended = folder is not None and launchers.ended_unclaimed(folder, 0, row.pid)
    return age < STALE and not ended


def _reserve(session: Session, device: str, folder: Path) -> bool:
    """Put back what the dead worker had, and say that another is on its way; False where none would come up."""
    asks.put_back(session, device, f"killed, or out of memory? {log_file(folder, device)} holds its last words.")
    row = session.get(WarmWorkerRow, device) or WarmWorkerRow(device=device, launches=0)
    if row.launches >= MOST_LAUNCHES:
        why = f"{row.launches} workers for {device} ended before they came up."
        asks.fail_waiting(session, device, f"{why} {log_file(folder, device)} says why; mend that and ask again.")
    if not asks.is_pending(session, device):
        forget(session, device)
        return False
    row.pid = row.process_started = row.heartbeat_at = None
    row.launched_at, row.launches = now(), row.launches + 1
    row.doing, row.models, row.memory, row.budget = "", [], 0, 0
    session.add(row)
    return True


def forget(session: Session, device: str) -> None:
    """There is no worker for this device."""
    if (row := session.get(WarmWorkerRow, device)) is not None:
        session.delete(row)
        session.flush()


def _launch(workspace: Workspace, device: str) -> bool:
    words = ["cai_core.runs.warm", "--workspace", str(workspace.folder), "--device", device]
    try:
        pid = launchers.start_module(words, workspace.folder, log_file(workspace.folder, device), device)
    except OSError as error:
        with workspace.writing() as session:
            why = f"its worker could not be started: {error}. Free some memory or disk space and ask again."
            asks.fail_waiting(session, device, why)
            forget(session, device)
        return False
    with workspace.writing() as session:
        row = session.get(WarmWorkerRow, device)
        if row is not None and row.pid is None:
            # From now on everybody sees whether it comes up; it says so itself as well.
            row.pid, row.process_started = pid, launchers.started_or_none(pid)
    return True


def is_asked(workspace: Workspace, run_id: int) -> bool:
    """Whether a living worker has asks on the device of this run."""
    with workspace.reading() as session:
        device = session.scalar(select(RunRow.device).where(RunRow.id == run_id)) or "cpu"
        if not asks.is_pending(session, device):
            return False
        row = session.get(WarmWorkerRow, device)
        return row is not None and lives(row, workspace.folder)


def log_file(folder: Path, device: str) -> Path:
    """Where a device's worker writes what it prints."""
    return folder / "logs" / f"warm-{device.replace(':', '-')}.log"


def waits_for(session: Session, ask_id: int) -> str:
    """What an ask waits for at this moment, in words; empty where its words are being written or it is over."""
    row = asks.get(session, ask_id)
    if row.state not in asks.OPEN:
        return ""
    if row.stop_requested:
        return "it is being stopped"
    worker = session.get(WarmWorkerRow, row.device)
    if worker is None or not lives(worker):
        return "its worker is gone; another one takes over in a moment"
    if worker.heartbeat_at is None or worker.doing == COMING_UP:
        return "a worker is coming up"
    if row.state == AskState.WAITING:
        return _words_ahead(asks.ahead_of(session, row)) or "its worker takes it up in a moment"
    if worker.doing.startswith(LOADING):
        return "the model is being loaded"
    return "" if any(part.text for part in row.parts) else _words_beside(session, row.device)


def _words_ahead(ahead: list[int]) -> str:
    if not ahead:
        return ""
    return f"ask {ahead[0]} is before it" if len(ahead) == 1 else f"{len(ahead)} asks are before it"


def _words_beside(session: Session, device: str) -> str:
    """The run that the device is shared with, until it gives way."""
    beside = select(RunRow).where(RunRow.state == RunState.RUNNING.value, RunRow.device == device).limit(1)
    run = session.scalar(beside)
    if run is None or run.phase == GIVES_WAY:
        return "the model reads the prompt"
    return f"run {run.id} finishes its batch beside it, then gives way"
