"""`cai-studio constitution import` and `export`: constitutions in foreign formats."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from cai_core.cli import common
from cai_core.cli.common import on_terminal
from cai_core.errors import ConstitutionError
from cai_core.interchange.report import EntryState, Export, ImportReport
from cai_core.types import Constitution

Author = Annotated[str, typer.Option(help="Who says so.")]
SHOWN = 20
"""Entries that are listed; --json lists all."""
URGENCY = tuple(EntryState)
"""The last are listed first."""


def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of one format, or a folder of JSON.")],
    folder: common.Folder = None,
    name: Annotated[str, typer.Option(help="Name of the constitution; else the file's.")] = "",
    format: Annotated[str, typer.Option(help="cai, paper, hf, langchain or votes; else told by the content.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come in; save nothing.")] = False,
    skip_refused: Annotated[bool, typer.Option("--skip-refused", help="Bring in the rest without them.")] = False,
    seed: Annotated[int, typer.Option(help="For what a format leaves open, as sides of few-shots.")] = 0,
    min_agreement: Annotated[
        float, typer.Option(help="Of voted statements: the least share that agrees, overall and in every group.")
    ] = 0.0,
    author: Author = "",
    message: Annotated[str, typer.Option("--message", "-m", help="What changed.")] = "",
    as_json: common.Json = False,
) -> None:
    """Bring in a constitution from any known format: whole, or not at all."""
    from cai_core.interchange import formats
    from cai_core.interchange.report import ReadOptions, accepted, report_as_plain
    from cai_core.interchange.texts import read_paths

    options = ReadOptions(name=name, seed=seed, min_agreement=min_agreement)
    report = formats.read(read_paths(files), format=format, options=options)
    if not as_json:
        _show(report)
    ref = None
    try:
        if not dry_run:
            constitution = accepted(report, skip_refused=skip_refused)
            why = message or f"From {', '.join(file.name for file in files[:5])} ({report.format})."
            with common.workspace_to_fill(folder).writing() as session:
                ref = save_version(session, constitution, author=author, message=why)
    finally:
        if as_json:
            common.print_json({**report_as_plain(report), "ref": ref})
    if not as_json:
        common.say(on_terminal(f"saved as {ref}." if ref else "a dry run: nothing was saved."))


def export(
    ref: Annotated[str, typer.Argument(metavar="NAME[@N]")],
    folder: common.Folder = None,
    format: Annotated[str, typer.Option(help="cai, paper, hf or langchain.")] = "cai",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File, or folder for several; else printed.")] = None,
    as_json: common.Json = False,
) -> None:
    """Write a version in a foreign format, and say what that format cannot hold."""
    from cai_core.interchange import formats
    from cai_core.store import constitutions

    with common.workspace(folder, create=False).reading() as session:
        row = constitutions.version_row(session, ref)
        constitution, number = constitutions.to_noun(row), row.number
    made = formats.write(constitution, format)
    paths = _write(made, out) if out is not None else []
    if as_json:
        held = {"written": [str(path) for path in paths]} if paths else {"files": dict(made.files)}
        exact = f"{constitution.name}@{number}"
        common.print_json({"ref": exact, "format": format, **held, "lost": list(made.lost)})
        return
    if out is None:
        _print(made, format)
    for path in paths:
        common.say(f"written to {path}.")
    for lost in made.lost:
        common.say(on_terminal(f"not in this format: {lost}."), error=True)


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


def _show(report: ImportReport) -> None:
    """What would come in, in a few lines."""
    name = f" as {report.constitution.name!r}" if report.constitution is not None else ""
    count = f"{report.accepted} of {len(report.entries)} entries"
    common.say(on_terminal(f"format {report.format}{name}: {count} come in."))
    told = sorted((entry for entry in report.entries if entry.note), key=lambda entry: -URGENCY.index(entry.state))
    for entry in told[:SHOWN]:
        common.say(on_terminal(f"  {entry.number} {entry.name}: {entry.state.value.replace('_', ' ')}: {entry.note}"))
    if len(told) > SHOWN:
        common.say(f"  and {len(told) - SHOWN} more (--json lists all)")
    for lost in report.lost:
        common.say(on_terminal(f"  not as it stood: {lost}"))


def _print(made: Export, format: str) -> None:
    if len(made.files) > 1:
        raise ConstitutionError(f"format {format} has {len(made.files)} files; name a folder for them with --out")
    (text,) = made.files.values()
    typer.echo(on_terminal(text) if sys.stdout.isatty() else text, nl=not text.endswith("\n"))


def _write(made: Export, out: Path) -> list[Path]:
    """The files, in a folder if there are several; one that holds other JSON would be read together with them."""
    if len(made.files) == 1 and not out.is_dir():
        ((_, text),) = made.files.items()
        common.write_text(out, text)
        return [out]
    if len(made.files) > 1:
        others = [path.name for path in sorted(out.glob("*.json")) if path.name not in made.files]
        if others:
            raise ConstitutionError(f"{out} holds {others[0]} already; name an empty folder, or a new one")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConstitutionError(f"{out} cannot be made a folder: {error.strerror}; name another") from None
    for name, text in made.files.items():
        common.write_text(out / name, text)
    return [out / name for name in made.files]
