"""`runs delete`, `models delete`, `datasets delete`: what needs a thing is named first."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cai_core.cli import common

Dry = Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")]
Along = Annotated[bool, typer.Option("--with-dependents", help="Take along all that needs it.")]


def delete_run(
    run_id: common.RunId,
    folder: common.Folder = None,
    dry_run: Dry = False,
    along: Along = False,
    as_json: common.Json = False,
) -> None:
    """Remove a run with all that it made; refused while something needs it."""
    _delete("run", str(run_id), folder, dry_run=dry_run, along=along, as_json=as_json)


def delete_dataset(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    folder: common.Folder = None,
    dry_run: Dry = False,
    along: Along = False,
    as_json: common.Json = False,
) -> None:
    """Remove a dataset; refused while a run has trained on it."""
    _delete("dataset", name, folder, dry_run=dry_run, along=along, as_json=as_json)


def delete_model(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    folder: common.Folder = None,
    dry_run: Dry = False,
    along: Along = False,
    as_json: common.Json = False,
) -> None:
    """Remove a model and its adapter; refused while a run needs it."""
    _delete("model", name, folder, dry_run=dry_run, along=along, as_json=as_json)


def _delete(kind: str, name: str, folder: Path | None, *, dry_run: bool, along: bool, as_json: bool) -> None:
    from cai_core.store import removal

    workspace = common.workspace(folder, create=False)
    with workspace.reading() as session:
        target = removal.find(session, kind, name)
        found = removal.plan(session, target)
    if not dry_run:
        found = removal.remove(workspace, target, found.things if along else ())
    if as_json:
        common.print_json({**_plain(found), "removed": not dry_run})
        return
    counted = ", ".join(f"{count:,} {what}" for what, count in found.rows.items())
    common.say(f"{target} ({found.name}) {'would go' if dry_run else 'is removed'}: {counted}.")
    if found.models:
        common.say(f"  models: {', '.join(found.models)}")
    for need in found.needs:
        common.say(f"  needs it: {need.thing} ({need.name}), which {need.why}")
    if found.running:
        common.say(f"  at work: run {', '.join(map(str, found.running))}; nothing is removed until it has stopped.")


def _plain(found: Any) -> dict[str, Any]:
    needs = [{"kind": n.thing.kind, "id": n.thing.id, "name": n.name, "why": n.why} for n in found.needs]
    return {
        "kind": found.target.kind,
        "id": found.target.id,
        "name": found.name,
        "dependents": needs,
        "running": list(found.running),
        "rows": found.rows,
        "models": list(found.models),
        "files": [str(path) for path in found.files],
    }
