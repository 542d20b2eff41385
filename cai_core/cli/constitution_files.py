"""`cai-studio constitution status` and `write`: constitutions' files beside the database."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cai_core.cli import common
from cai_core.cli.common import on_terminal

WORDS = {
    "same": "same as the newest version",
    "file_changed": "edited on disk; `save` makes it a version",
    "database_newer": "older than the database; `write` brings it up to date",
    "only_file": "not in the workspace; `save` adds it",
    "only_database": "no file; `write` makes one",
    "unreadable": "cannot be read",
}


def status(folder: common.Folder = None, as_json: common.Json = False) -> None:
    """How each constitution's file stands to its versions."""
    from cai_core.store import constitution_files

    workspace = common.workspace(folder, create=False)
    with workspace.reading() as session:
        found = constitution_files.statuses(session, workspace.folder)
    if as_json:
        rows: list[dict[str, Any]] = [{**asdict(one), "path": one.path and str(one.path)} for one in found]
        common.print_json(rows)
        return
    for one in found:
        common.say(on_terminal(f"{one.ref or one.name}: {WORDS[one.state.value]}"))
        for line in filter(None, [one.path and str(one.path), one.error]):
            common.say(on_terminal(f"    {line}"))


def write(
    ref: Annotated[str, typer.Argument(metavar="NAME[@N]")],
    folder: common.Folder = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Even if edits in the file would be lost.")] = False,
    as_json: common.Json = False,
) -> None:
    """Write a version to its constitution's file; the file's comments stay."""
    from cai_core.store import constitution_files

    workspace = common.workspace(folder, create=False)
    with workspace.reading() as session:
        path = constitution_files.write_version(session, ref, workspace.folder, overwrite=overwrite)
    if as_json:
        common.print_json({"ref": ref, "path": str(path)})
    else:
        common.say(on_terminal(f"{ref} written to {path}."))
