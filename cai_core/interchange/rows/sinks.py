"""Where rows go: a file of one kind, open, that takes one row at a time."""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO, Protocol, cast

import pyarrow as pa
import pyarrow.parquet as pq

from cai_core.interchange.rows.recognise import FileKind
from cai_core.interchange.rows.render import Column

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell may begin with to be run by a spreadsheet."""
_GROUP = 1_000
"""Rows of a Parquet row group."""


class Sink(Protocol):
    """Takes rows."""

    escaped: int
    """Cells that got an apostrophe, so that a spreadsheet shows them instead of running them."""

    def write(self, fields: Mapping[str, Any]) -> None:
        """Add a row."""


@contextmanager
def sink(file: BinaryIO, kind: FileKind, columns: Mapping[str, Column], *, packed: bool) -> Iterator[Sink]:
    """A sink into a binary file; `packed` puts what is no Parquet into gzip."""
    if kind is FileKind.PARQUET:
        with pq.ParquetWriter(file, _schema(columns), compression="zstd") as writer:
            parquet = _Parquet(writer, columns)
            yield parquet
            parquet.flush()
        return
    with ExitStack() as stack:
        if packed:
            # Without a time or a name in it, the same rows give the same bytes.
            file = cast(BinaryIO, stack.enter_context(gzip.GzipFile("", "wb", 6, file, 0)))
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        stack.callback(text.detach)
        if kind is FileKind.JSON:
            listed = _JsonList(text)
            yield listed
            listed.end()
        else:
            yield _Jsonl(text) if kind is FileKind.JSONL else _Csv(text, columns, "\t" if kind is FileKind.TSV else ",")


class _Jsonl:
    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.escaped = 0

    def write(self, fields: Mapping[str, Any]) -> None:
        self._text.write(_json(fields) + "\n")


class _JsonList:
    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._before = "[\n"
        self.escaped = 0

    def write(self, fields: Mapping[str, Any]) -> None:
        self._text.write(self._before + _json(fields))
        self._before = ",\n"

    def end(self) -> None:
        self._text.write("[]\n" if self._before == "[\n" else "\n]\n")


class _Csv:
    def __init__(self, text: io.TextIOWrapper, columns: Mapping[str, Column], delimiter: str) -> None:
        self._writer = csv.writer(text, delimiter=delimiter)
        self._writer.writerow(columns)
        self._columns = columns
        self.escaped = 0

    def write(self, fields: Mapping[str, Any]) -> None:
        self._writer.writerow([self._cell(fields[name]) for name in self._columns])

    def _cell(self, value: Any) -> str:
        if isinstance(value, list | dict):
            return _json(value) if value else ""
        if isinstance(value, str) and value.startswith(FORMULA):
            self.escaped += 1
            return f"'{value}"
        return "" if value is None else str(value)


class _Parquet:
    def __init__(self, writer: pq.ParquetWriter, columns: Mapping[str, Column]) -> None:
        self._writer = writer
        self._columns = columns
        self._rows: list[dict[str, Any]] = []
        self.escaped = 0

    def write(self, fields: Mapping[str, Any]) -> None:
        self._rows.append({name: _typed(fields[name], column) for name, column in self._columns.items()})
        if len(self._rows) >= _GROUP:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=_schema(self._columns)))
            self._rows.clear()


def _schema(columns: Mapping[str, Column]) -> pa.Schema:
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    types = {Column.MESSAGES: pa.list_(message), Column.TAGS: pa.list_(pa.string())}
    return pa.schema([(name, types.get(column, pa.string())) for name, column in columns.items()])


def _typed(value: Any, column: Column) -> Any:
    return (_json(value) if value else None) if column is Column.JSON else value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
