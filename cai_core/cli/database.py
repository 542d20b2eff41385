"""`cai-studio db ...`: the workspace's database."""

import typer

from cai_core.cli import common

app = typer.Typer(help="The database: upgrade, backup, revision.", no_args_is_help=True)


@app.command()
def upgrade(folder: common.Folder = None) -> None:
    """Create the workspace, or bring its database to this version's revision after a backup."""
    from db.migrations import migrate

    workspace = common.workspace(folder)
    common.say(f"{workspace.folder}: revision {migrate.head()}")


@app.command()
def backup(folder: common.Folder = None) -> None:
    """Copy the database, while it may be in use, into the workspace's backups/."""
    from cai_core.store.workspace import backup as copy
    from cai_core.store.workspace import default_folder

    common.say(str(copy((folder or default_folder()).absolute())))


@app.command()
def revision(folder: common.Folder = None, as_json: common.Json = False) -> None:
    """The database's revision, and the one this version works with."""
    from cai_core.store.workspace import default_folder
    from cai_core.store.workspace import revision as found
    from db.migrations import migrate

    values = {"found": found((folder or default_folder()).absolute()), "needed": migrate.head()}
    if as_json:
        common.print_json(values)
    else:
        common.say(f"database {values['found'] or 'none'}, this version {values['needed']}")
