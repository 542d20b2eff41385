"""`cai-studio db ...`: the workspace's database."""

from pathlib import Path
from typing import Annotated

import typer

from cai_core.cli import common

app = typer.Typer(help="The database: upgrade, backup, restore, revision.", no_args_is_help=True)


@app.command()
def upgrade(folder: common.Folder = None) -> None:
    """Create the workspace, or bring its database to this version's revision after a backup."""
    from db.migrations import migrate

    workspace = common.workspace(folder)
    common.say(f"{workspace.folder}: revision {migrate.head()}")


@app.command()
def backup(folder: common.Folder = None) -> None:
    """Copy the database, while it may be in use, into the workspace's backups/."""
    from cai_core.store.backups import backup as copy

    common.say(str(copy(common.folder_of(folder))))


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `db backup` made.")],
    folder: common.Folder = None,
) -> None:
    """Put a copy back in the database's place, while nothing uses it; what it replaces is kept in backups/."""
    from cai_core.store.backups import restore as put_back

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
