"""The queue of runs: enqueue, kick, stop, resume, clone. Light: the app's process imports it.

There is no dispatcher. Whoever comes by calls `kick`: after enqueueing, at a page's tick, a worker as its last act.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from cai_core.config import StageConfig, dump_config, load_config
from cai_core.errors import RunError
from cai_core.runs import inputs, launchers
from cai_core.store import datasets, runs
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind, RunState
from db.schema import RunParentRow, RunRow, now

STALE = timedelta(seconds=5)
"""A heartbeat older than this no longer vouches for a process that is not to be seen."""
START_WITHIN = timedelta(seconds=120)
"""How long a launched process may take to claim its run."""
LOST = "its process ended without a word (killed, or the machine went down). Resume it: it goes on where it was."


def enqueue(
    workspace: Workspace,
    kind: RunKind,
    config: StageConfig | Mapping[str, Any],
    *,
    seed: int,
    parents: Sequence[int] = (),
    note: str = "",
) -> int:
    """Add a waiting run after checking all it names; `kick` starts it. Returns its id.

    A constitution's name is resolved here to the version that is newest now.
    """
    with workspace.writing() as session:
        return add(session, kind, config, seed=seed, parents=parents, note=note)


def add(
    session: Session,
    kind: RunKind,
    config: StageConfig | Mapping[str, Any],
    *,
    seed: int,
    parents: Sequence[int] = (),
    note: str = "",
) -> int:
    """`enqueue` within a transaction."""
    if kind not in list(RunKind):
        raise RunError(f"there is no stage {kind!r}. Stages are: {', '.join(RunKind)}.")
    kind = RunKind(kind)
    check_seed(seed)
    values = dict(config) if isinstance(config, Mapping) else dump_config(config)
    checked = load_config(kind, values)
    inputs.check_parents(session, kind, checked, parents)
    inputs.check_dataset(session, checked, parents)
    inputs.check_models(session, checked)
    version_id, checked = inputs.freeze_constitution(session, checked, parents)
    inputs.check_judge(session, checked, parents)
    inputs.check_cases(session, checked)
    inputs.check_scores(session, checked, parents)
    inputs.check_examples(session, checked)
    row = runs.add(
        session,
        kind=kind,
        config=dump_config(checked),
        seed=seed,
        parents=parents,
        constitution_version_id=version_id,
        note=note,
    )
    if name := getattr(checked, "dataset", ""):
        datasets.use(session, row.id, name)
    return row.id


def check_seed(seed: int) -> None:
    """Raise if a seed cannot be stored."""
    if not 0 <= seed < 2**63:
        raise RunError(f"the seed {seed} does not fit; it is a whole number from 0 to 2**63-1.")


def kick(workspace: Workspace) -> list[int]:
    """Mark dead runs lost, claim the oldest ready run of each free device, launch them; return what was launched."""
    launchers.reap()
    with workspace.reading() as session:
        if not _lost(session, workspace) and not _ready(session):
            return []
    with workspace.writing() as session:
        reconcile(session, workspace)
        claimed = [(row.id, row.attempt, row.device or "cpu") for row in _claim(session)]
    for run_id, attempt, device in claimed:
        _launch(workspace, run_id, attempt, device)
    return [run_id for run_id, _, _ in claimed]


def reconcile(session: Session, workspace: Workspace) -> list[int]:
    """Mark the runs whose process is gone as lost; return them."""
    lost = _lost(session, workspace)
    for row in lost:
        row.state, row.error, row.ended_at = RunState.LOST.value, LOST, now()
    session.flush()
    return [row.id for row in lost]


def _lost(session: Session, workspace: Workspace) -> list[RunRow]:
    running = session.scalars(select(RunRow).where(RunRow.state == RunState.RUNNING.value))
    return [row for row in running if not _lives(row, workspace)]


def _lives(row: RunRow, workspace: Workspace) -> bool:
    age = now() - (row.heartbeat_at or row.created_at)
    if row.pid is None:
        return age < START_WITHIN and not launchers.ended_unclaimed(workspace.folder, row.id, row.attempt)
    return is_alive(row) or age < STALE


def is_alive(row: RunRow) -> bool:
    """Whether a run's process lives on this machine."""
    return row.state == RunState.RUNNING and launchers.alive(row.pid, row.process_started)


def _ready(session: Session) -> list[tuple[RunRow, str]]:
    """Waiting runs whose parents are done, oldest first, each with a free device."""
    free = free_devices(session)
    waiting = (
        select(RunRow)
        .where(RunRow.state == RunState.WAITING.value)
        .order_by(RunRow.id)
        .options(selectinload(RunRow.parents).selectinload(RunParentRow.parent))
    )
    rows = [row for row in session.scalars(waiting) if is_ready(row)] if free else []
    return list(zip(rows, free, strict=False))


def free_devices(session: Session) -> list[str]:
    """The devices that no running run has."""
    taken = set(session.scalars(select(RunRow.device).where(RunRow.state == RunState.RUNNING.value)))
    return [device for device in launchers.devices() if device not in taken]


def is_ready(row: RunRow) -> bool:
    """Whether all that a run reads is there."""
    return all(link.parent.state == RunState.DONE for link in row.parents)


def _claim(session: Session) -> list[RunRow]:
    claimed = []
    for row, device in _ready(session):
        reserve(row, device)
        claimed.append(row)
    session.flush()
    return claimed


def reserve(row: RunRow, device: str) -> None:
    """Give a run a device; a worker then claims it by writing its pid."""
    row.state, row.device, row.attempt = RunState.RUNNING.value, device, row.attempt + 1
    row.pid = row.process_started = row.error = row.ended_at = None
    row.stop_requested, row.heartbeat_at = False, now()
    row.started_at = row.started_at or now()


def _launch(workspace: Workspace, run_id: int, attempt: int, device: str) -> None:
    try:
        launchers.start(workspace.folder, run_id, attempt, device)
    except OSError as error:
        with workspace.writing() as session:
            row = runs.get(session, run_id)
            row.state, row.ended_at = RunState.FAILED.value, now()
            row.error = f"its process could not be started: {error}. Free some memory or disk space and resume it."


def request_stop(workspace: Workspace, run_id: int) -> None:
    """Ask a run to stop. A waiting one is stopped at once; a running one saves what it has and ends in seconds."""
    with workspace.writing() as session:
        reconcile(session, workspace)
        row = runs.get(session, run_id)
        if row.state == RunState.WAITING:
            row.state, row.ended_at = RunState.STOPPED.value, now()
        elif row.state == RunState.RUNNING:
            row.stop_requested = True
        else:
            raise RunError(f"run {run_id} is {row.state}: only a waiting or running run can be stopped.")
        process = row.pid, row.process_started
    launchers.stop(*process)


def resume(workspace: Workspace, *run_ids: int) -> None:
    """Let stopped, failed or lost runs wait for their turn again, all of them or none; they go on where they were."""
    with workspace.writing() as session:
        reconcile(session, workspace)
        for run_id in dict.fromkeys(run_ids):
            row = runs.get(session, run_id)
            if row.state not in (RunState.STOPPED, RunState.FAILED, RunState.LOST):
                raise RunError(f"run {run_id} is {row.state}: only a stopped, failed or lost run can be resumed.")
            row.state, row.stop_requested = RunState.WAITING.value, False
            row.ended_at = row.error = None


def _config_here(row: RunRow) -> dict[str, Any]:
    """A run's settings, with what an imported one names under the names that it has here; `RunError` says what lacks.

    A constitution is the same where its content is: another workspace may know it by another version.
    """
    if row.told is None:
        return row.config
    told = row.told
    if not row.config:
        raise RunError(
            f"run {row.id} was imported from {row.origin}, which does not say with which settings its rows were made. "
            "Start a new run with settings of your own."
        )
    if (version := told["constitution"]) is None:
        return row.config
    if row.constitution_version is None:
        raise RunError(
            f"run {row.id} was imported from {row.origin}, and its constitution {version['name']}@{version['version']} "
            f"(hash {version['hash'][:12]}) is not in this workspace. Import that version, or start a new run under "
            "another."
        )
    here = row.constitution_version
    return {**row.config, "constitution": f"{here.constitution.name}@{here.number}"}


def clone(workspace: Workspace, run_id: int, changes: Mapping[str, Any], *, seed: int | None = None) -> int:
    """Enqueue a run like another, with some settings changed; it keeps the constitution's version unless changed."""
    with workspace.writing() as session:
        row = runs.get(session, run_id)
        values = {**(row.config if "constitution" in changes else _config_here(row)), **changes}
        # A dataset that is named now takes the place of the chains run.
        parents = [] if values.get("dataset") else [link.parent_id for link in row.parents]
        chosen = row.seed if seed is None else seed
        return add(session, RunKind(row.kind), values, seed=chosen, parents=parents, note=f"clone of run {run_id}")
