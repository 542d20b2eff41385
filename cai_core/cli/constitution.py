"""`cai-studio constitution ...`: the constitutions of a workspace, and their files."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from cai_core.cli import common
from cai_core.types import Constitution

app = typer.Typer(help="Constitutions: list, show, validate, save.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(metavar="FILE", help="A YAML file, `format: cai-constitution/1`.")]


@app.command("list")
def list_constitutions(folder: common.Folder = None, as_json: common.Json = False) -> None:
    """The newest version of each constitution."""
    from cai_core.store import constitutions

    with common.workspace(folder, create=False).reading() as session:
        rows = constitutions.newest_versions(session)
    if as_json:
        common.print_json(rows)
        return
    table: list[list[object]] = [[r["ref"], r["principles"], r["saved"], r["author"], r["message"]] for r in rows]
    common.print_table(["constitution", "principles", "saved", "by", "message"], table)


@app.command()
def show(
    ref: Annotated[str, typer.Argument(metavar="NAME[@N]")],
    folder: common.Folder = None,
    as_json: common.Json = False,
) -> None:
    """A version, as the YAML of its file."""
    from cai_core.constitution.load import as_plain, dump_constitution
    from cai_core.store import constitutions

    with common.workspace(folder, create=False).reading() as session:
        _, constitution = constitutions.load_version(session, ref)
    if as_json:
        common.print_json(as_plain(constitution))
    else:
        typer.echo(dump_constitution(constitution), nl=False)


@app.command()
def validate(file: File, as_json: common.Json = False) -> None:
    """Check a file; nothing is saved."""
    from cai_core.constitution.load import load_constitution

    constitution = load_constitution(file)
    if as_json:
        common.print_json({"name": constitution.name, "principles": len(constitution.principles)})
    else:
        common.say(
            f"{file}: constitution {constitution.name!r} with {len(constitution.principles)} principles is fine."
        )


@app.command()
def save(
    file: File,
    folder: common.Folder = None,
    author: Annotated[str, typer.Option(help="Who says so.")] = "",
    message: Annotated[str, typer.Option("--message", "-m", help="What changed.")] = "",
    as_json: common.Json = False,
) -> None:
    """Save a file as the next version of the constitution it names; one that says nothing new makes none."""
    from cai_core.constitution.load import load_constitution

    constitution = load_constitution(file)
    with common.workspace_to_fill(folder).writing() as session:
        ref = save_version(session, constitution, author=author, message=message or f"From {file.name}.")
    if as_json:
        common.print_json({"ref": ref})
    else:
        common.say(f"saved as {ref}.")


def save_version(session: Session, constitution: Constitution, *, author: str = "", message: str) -> str:
    """Save a constitution, by its user where nobody is named, and return the version's 'name@n'."""
    import getpass

    from cai_core.store import constitutions

    try:
        author = author or getpass.getuser()
    except (KeyError, OSError):
        author = "unknown"  # a container's user may have no name
    constitutions.save_version(session, constitution, author=author, message=message)
    return f"{constitution.name}@{constitutions.version_row(session, constitution.name).number}"
