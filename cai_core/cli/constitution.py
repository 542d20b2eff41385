"""`cai-studio constitution ...`: the constitutions of a workspace, and their files."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from sqlalchemy.orm import Session

from cai_core.cli import common, constitution_files, constitution_io
from cai_core.cli.common import on_terminal
from cai_core.errors import ConstitutionError
from cai_core.types import Constitution

if TYPE_CHECKING:
    from cai_core.constitution.advice import Advice

app = typer.Typer(
    help="Constitutions: list, show, check, compare, bring in, take out, and keep their files up to date.",
    no_args_is_help=True,
)
app.command("import")(constitution_io.import_files)
app.command("export")(constitution_io.export)
app.command("status")(constitution_files.status)
app.command("write")(constitution_files.write)
File = Annotated[Path, typer.Argument(metavar="FILE", help="A YAML file, `format: cai-constitution/1`.")]
FileOrRef = Annotated[str, typer.Argument(metavar="FILE|NAME[@N]", help="A YAML file, or a version in the workspace.")]


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
        text = dump_constitution(constitution)
        typer.echo(on_terminal(text) if sys.stdout.isatty() else text, nl=False)


@app.command()
def check(
    what: FileOrRef,
    folder: common.Folder = None,
    cases: Annotated[bool, typer.Option("--cases", help="Try the cases that are kept with it.")] = False,
    model: Annotated[str, typer.Option(help="Model that tries the cases, by name.")] = "sandbox",
    judge: Annotated[str, typer.Option(help="Model that judges what is hoped for in words; else the same.")] = "",
    seed: Annotated[int, typer.Option(help="Seed of the cases' run.")] = 0,
    as_json: common.Json = False,
) -> None:
    """Check a file or a version by all the rules, with advice, or by its cases; nothing is saved."""
    if cases:
        from cai_core.cli.cases import check_cases

        if is_file(what):
            raise ConstitutionError(f"cases are tried on a saved version; save {what} first, and name it: NAME@N")
        check_cases(folder, what, model=model, judge=judge, seed=seed, as_json=as_json)
        return
    from cai_core.constitution.advice import advise
    from cai_core.constitution.load import check_constitution

    constitution = check_constitution(load(what, folder), where=what)
    count = len(constitution.principles)
    advice = [{"place": _place(constitution, one), "text": one.text} for one in advise(constitution)]
    if as_json:
        common.print_json({"name": constitution.name, "principles": count, "advice": advice})
        return
    common.say(on_terminal(f"{what}: constitution {constitution.name!r} with {count} principles is fine."))
    for found in advice:
        common.say(on_terminal(f"  {found['place']}: {found['text']}"))


@app.command(hidden=True)
def validate(file: File, as_json: common.Json = False) -> None:
    """Check a file; nothing is saved."""
    check(str(file.absolute()), as_json=as_json)


@app.command()
def diff(
    a: FileOrRef,
    b: FileOrRef,
    folder: common.Folder = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 if they differ.")] = False,
    as_json: common.Json = False,
) -> None:
    """What changed from A to B: principle by principle, word by word, few-shots too."""
    from cai_core.cli import constitution_diff

    old, new = load(a, folder), load(b, folder)
    found = constitution_diff.as_plain(old, new)
    if as_json:
        common.print_json({"a": a, "b": b, **found})
    else:
        common.say("\n".join(constitution_diff.as_lines(old, new)))
    if exit_code and not found["same"]:
        raise typer.Exit(1)


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
    return constitution_io.save_version(session, constitution, author=author, message=message)


def _place(constitution: Constitution, one: "Advice") -> str:
    """Where some advice belongs: 'privacy, comparison', 'comparison few-shot 2'."""
    if one.list is None:
        return "as a whole"
    name = f"{one.list} few-shot {one.index + 1}"
    if one.list == "principles":
        name = constitution.principles[one.index].id
    return f"{name}, {one.field}" if one.field else name


def is_file(what: str) -> bool:
    """Whether a word means a file: it ends like one, or names a folder. Names of constitutions hold no slash."""
    return what.endswith((".yaml", ".yml")) or "/" in what or "\\" in what


def load(what: str, folder: Path | None) -> Constitution:
    """The constitution of a file, or a version 'name' or 'name@3' in the workspace."""
    from cai_core.constitution.load import load_constitution
    from cai_core.store import constitutions

    if is_file(what):
        return load_constitution(what)
    with common.workspace(folder, create=False).reading() as session:
        _, constitution = constitutions.load_version(session, what)
    return constitution
