"""Cases as JSON Lines: what a constitution is held to, kept in a file beside it.

A line is an object: `prompt` (a text) or `turns`, and `kind`, `hope`, `principle`, `response_a`, `response_b`,
`preferred` where there is something to say. A line with responses is a pair. Exported and imported, cases are the same.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from cai_core.constitution.load import short
from cai_core.errors import CaseError, ConstitutionError
from cai_core.store import cases, prompts
from cai_core.types import Case, CaseKind, Message, Role, user

TEXTS = ("hope", "principle", "response_a", "response_b", "preferred")
KEYS = {"kind", "prompt", "turns", *TEXTS}
MAX_BYTES = 64_000_000
SHOWN = 5
"""Lines that an error tells of."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file's cases."""

    added: int
    known: int
    """Cases that the constitution, or an earlier line, already had."""


def dump(found: Iterable[Case]) -> str:
    """Cases as lines."""
    return "".join(json.dumps(plain(case), ensure_ascii=False) + "\n" for case in found)


def plain(case: Case) -> dict[str, Any]:
    """A case as plain JSON values, keys that say nothing left out."""
    alone = len(case.turns) == 1 and case.turns[0].role is Role.USER
    said = {"prompt": case.turns[0].content} if alone else {"turns": prompts.turns_to_json(case.turns)}
    texts = {name: getattr(case, name) for name in TEXTS}
    return {"kind": case.kind.value, **said, **{name: text for name, text in texts.items() if text}}


def read(path: Path) -> list[Case]:
    """A file's cases; `CaseError` tells of the first lines that cannot be used, and then none is."""
    good: list[Case] = []
    bad: list[str] = []
    for number, line in _lines(path):
        try:
            good.append(cases.check_case(_case(line)))
        except ValueError as error:
            bad.append(f"line {number}: {error}")
    if bad:
        more = f" And {len(bad) - SHOWN} more lines." if len(bad) > SHOWN else ""
        raise CaseError(f"{path} holds lines that are no cases, so none is taken. {' '.join(bad[:SHOWN])}{more}")
    if not good:
        raise CaseError(f'{path} holds no case. A case a line: {{"prompt": "...", "hope": "..."}}.')
    return good


def add(session: Session, constitution: str, found: Sequence[Case], *, author: str) -> ImportReport:
    """Add cases, those that are retired brought back: all of them, or none where one is refused."""
    before = set(cases.ids_of(session, constitution, retired=True))
    ids: set[int] = set()
    for number, case in enumerate(found, start=1):
        try:
            ids.add(cases.add(session, constitution, case, author=author))
        except ConstitutionError as error:
            raise ConstitutionError(f"case {number} of {len(found)} cannot be added: {error}") from None
    added = len(ids - before)
    return ImportReport(added, len(found) - added)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise CaseError(f"{path} is larger than {MAX_BYTES:,} bytes. Split it, or check that it is the right file.")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise CaseError(f"{path} cannot be read: {error.strerror}. Name a file of cases.") from None
    except UnicodeDecodeError as error:
        raise CaseError(f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8 and try again.") from None
    # Only \n and \r\n end a line: JSON strings may hold the other separators that splitlines() knows.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.removesuffix("\r")


def _case(line: str) -> Case:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}.") from None
    if not isinstance(row, dict):
        raise ValueError(f"a JSON {type(row).__name__}; it should be an object with 'prompt' or 'turns'.")
    if unknown := set(row) - KEYS:
        raise ValueError(f"unknown keys {short(sorted(unknown))}; known are {sorted(KEYS)}.")
    texts = {name: row[name] for name in TEXTS if row.get(name) is not None}
    if wrong := [name for name, text in texts.items() if not isinstance(text, str)]:
        raise ValueError(f"{wrong[0]} is {short(texts[wrong[0]])}; it should be text.")
    kind = row.get("kind", "pair" if "response_a" in texts or "response_b" in texts else "prompt")
    if kind not in list(CaseKind):
        raise ValueError(f"kind is {short(kind)}; it is one of {', '.join(CaseKind)}.")
    return Case(kind=CaseKind(kind), turns=_turns(row), **texts)


def _turns(row: dict[str, Any]) -> tuple[Message, ...]:
    if ("prompt" in row) == ("turns" in row):
        raise ValueError("it needs either 'prompt' or 'turns'.")
    if "prompt" in row:
        if not isinstance(row["prompt"], str):
            raise ValueError(f"prompt is {short(row['prompt'])}; it should be text.")
        return (user(row["prompt"]),)
    if not isinstance(row["turns"], list):
        raise ValueError("'turns' should be a list of {'role', 'content'}.")
    return tuple(map(_turn, row["turns"]))


def _turn(turn: object) -> Message:
    whole = isinstance(turn, dict) and set(turn) == {"role", "content"} and isinstance(turn["content"], str)
    if not whole or turn["role"] not in list(Role):  # type: ignore[index]
        raise ValueError(f"a turn is {{'role', 'content'}} with one of the roles {', '.join(Role)}, not {short(turn)}.")
    return Message(Role(turn["role"]), turn["content"])  # type: ignore[index]
