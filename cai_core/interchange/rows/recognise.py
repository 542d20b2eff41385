"""Which kind of file this is, told from its first bytes and never from its name."""

import csv
import re
from dataclasses import dataclass
from enum import StrEnum

from cai_core.errors import DataFileError
from cai_core.interchange.rows.limits import HEAD, in_words
from cai_core.interchange.rows.nouns import RowError
from cai_core.interchange.rows.sources import Source, is_gzip, refuse_foreign, unpacked
from cai_core.interchange.rows.tables import csv_reader
from cai_core.interchange.rows.texts import head_text
from cai_core.interchange.rows.values import StrictJson


class FileKind(StrEnum):
    """How a file holds its rows."""

    JSONL = "jsonl"
    """A JSON value a line."""
    JSON = "json"
    """A JSON list of rows, or one object."""
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"
    LINES = "lines"
    """Plain text, a row a line."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How this file holds its rows."""

    kind: FileKind
    gzip: bool
    delimiter: str = ","

    def __str__(self) -> str:
        return f"{self.kind.value}, in gzip" if self.gzip else self.kind.value


DELIMITERS = {",": FileKind.CSV, "\t": FileKind.TSV, ";": FileKind.CSV, "|": FileKind.CSV}
_NAME = re.compile(r"[A-Za-z_][\w .()/-]{0,39}(?<! )")
_LOOK = 20
"""Lines that are tried."""


def recognise(source: Source, known: frozenset[str], alone: frozenset[str], *, lines: bool = False) -> Shape:
    """The file's shape. `DataFileError` for one that is empty, of another kind, or in no encoding that is read.

    A header is told by the `known` column names; a single column by those that stand `alone`. With `lines`, text is
    plain lines whatever it looks like.
    """
    with unpacked(source) as stream:
        head = stream.read(HEAD)
        whole = len(head) < HEAD
    packed = is_gzip(source)
    if head.startswith((b"PAR1", b"PARE")):
        if packed:
            raise DataFileError(f"{source.name} is Parquet within gzip. Unpack it and try again.")
        return Shape(FileKind.PARQUET, False)
    refuse_foreign(head, source.name)
    text = head_text(head, source.name)
    if not text.strip():
        begins = f"begins with {in_words(HEAD)} of nothing" if not whole else "is empty"
        raise DataFileError(f"{source.name} {begins}. Name a file with a row in it.")
    if "\r" in text and "\n" not in text:
        raise DataFileError(f"{source.name} ends its lines with CR alone, as old Macs did. Save it with \\n line ends.")
    if lines:
        return Shape(FileKind.LINES, packed)
    kind, delimiter = _text_kind(text, known, alone, whole)
    return Shape(kind, packed, delimiter)


def _text_kind(text: str, known: frozenset[str], alone: frozenset[str], whole: bool) -> tuple[FileKind, str]:
    begin = text.lstrip()[:2].rstrip()
    after = text.lstrip()[1:].lstrip()[:1]
    if begin[0] == "{":
        return _object_kind(text, whole), ","
    if begin[0] == "[" and after in ("{", "[", '"', "]"):
        return FileKind.JSON, ","
    delimiter = _delimiter(text, known, alone)
    return (DELIMITERS[delimiter], delimiter) if delimiter else (FileKind.LINES, ",")


def _object_kind(text: str, whole: bool) -> FileKind:
    """An object a line, or one object over several lines."""
    complete = text.split("\n") if whole else text.split("\n")[:-1]
    tried = [line for line in complete if line.strip()][:_LOOK]
    return FileKind.JSONL if not tried or any(map(_is_json, tried)) else FileKind.JSON


def _is_json(line: str) -> bool:
    try:
        return isinstance(StrictJson().parse(line, 0)[0], dict)
    except RowError:
        return False


def _delimiter(text: str, known: frozenset[str], alone: frozenset[str]) -> str | None:
    """What stands between the columns; None: there are none, these are lines."""
    first = text.lstrip("\r\n").split("\n", 1)[0].strip().strip('"')
    if first in alone:
        return ","
    tables = {delimiter: records for delimiter in DELIMITERS if (records := _records(text, delimiter))}
    for delimiter, (header, *_) in tables.items():
        if len(header) > 1 and not known.isdisjoint(name.strip() for name in header):
            return delimiter
    for delimiter, (header, *rest) in tables.items():
        if len(header) > 1 and len(rest) > 1 and all(len(record) == len(header) for record in rest) and _names(header):
            return delimiter
    return None


def _records(text: str, delimiter: str) -> list[list[str]]:
    """The first records, as far as they can be told apart."""
    records: list[list[str]] = []
    try:
        for record in csv_reader((f"{line}\n" for line in text.split("\n")), delimiter):
            records += [record] if record else []
            if len(records) > _LOOK:
                break
    except csv.Error:
        pass
    return records[:_LOOK]


def _names(header: list[str]) -> bool:
    """Whether these look like names of columns; the first may have none, as an index has not."""
    return len(set(header)) == len(header) and all(_NAME.fullmatch(name) for name in header[1:])
