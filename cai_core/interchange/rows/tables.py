"""Rows of CSV and its kin: comma, tab, semicolon or bar between the cells, cells quoted with double quotes."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from cai_core.errors import DataFileError
from cai_core.interchange.rows.limits import MAX_FIELDS, MAX_LINE, in_words
from cai_core.interchange.rows.nouns import Refused, Row, RowError
from cai_core.interchange.rows.texts import lines
from cai_core.interchange.rows.values import StrictJson, shown, text_problem


def csv_reader(texts: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The standard library's reader, strict, with cells as long as a line may be."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))
    return csv.reader(texts, delimiter=delimiter, strict=True)


def table_rows(stream: io.BufferedReader, name: str, delimiter: str) -> Iterator[Row | Refused]:
    """A row a record; the header is record 1, as in a spreadsheet. `DataFileError` where records cannot be told."""
    feed = _Feed(stream, name)
    records = csv_reader(feed, delimiter)
    header: list[str] = []
    number = 0
    while True:
        number += 1
        line = feed.begin()
        where = f" (it starts in line {line})" if line != number else ""
        try:
            record = next(records, None)
            if record is None:
                return
            if not header:
                header = _header(record, name)
            elif record:
                yield Row(number, _fields(header, record), where)
        except csv.Error as error:
            if feed.ended:
                raise DataFileError(
                    f"{name}: the quote opened in the record that starts in line {line} is never closed. Close it; a "
                    'quote within a quoted cell is written "".'
                ) from None
            yield Refused(number, f"{_csv_words(error)}{where}")
        except RowError as error:
            yield Refused(number, f"{error}{where}")


class _Feed:
    """Lines for the CSV reader, which takes as many as a record has."""

    def __init__(self, stream: io.BufferedReader, name: str) -> None:
        self._lines = lines(stream, name)
        self._name = name
        self._line = 0
        self._first = 1
        self._size = 0
        self.ended = False

    def begin(self) -> int:
        """A record begins; its line."""
        self._first, self._size = self._line + 1, 0
        return self._first

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        self._line, text = next(self._lines, (self._line, ""))
        self.ended = text == ""
        if self.ended:
            raise StopIteration
        self._size += len(text or "")
        if text is None or self._size > MAX_LINE:
            raise DataFileError(
                f"{self._name}: the record that starts in line {self._first} is longer than {in_words(MAX_LINE)}. Is a "
                "quote opened there and never closed?"
            )
        return text


def _header(record: list[str], name: str) -> list[str]:
    header = [cell.strip() or f"column_{place}" for place, cell in enumerate(record, start=1)]
    if len(header) > MAX_FIELDS:
        raise DataFileError(f"{name} has {len(header):,} columns; at most {MAX_FIELDS:,} are read.")
    if twice := next((column for column in header if header.count(column) > 1), None):
        raise DataFileError(f"{name} has two columns named {shown(twice)}. Give each its own name.")
    return header


def _fields(header: list[str], record: list[str]) -> dict[str, Any]:
    if len(record) != len(header):
        raise RowError(f"{len(record)} cells where the header has {len(header)}")
    for column, cell in zip(header, record, strict=True):
        if "\x00" in cell:
            raise RowError(f"{column} {text_problem(cell)}")
    return {column: _cell(cell) for column, cell in zip(header, record, strict=True)}


def _cell(cell: str) -> Any:
    """A cell's text; a list of messages, which CSV can only hold as JSON, becomes the list."""
    if not cell.startswith(('[{"role"', '[{"content"')):
        return cell
    try:
        return StrictJson().read(cell)
    except RowError:
        return cell


def _csv_words(error: csv.Error) -> str:
    if "expected after" in str(error):
        return 'a quoted cell goes on after its closing quote; a quote within one is written ""'
    return "a bare carriage return outside quotes" if "new-line" in str(error) else str(error)
