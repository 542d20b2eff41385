"""Prompts from a file: JSON Lines or plain text, one prompt a line."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cai_core.errors import PromptError
from cai_core.store import prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Conversation, Message, Prompt, PromptKind, Role, Split, prompt_uid, user

KEYS = {"prompt", "turns", "kind", "split", "topic"}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file's lines."""

    added: int
    known: int
    """Prompts that the workspace, or an earlier line, already had."""
    bad: tuple[tuple[int, str], ...]
    """Lines set aside: number and why."""


def import_prompts(
    workspace: Workspace, path: Path, *, kind: PromptKind, split: Split = Split.TRAIN, source: str = ""
) -> ImportReport:
    """Add a file's prompts; lines that cannot be used are set aside and reported.

    A JSON line is `{"prompt": "..."}` or `{"turns": [{"role", "content"}, ...]}`, with `kind`, `split` and `topic`
    where they differ from the arguments. Any other line is the user's words. Raises `PromptError` for a file that
    cannot be read or holds no usable line.
    """
    return add(workspace, *read(path, kind=kind, split=split, source=source))


def add(workspace: Workspace, good: Sequence[Prompt], bad: Sequence[tuple[int, str]] = ()) -> ImportReport:
    """Add prompts in one transaction: all or none. They were read before, so that it is short."""
    with workspace.writing() as session:
        added = prompts.add(session, good)
    return ImportReport(added, len(good) - added, tuple(bad))


def read(
    path: Path, *, kind: PromptKind, split: Split = Split.TRAIN, source: str = ""
) -> tuple[list[Prompt], list[tuple[int, str]]]:
    """A file's prompts, and the lines that are none, each with why."""
    good: list[Prompt] = []
    bad: list[tuple[int, str]] = []
    json_lines = path.suffix.lower() in (".jsonl", ".ndjson", ".json")
    for number, line in _lines(path):
        try:
            good.append(_prompt(line, json_lines, kind, split, source or path.stem))
        except ValueError as error:
            bad.append((number, str(error)))
    if not good:
        raise PromptError(_useless(path, bad))
    return good, bad


def _useless(path: Path, bad: list[tuple[int, str]]) -> str:
    why = f"line {bad[0][0]}: {bad[0][1]}" if bad else "it is empty"
    return (
        f"{path} holds no prompt that can be used ({why}). A prompts file has a prompt a line: text, or in a .jsonl "
        'file {"prompt": "..."}.'
    )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise PromptError(f"{path} cannot be read: {error.strerror}. Name a file of prompts.") from None
    except UnicodeDecodeError as error:
        raise PromptError(f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8 and try again.") from None
    # Only \n and \r\n end a line: JSON strings may hold the other separators that splitlines() knows.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def _prompt(line: str, json_line: bool, kind: PromptKind, split: Split, source: str) -> Prompt:
    if not json_line:
        turns: Conversation = (user(_text(line)),)
        return Prompt(prompt_uid(turns), turns, kind, split, source)
    row = _object(line)
    turns = _turns(row)
    topic = None if row.get("topic") in (None, "") else _text(row["topic"], "topic")
    row_kind = PromptKind(row.get("kind", kind))
    return Prompt(prompt_uid(turns), turns, row_kind, Split(row.get("split", split)), source, topic)


def _object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(row, dict):
        raise ValueError(f"a JSON {type(row).__name__}; it should be an object with 'prompt' or 'turns'")
    if unknown := set(row) - KEYS:
        raise ValueError(f"unknown keys {sorted(unknown)}; known are {sorted(KEYS)}")
    return row


def _turns(row: dict[str, Any]) -> Conversation:
    if ("prompt" in row) == ("turns" in row):
        raise ValueError("needs either 'prompt' or 'turns'")
    if "prompt" in row:
        return (user(_text(row["prompt"])),)
    if not isinstance(row["turns"], list) or not row["turns"]:
        raise ValueError("'turns' should be a list of {'role', 'content'}")
    turns = tuple(_turn(turn) for turn in row["turns"])
    if turns[-1].role != Role.USER:
        raise ValueError("the last turn should be the user's")
    return turns


def _turn(turn: object) -> Message:
    if not isinstance(turn, dict) or set(turn) != {"role", "content"}:
        raise ValueError(f"a turn is {{'role', 'content'}}, not {turn!r}")
    return Message(Role(turn["role"]), _text(turn["content"]))


def _text(text: object, what: str = "prompt") -> str:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"the {what} should be text that is not empty")
    if "\x00" in text:
        raise ValueError(f"the {what} holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"the {what} holds half of a surrogate pair") from None
    return text
