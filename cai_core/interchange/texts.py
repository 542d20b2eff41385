"""Untrusted files as text, and JSON as plain values: bounded in size and depth, no key twice, no NaN."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from cai_core.constitution.read_yaml import MAX_DEPTH
from cai_core.constitution.schema import UNPRINTABLE
from cai_core.errors import ConstitutionError

MAX_BYTES = 8_000_000
"""Of all files together. JSON may spend twelve bytes on a character that a constitution's own file has in four."""


def read_paths(paths: Iterable[Path]) -> dict[str, str]:
    """The text of some files by their paths; of a folder, its .json files."""
    files: dict[str, str] = {}
    left = MAX_BYTES
    for path in paths:
        for file in _files_of(path):
            data = _bytes_of(file, left)
            left -= len(data)
            files[str(file)] = decode(data, where=str(file))
    return files


def decode(data: bytes, *, where: str) -> str:
    """The text of a file that was read, or uploaded."""
    if len(data) > MAX_BYTES:
        _refuse(where, f"it is larger than {MAX_BYTES:,} bytes; check that it is the right file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        _refuse(where, f"line {line}: byte 0x{data[error.start]:02X} is not UTF-8; save the file as UTF-8")
    bad = UNPRINTABLE.search(text)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        _refuse(where, f"line {line}: unprintable character U+{ord(bad.group()):04X}; remove it")
    if not text.strip():
        _refuse(where, "it is empty")
    return text


def parse_json(text: str, *, where: str) -> Any:
    """The plain values of one JSON document."""
    try:
        value = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except RecursionError:
        _refuse(where, f"nested more than {MAX_DEPTH} deep; a constitution is not")
    except json.JSONDecodeError as error:
        _refuse(where, f"line {error.lineno}: not valid JSON: {error.msg}")
    except ValueError as error:
        _refuse(where, str(error))
    _check_depth(value, where)
    return value


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.glob("*.json") if file.is_file())
    if not found:
        _refuse(str(path), "the folder has no .json file; name the files themselves")
    return found


def _bytes_of(path: Path, most: int) -> bytes:
    try:
        if path.exists() and not path.is_file():
            _refuse(str(path), "it is not a plain file")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        _refuse(str(path), "there is no such file; check the name")
    except ConstitutionError:
        raise
    except (OSError, ValueError) as error:
        _refuse(str(path), f"it cannot be read ({error}); check its name and permissions")
    if len(data) > most:
        _refuse(str(path), f"what is to be read is larger than {MAX_BYTES:,} bytes; check that it is the right file")
    return data


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"the key {key[:60]!r} stands twice in one object; keep one of the two")
        values[key] = value
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not valid JSON; write a number or null")


def _check_depth(value: Any, where: str) -> None:
    level, depth = [value], 0
    while level := [inner for outer in level for inner in _inside(outer)]:
        depth += 1
        if depth > MAX_DEPTH:
            _refuse(where, f"nested more than {MAX_DEPTH} deep; a constitution is not")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse(where: str, why: str) -> NoReturn:
    raise ConstitutionError(f"{where}: {why}")
