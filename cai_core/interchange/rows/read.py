"""Reading a file of rows: what it is is told from its content, and every row comes out as a noun or is set aside."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cai_core.errors import DataFileError
from cai_core.interchange.rows.detect import detect
from cai_core.interchange.rows.formats import ALONE, FORMATS, KNOWN, LINES, Format
from cai_core.interchange.rows.json_rows import json_rows, jsonl_rows
from cai_core.interchange.rows.limits import MAX_LINE, SAMPLE, in_words
from cai_core.interchange.rows.nouns import Item, Refused, Row, RowError
from cai_core.interchange.rows.parquet_rows import parquet_columns, parquet_rows
from cai_core.interchange.rows.recognise import FileKind, Shape, recognise
from cai_core.interchange.rows.sources import Source, source_of, unpacked
from cai_core.interchange.rows.tables import table_rows
from cai_core.interchange.rows.texts import lines


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that can be read. Each iteration reads it anew, a row in memory at a time."""

    source: Source
    shape: Shape
    format: str
    evidence: str
    """Why it is this format: 'pairs of transcripts, by the columns chosen, rejected of 100 of 100 rows'."""
    left_out: tuple[str, ...] = ()
    """Columns that are of no use here, with their types."""

    def __iter__(self) -> Iterator[Item | Refused]:
        """The rows in order. `DataFileError` where the file turns out to be damaged, or has no row that can be used."""
        format = FORMATS[self.format]
        usable, first = 0, None
        for row in raw_rows(self.source, self.shape):
            item = row if isinstance(row, Refused) else _item(row, format)
            if isinstance(item, Refused):
                first = first or item
            else:
                usable += 1
            yield item
        if not usable:
            raise useless(self.source.name, first)


def read_rows(content: str | Path | bytes, *, format: str | None = None, name: str = "") -> Reading:
    """Open a file by its path, or its bytes; `name` is what errors call it.

    Plain or in gzip; JSON Lines, a JSON list, CSV (comma, tab, semicolon, bar), Parquet or plain lines, in UTF-8.
    `format` is a key of `FORMATS` and overrides what the columns say. `DataFileError` for a file that cannot be read,
    or in no format that is known.
    """
    if format is not None and format not in FORMATS:
        raise DataFileError(f"there is no format {format!r}. Formats are {', '.join(FORMATS)}.")
    source = source_of(content, name)
    shape = recognise(source, KNOWN, ALONE, lines=format == LINES)
    left_out = parquet_columns(source)[1] if shape.kind is FileKind.PARQUET else ()
    if shape.kind is FileKind.LINES:
        if format not in (None, LINES):
            raise DataFileError(f"{source.name} is plain lines, which have no columns: --format {format} cannot be.")
        return Reading(source, shape, LINES, "plain lines of text, without columns")
    if format is not None:
        return Reading(source, shape, format, "as told", left_out)
    sample = list(islice(raw_rows(source, shape), SAMPLE))
    rows = [row.fields for row in sample if isinstance(row, Row)]
    if not rows:
        raise useless(source.name, next((row for row in sample if isinstance(row, Refused)), None))
    return Reading(source, shape, *detect(rows, source.name), left_out)


def raw_rows(source: Source, shape: Shape) -> Iterator[Row | Refused]:
    """The rows of a file as it has them."""
    if shape.kind is FileKind.PARQUET:
        yield from parquet_rows(source)
        return
    with unpacked(source) as stream:
        if shape.kind is FileKind.JSONL:
            yield from jsonl_rows(stream, source.name)
        elif shape.kind is FileKind.JSON:
            yield from json_rows(stream, source.name)
        elif shape.kind is FileKind.LINES:
            yield from _line_rows(lines(stream, source.name))
        else:
            yield from table_rows(stream, source.name, shape.delimiter)


def _item(row: Row, format: Format) -> Item | Refused:
    try:
        if not format.columns_in(row.fields):
            missing = ", ".join(sorted(format.columns[-1] - row.fields.keys()))
            raise RowError(f"it has no {missing}")
        return format.read(row)
    except RowError as error:
        return Refused(row.number, f"{error}{row.where}")


def useless(name: str, first: Refused | None) -> DataFileError:
    """Why a file without a usable row is refused whole."""
    why = f"row {first.row}: {first.reason}" if first else "it has none"
    return DataFileError(f"{name} holds no row that can be used ({why}). Mend it, or name another file.")


def _line_rows(numbered: Iterator[tuple[int, str | None]]) -> Iterator[Row | Refused]:
    for number, line in numbered:
        if line is None:
            yield Refused(number, f"a line longer than {in_words(MAX_LINE)}")
        elif "\x00" in line:
            yield Refused(number, "the line holds a NUL character")
        elif line.strip():
            yield Row(number, {"prompt": line.removesuffix("\n").removesuffix("\r")})
