"""`cai-studio db ...`: the workspace's database."""

from pathlib import Path
from typing import Annotated

import typer

from cai_core.cli import common

app = typer.Typer(help="The database: upgrade, backup, restore, revision, measure.", no_args_is_help=True)


@app.command()
def upgrade(folder: common.Folder = None) -> None:
    """Create the workspace, or bring its database to this version's revision after a backup."""
    from db.migrations import migrate

    workspace = common.workspace(folder)
    common.say(f"{workspace.folder}: revision {migrate.head()}")


@app.command()
def backup(
    folder: common.Folder = None,
    full: Annotated[
        Path | None, typer.Option("--full", metavar="OUT", help="One archive of database and adapters instead.")
    ] = None,
    as_json: common.Json = False,
) -> None:
    """Copy the database, while it may be in use, into the workspace's backups/."""
    from cai_core.store import workspace_backups
    from cai_core.store.backups import backup as copy

    if full is None:
        made = copy(common.folder_of(folder))
        if as_json:
            common.print_json({"file": str(made)})
        else:
            common.say(str(made))
        return
    done = workspace_backups.back_up(common.folder_of(folder), full)
    if as_json:
        common.print_json(workspace_backups.summary(done))
        return
    common.say(f"{done.file}: the database and {done.files:,} files of models, checked.")
    for left in done.left_out:
        common.say(f"  not in it: {left}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `db backup` made.")],
    folder: common.Folder = None,
    full: Annotated[
        bool, typer.Option("--full", help="FILE is an archive of `db backup --full`; the workspace must be new.")
    ] = False,
) -> None:
    """Put a copy back in the database's place, while nothing uses it; what it replaces is kept in backups/."""
    from cai_core.store import workspace_backups
    from cai_core.store.backups import restore as put_back

    if full:
        manifest = workspace_backups.restore(file, common.folder_of(folder))
        common.say(f"restored from {file}: {len(manifest['files']):,} files, each as it was written.")
        return
    kept = put_back(common.folder_of(folder), file)
    common.say(f"restored from {file}." + (f" What was there is now {kept}." if kept else ""))


@app.command()
def revision(folder: common.Folder = None, as_json: common.Json = False) -> None:
    """The database's revision, and the one this version works with."""
    from cai_core.store.workspace import revision as found
    from db.migrations import migrate

    values = {"found": found(common.folder_of(folder)), "needed": migrate.head()}
    if as_json:
        common.print_json(values)
    else:
        common.say(f"database {values['found'] or 'none'}, this version {values['needed']}")


@app.command()
def measure(folder: common.Folder = None, as_json: common.Json = False) -> None:
    """Measure chains that were saved before chains were measured as they are saved; cut short, it goes on next time."""
    from rich.progress import Progress

    from cai_core.store.measures import measure_missing

    workspace = common.workspace(folder, create=False)
    silent = as_json or not common.console.is_terminal
    with Progress(console=common.console, transient=True, disable=silent) as progress:
        task = progress.add_task("measuring", total=None)
        done = measure_missing(workspace, lambda done, total: progress.update(task, completed=done, total=total))
    if as_json:
        common.print_json({"measured": done})
    else:
        common.say(f"{done} chains measured.")
