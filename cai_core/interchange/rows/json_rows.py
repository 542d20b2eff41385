"""Rows of JSON: a value a line, a list, or one object that holds the list."""

import io
import json
from collections.abc import Iterator
from typing import Any

from cai_core.errors import DataFileError
from cai_core.interchange.rows.limits import MAX_LINE, MAX_WHOLE, in_words
from cai_core.interchange.rows.nouns import Refused, Row, RowError
from cai_core.interchange.rows.texts import decoded, lines, marks
from cai_core.interchange.rows.values import StrictJson, after_space, kind_of

INNER_LIST = "comparisons"
"""The key of an object, as annotated pairs have it, whose list is the rows."""


def jsonl_rows(stream: io.BufferedReader, name: str) -> Iterator[Row | Refused]:
    """A row a line; blank lines are none."""
    strict = StrictJson()
    for number, line in lines(stream, name):
        if line is None:
            yield Refused(number, f"a line longer than {in_words(MAX_LINE)}")
        elif line.strip():
            try:
                yield Row(number, fields_of(strict.read(line)))
            except RowError as error:
                yield Refused(number, str(error))


def fields_of(value: Any) -> dict[str, Any]:
    """A row's columns; a bare text is a prompt."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        return {"prompt": value}
    raise RowError(f"a row of JSON is an object, not {kind_of(value)}")


def json_rows(stream: io.BufferedReader, name: str) -> Iterator[Row | Refused]:
    """The rows of a JSON list, one in memory at a time; or of one object, which is read whole."""
    window = _Window(stream, name)
    if window.here() != "[":
        yield from _object_rows(window)
        return
    window.at += 1
    number = 0
    while window.here() != "]":
        number += 1
        yield _element(window, number)
        if window.here() == ",":
            window.at += 1
            if window.here() == "]":
                window.refuse("a comma stands before the end of the list", f"after row {number}, in")
        elif window.here() != "]":
            window.refuse("neither a comma nor the end of the list follows", f"after row {number}, in")
    window.at += 1
    if window.here():
        window.refuse("something follows the end of the list", f"after row {number}, in")


def _element(window: "_Window", number: int) -> Row | Refused:
    strict = StrictJson()
    while True:
        try:
            value, end = strict.parse(window.text, window.at)
        except RowError as error:
            # What is not JSON may only be cut: the rest is still to be read.
            cut = isinstance(error.__cause__, json.JSONDecodeError) and window.waiting() <= MAX_LINE
            if not cut or not window.more():
                window.refuse(f"{error.__cause__ or error}", f"row {number}, which begins in")
            continue
        # A number at the end of what is read may go on.
        if end < len(window.text) or not window.more():
            break
    start, window.at = window.at, end
    try:
        strict.check(value, window.text[start:end])
        return Row(number, fields_of(value))
    except RowError as error:
        return Refused(number, str(error))


def _object_rows(window: "_Window") -> Iterator[Row | Refused]:
    while window.more():
        if len(window.text) > MAX_WHOLE:
            raise DataFileError(
                f"{window.name} is one JSON object of more than {in_words(MAX_WHOLE)}, which cannot be read in pieces. "
                "Save its rows as JSON Lines, one object a line."
            )
    try:
        value = StrictJson().read(window.text[window.at :])
    except RowError as error:
        raise DataFileError(f"{window.name} cannot be read as JSON: {error}. {_ADVICE}") from None
    rows, beside = _inner(value)
    for number, row in enumerate(rows, start=1):
        try:
            yield Row(number, beside | fields_of(row))
        except RowError as error:
            yield Refused(number, str(error))


def _inner(value: Any) -> tuple[list[Any], dict[str, Any]]:
    """The rows within an object, and what each must be told of what stands beside them."""
    rows = value.get(INNER_LIST) if isinstance(value, dict) else None
    if not isinstance(rows, list):
        return [value], {}
    facts = value.get("metadata")
    who = facts.get("default_annotator") if isinstance(facts, dict) else None
    return rows, {} if who is None else {"default_annotator": who}


_ADVICE = "Rows are objects, one a line or in a list; if these are plain lines of text, say --format lines."


class _Window:
    """The part of a JSON text that is in memory."""

    def __init__(self, stream: io.BufferedReader, name: str) -> None:
        self.name = name
        self.text = ""
        self.at = 0
        self._stream = stream
        self._bytes = b""
        """Of a character that is cut."""
        self._decoded = 0
        self._line = 1

    def waiting(self) -> int:
        """Characters that are read and not yet used."""
        return len(self.text) - self.at

    def here(self) -> str:
        """The next character that is not white space; '' at the end."""
        while (at := after_space(self.text, self.at)) == len(self.text):
            self.at = at
            if not self.more():
                return ""
        self.at = at
        return self.text[at]

    def more(self) -> bool:
        """Read on, at least as much again as is waiting; False at the end of the file."""
        new = self._stream.read(max(1 << 18, self.waiting()))
        data = self._bytes + new
        if not self._decoded:
            self._decoded = marks(data)
            data = data[self._decoded :]
        line = self._line + self.text.count("\n")
        text, used = decoded(data, self.name, line, self._decoded, final=not new)
        self._line += self.text.count("\n", 0, self.at)
        self._bytes, self._decoded = data[used:], self._decoded + used
        self.text, self.at = self.text[self.at :] + text, 0
        return bool(new)

    def refuse(self, why: str, where: str) -> None:
        """`DataFileError`: from here on nobody can tell where a row begins."""
        line = self._line + self.text.count("\n", 0, after_space(self.text, self.at))
        raise DataFileError(f"{self.name} cannot be read as a JSON list: {why} ({where} line {line}). {_ADVICE}")
