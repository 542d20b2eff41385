"""Reads untrusted YAML into plain values: no tags, no anchors, no duplicate keys, bounded size and depth.

Anchors are refused, not expanded: a few lines of nested aliases unfold to gigabytes, and a constitution has no use for
them. All of it is checked on the parser's events, before anything is built.
"""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    NodeEvent,
)

from cai_core.constitution.schema import UNPRINTABLE
from cai_core.errors import ConstitutionError

MAX_BYTES = 1_000_000
MAX_DEPTH = 12


def read_text(path: Path) -> str:
    """The text of a file, or a `ConstitutionError` that says why there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise ConstitutionError(f"{path} is a directory; name one YAML file in it") from None
    except FileNotFoundError:
        raise ConstitutionError(
            f"there is no file {path}; check the name, or copy a file from constitutions/"
        ) from None
    except (OSError, ValueError) as error:
        raise ConstitutionError(f"{path} cannot be read ({error}); check its name and permissions") from None
    check_size(data, where=str(path))
    try:
        # A byte order mark, as some editors write it, is no part of the text.
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConstitutionError(
            f"{path}: line {line}: byte 0x{data[error.start]:02X} is not UTF-8; save the file as UTF-8"
        ) from None


def check_size(data: bytes, *, where: str) -> None:
    """Refuse what is too large to be a constitution."""
    if len(data) > MAX_BYTES:
        raise ConstitutionError(
            f"{where} is larger than {MAX_BYTES:,} bytes, the most a constitution may have; split it, or check that it "
            "is the right file"
        )


def read_yaml(text: str, *, where: str) -> Any:
    """The plain values in one YAML document."""
    check_size(text.encode("utf-8", "surrogatepass"), where=where)
    bad = UNPRINTABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise ConstitutionError(f"{where}: line {line}: unprintable character U+{ord(bad.group()):04X}; remove it")
    try:
        _check_events(text, where=where)
        return YAML(typ="safe", pure=True).load(text)
    except ConstitutionError:
        raise
    except DuplicateKeyError as error:
        raise ConstitutionError(
            f"{where}: {_place(error)}{_first_line(error.problem)}; keep one of the two and remove or rename the other"
        ) from None
    except MarkedYAMLError as error:
        raise ConstitutionError(
            f"{where}: {_place(error)}not valid YAML: {_first_line(error.problem)}; mend that line (texts with ': ' or "
            "' #' in them need quotes or a '>-' block)"
        ) from None
    except (YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise ConstitutionError(
            f"{where}: not valid YAML: {_first_line(str(error))}; mend or quote that value"
        ) from None


def _check_events(text: str, *, where: str) -> None:
    depth = documents = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        documents += isinstance(event, DocumentStartEvent)
        problem = _problem(event, depth, documents)
        if problem:
            raise ConstitutionError(f"{where}: line {event.start_mark.line + 1}: {problem}")


def _problem(event: Event, depth: int, documents: int) -> str | None:
    """What a constitution may not hold although YAML does."""
    if isinstance(event, AliasEvent):
        return f"alias '*{event.anchor}': aliases are not accepted; write the text out"
    if isinstance(event, NodeEvent) and event.anchor:
        return f"anchor '&{event.anchor}': anchors are not accepted; remove it and write the text out"
    tag = getattr(event, "tag", None)  # only collections and scalars can have one
    if tag:
        return f"tag '{tag}': tags are not accepted; remove it (quote a number that is meant as text)"
    if depth > MAX_DEPTH:
        return f"nested more than {MAX_DEPTH} deep; a constitution is not"
    if documents > 1:
        return "a second document ('---'); one file holds one constitution, so split the file"
    return None


def _place(error: MarkedYAMLError) -> str:
    return f"line {error.problem_mark.line + 1}: " if error.problem_mark is not None else ""


def _first_line(text: str | None) -> str:
    lines = (text or "").strip().splitlines()
    return lines[0] if lines else "it cannot be parsed"
