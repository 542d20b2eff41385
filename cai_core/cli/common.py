"""What commands share: options, and how they print."""

import json
import os
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cai_core.errors import CAIError
from cai_core.store.workspace import Workspace, default_folder, open_workspace

if TYPE_CHECKING:
    from db.queries.chain_filter import ChainFilter

Folder = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", help="Workspace folder; else CAI_STUDIO_HOME, else ./workspace."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


class Api(StrEnum):
    """How an endpoint is asked."""

    CHAT = "chat"
    COMPLETIONS = "completions"


EndpointUrl = Annotated[
    str | None, typer.Option("--endpoint", metavar="URL", help="Base URL of an OpenAI-compatible server.")
]
EndpointModel = Annotated[str, typer.Option("--model", help="Its name for the model; else the only one it lists.")]
EndpointApi = Annotated[Api, typer.Option("--api", help="Chat, or completions: plain text.")]
EndpointKey = Annotated[
    str | None, typer.Option("--key-env", metavar="VAR", help="Environment variable that holds its key.")
]
MOST = 2**63 - 1
"""The largest number that the database can look up."""
RunId = Annotated[int, typer.Argument(metavar="ID", max=MOST, help="A run's number, as `runs list` shows it.")]

console = Console(highlight=False)
"""For people. What programs read goes through `print_json`."""


def workspace(folder: Path | None, *, create: bool = True) -> Workspace:
    """Open the workspace that the option names."""
    return open_workspace(folder, create=create)


def folder_of(folder: Path | None) -> Path:
    """The folder that the option names, or the usual one, by its whole path."""
    return (folder or default_folder()).expanduser().absolute()


def workspace_to_fill(folder: Path | None) -> Workspace:
    """The workspace that something is added to: the usual one is made where it is missing, a mistyped one is not."""
    return workspace(folder, create=folder is None)


def conditions(given: list[str] | None) -> dict[str, str]:
    """Conditions of a filter by field, from KEY=VALUE texts."""
    pairs = [text.partition("=") for text in given or []]
    wrong = next((key for key, equals, _ in pairs if not equals), None)
    if wrong is not None:
        raise CAIError(f"--filter {wrong!r} cannot be read: it is KEY=VALUE, for example run=3.")
    return {key.strip(): value for key, _, value in pairs}


def chain_filter(workspace: Workspace, given: list[str] | None, saved: str = "") -> "ChainFilter":
    """A filter of chains from KEY=VALUE texts, over a saved one where that is named."""
    from cai_core.store import filters
    from db.queries.chain_filter import dump_filter

    values: dict[str, str] = {}
    if saved:
        with workspace.reading() as session:
            values = dump_filter(filters.load(session, saved))
    return filters.read({**values, **conditions(given)})


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: list[str], rows: list[list[object]]) -> None:
    """A table; cells are shown verbatim, whatever marks they hold, without what a terminal would obey."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text("" if cell is None else on_terminal(str(cell))) for cell in row))
    console.print(table)


def say(text: str, *, error: bool = False) -> None:
    """A line for people, verbatim and unbroken."""
    typer.echo(text, err=error)


def on_terminal(text: str) -> str:
    """A model's text without what a terminal would obey: control characters are written out."""
    return "".join(map(_seen, text))


def _seen(character: str) -> str:
    shown = character in "\n\t" or character.isprintable() or (character.isspace() and character > "\xa0")
    return character if shown else repr(character)[1:-1]


def write_text(path: Path, text: str) -> None:
    """Write a file whole; a folder that is not there, or may not be written, is a clear error."""
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")  # a pipe or a device is written to, never put out of its place
        else:
            _replace(path, text)
    except OSError as error:
        raise CAIError(
            f"{path} cannot be written: {error.strerror}. Name a file in a folder you may write to."
        ) from None


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise


def check_writable(path: Path) -> None:
    """Find out before hours of work that its report has nowhere to go."""
    folder = path.absolute().parent
    if path.is_dir() or not folder.is_dir():
        raise CAIError(f"{path} cannot be written: it is a folder, or in none. Name a file in a folder that is there.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CAIError(f"{path} cannot be written: permission denied. Name a file in a folder you may write to.")
