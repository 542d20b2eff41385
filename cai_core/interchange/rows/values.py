"""Plain values: JSON read by the letter of its standard, and text that a database and a page can hold."""

import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

from cai_core.interchange.rows.limits import MAX_DEPTH, MAX_FIELDS
from cai_core.interchange.rows.nouns import RowError

_SPACE = re.compile(r"[ \t\r\n]*")
_SUSPECT = re.compile(r"\\u(?:d[89a-f]|0000)", re.IGNORECASE)
"""What an escape must look like to give a NUL or half of a surrogate pair."""


class StrictJson:
    """Reads JSON values; a row's fault is a `RowError`, where the value ends or does not is a `JSONDecodeError`.

    Duplicate keys, NaN, infinities, values nested too deep and text that nothing can store are faults.
    """

    def __init__(self) -> None:
        self._fault = ""
        self._json = json.JSONDecoder(
            object_pairs_hook=self._object, parse_constant=self._constant, parse_float=self._float
        )

    def read(self, text: str) -> Any:
        """The one value of `text`."""
        value, end = self.read_from(text, 0)
        if rest := text[end:].strip(" \t\r\n"):
            raise RowError(f"not JSON: something follows the value at character {len(text.rstrip()) - len(rest) + 1}")
        return value

    def read_from(self, text: str, start: int) -> tuple[Any, int]:
        """The value that begins at `start` or after white space, and where it ends."""
        value, end = self.parse(text, start)
        self.check(value, text[start:end])
        return value, end

    def parse(self, text: str, start: int) -> tuple[Any, int]:
        """The value and its end, not yet checked: `check` says whether it can be used."""
        self._fault = ""
        try:
            return self._json.raw_decode(text, after_space(text, start))
        except json.JSONDecodeError as error:
            raise RowError(f"not JSON: {error.msg.lower()} at character {error.pos + 1}") from error
        except RecursionError:
            raise RowError(f"nested deeper than {MAX_DEPTH}") from None
        except ValueError:
            raise RowError("a number of thousands of digits") from None

    def check(self, value: Any, text: str) -> None:
        """`RowError` where the value just parsed, written as `text`, cannot be used."""
        if self._fault:
            raise RowError(self._fault)
        if text.count("{") + text.count("[") > MAX_DEPTH:
            check_depth(value)
        if _SUSPECT.search(text):
            check_texts(value)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            self._fault = self._fault or f"the key {shown(twice)} appears twice"
        elif len(value) > MAX_FIELDS:
            self._fault = self._fault or f"{len(value):,} keys in one object; at most {MAX_FIELDS:,}"
        return value

    def _constant(self, name: str) -> None:
        self._fault = self._fault or f"{name} is not JSON; write null where a number is unknown"

    def _float(self, text: str) -> float:
        value = float(text)
        if not isfinite(value):
            self._fault = self._fault or f"the number {shown(text)} is out of range"
        return value


def after_space(text: str, start: int) -> int:
    """The first place from `start` that is not JSON's white space."""
    found = _SPACE.match(text, start)
    return found.end() if found else start


def check_depth(value: Any) -> None:
    """`RowError` where lists and objects lie within each other more than `MAX_DEPTH` deep."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return
    raise RowError(f"nested deeper than {MAX_DEPTH}")


def check_texts(value: Any) -> None:
    """`RowError` where a text, keys included, holds what nothing can store."""
    for text in _texts(value):
        if problem := text_problem(text):
            raise RowError(f"a text {problem}")


def text_problem(text: str) -> str:
    """What keeps a text from being stored: '' if nothing does."""
    if "\x00" in text:
        return "holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair"
    return ""


def words(value: object, what: str) -> str:
    """The value if it is text with something in it; else `RowError`."""
    if not isinstance(value, str):
        raise RowError(f"{what} is {kind_of(value)}; it should be text")
    if not value.strip():
        raise RowError(f"{what} is empty")
    return value


def kind_of(value: object) -> str:
    """What a plain value is, in a person's words."""
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def shown(text: str, most: int = 60) -> str:
    """A piece of a file, short and quoted, for a message."""
    return repr(text if len(text) <= most else text[: most - 1] + "…")


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            yield from one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
