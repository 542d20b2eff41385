"""`cai-studio doctor`: what is here, and what is wrong with it."""

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer

from cai_core.cli import common
from cai_core.errors import CAIError

PACKAGES = (
    "cai-studio", "torch", "transformers", "trl", "peft", "accelerate", "datasets", "streamlit", "sqlalchemy",
    "alembic", "pydantic",
)  # fmt: skip
LEAST_MEMORY, LEAST_DISK = 4, 2
"""GiB that the demo needs."""


def doctor(
    folder: common.Folder = None,
    endpoint: common.EndpointUrl = None,
    model: common.EndpointModel = "",
    api: common.EndpointApi = common.Api.CHAT,
    key_env: common.EndpointKey = None,
    as_json: common.Json = False,
) -> None:
    """Say what was found - versions, device, cores, memory, workspace, models - and what is wrong, with a remedy.

    With an endpoint, say what its server can do and which stages it can serve, and nothing else.
    """
    if endpoint is not None:
        _look_at(endpoint, as_json, model=model, api=api.value, key_env=key_env)
        return
    found = examine(folder)
    if as_json:
        common.print_json(found)
    else:
        _show(found)
    if found["problems"]:
        raise typer.Exit(1)


def _look_at(url: str, as_json: bool, **settings: Any) -> None:
    from cai_core.cli.endpoint_files import look, show

    facts = look(url, **settings)
    if as_json:
        common.print_json(facts)
    else:
        show(facts)


def examine(folder: Path | None) -> dict[str, Any]:
    """All findings as plain values; `problems` is a list of sentences."""
    problems: list[str] = []
    return {
        "python": platform.python_version(),
        "versions": _versions(problems),
        **_machine(problems),
        "workspace": _workspace(folder, problems),
        "sandbox": _sandbox(problems),
        "problems": problems,
    }


def _versions(problems: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
            problems.append(f"{name} is not installed. Run `make setup`, or `pip install -e .` in the repository.")
    return found


def _machine(problems: list[str]) -> dict[str, Any]:
    import psutil

    from cai_core.runs.launchers import devices

    memory = psutil.virtual_memory()
    gib = round(memory.available / 2**30, 1)
    if gib < LEAST_MEMORY:
        problems.append(f"only {gib} GiB of memory are free and the demo needs {LEAST_MEMORY}. Close other programs.")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "devices": list(devices()),
        "gpu": _gpu(problems),
        "cores": cores,
        "memory_gib": round(memory.total / 2**30, 1),
        "memory_free_gib": gib,
    }


def _gpu(problems: list[str]) -> str | None:
    from cai_core.runs.launchers import devices

    try:
        import torch
    except ImportError as error:
        problems.append(f"torch cannot be imported ({error}). Run `make setup` again.")
        return None
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    if any(device.startswith("cuda") for device in devices()):
        problems.append("there is a GPU but this torch cannot use it. Install torch for CUDA, or runs use the CPU.")
    return None


def _workspace(folder: Path | None, problems: list[str]) -> dict[str, Any]:
    from cai_core.store import workspace as store
    from cai_core.store.backups import DATABASE
    from db.migrations import migrate

    path = (folder or store.default_folder()).expanduser().absolute()
    found: dict[str, Any] = {"folder": str(path), "revision": None, "revision_needed": migrate.head()}
    try:
        if not (path / DATABASE).exists():
            return {**found, "state": "not there yet; `cai-studio app` or `demo` makes it"}
        found["revision"] = store.revision(path)
        workspace = store.open_workspace(path, create=False)
    except CAIError as error:
        problems.append(str(error))
        return {**found, "state": "cannot be used"}
    try:
        free = round(shutil.disk_usage(path).free / 2**30, 1)
        if free < LEAST_DISK:
            problems.append(f"only {free} GiB are free on the disk of {path}. Make room, or move the workspace.")
        return {**found, "state": "fine", "disk_free_gib": free, **_contents(workspace, problems)}
    finally:
        workspace.close()


def _contents(workspace: Any, problems: list[str]) -> dict[str, Any]:
    from sqlalchemy import select

    from cai_core.runs import queue, warm_queue
    from cai_core.store import models
    from db.schema import ModelRow, RunRow
    from db.schema_asks import WarmWorkerRow

    with workspace.reading() as session:
        rows = list(session.scalars(select(ModelRow).order_by(ModelRow.id)))
        running = list(session.scalars(select(RunRow).where(RunRow.state == "running")))
        workers = [row for row in session.scalars(select(WarmWorkerRow)) if warm_queue.lives(row)]
    for row in rows:
        adapter = models.to_ref(row, workspace.folder).adapter
        if adapter is not None and not Path(adapter).is_dir():
            problems.append(f"model {row.name!r} has no files at {adapter}. Put the folder back, or do not use it.")
        if row.endpoint is not None and (key := row.endpoint["key_env"]) and not os.environ.get(key):
            problems.append(
                f"model {row.name!r} wants its key in {key}, which is not set here. Set it before its runs."
            )
    for run in running:
        if run.pid is not None and not queue.is_alive(run):
            problems.append(f"run {run.id} says it runs and its process is gone. `cai-studio runs list` marks it lost.")
    warm = {row.device: row.models for row in workers}
    return {"models": [row.name for row in rows], "running": [run.id for run in running], "warm": warm}


def _sandbox(problems: list[str]) -> str:
    from cai_core.models.files import SANDBOX, resolve_base

    try:
        return resolve_base(SANDBOX)
    except CAIError as error:
        problems.append(str(error))
        return "missing"


def _show(found: dict[str, Any]) -> None:
    versions = ", ".join(f"{name} {number or 'missing'}" for name, number in found["versions"].items())
    common.say(f"Python {found['python']}; {versions}")
    common.say(f"device {', '.join(found['devices'])} ({found['gpu'] or 'no GPU'}), {found['cores']} cores")
    common.say(f"memory {found['memory_free_gib']} of {found['memory_gib']} GiB free")
    workspace = found["workspace"]
    common.say(f"workspace {workspace['folder']}: {workspace['state']} (revision {workspace['revision']})")
    if "models" in workspace:
        common.say(f"models: {', '.join(workspace['models'])}")
    for device, names in workspace.get("warm", {}).items():
        common.say(f"warm on {device}: {', '.join(names) or 'no model'}")
    common.say(f"sandbox model: {found['sandbox']}")
    for problem in found["problems"]:
        common.say(f"problem: {problem}")
    if not found["problems"]:
        common.say("no problems found.")
