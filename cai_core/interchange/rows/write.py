"""Writing rows to a file: streamed, whole or not at all, with a report of what the format cannot hold."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cai_core.errors import DataFileError
from cai_core.interchange.rows.formats import FORMATS
from cai_core.interchange.rows.nouns import Item, ReadChain, ReadPrompt, Refused, Row, RowError, prompt_of
from cai_core.interchange.rows.recognise import FileKind
from cai_core.interchange.rows.render import WRITERS, Fields, Style, WriteFormat, one_by_one
from cai_core.interchange.rows.replacing import replacing
from cai_core.interchange.rows.sinks import sink
from cai_core.interchange.rows.values import check_texts

MAX_NAMED = 1_000
"""Rows that a report names; the others are counted."""
MAX_COLUMNS = 100
"""Columns that a report names; the others are counted together."""
KINDS = {
    ".jsonl": FileKind.JSONL,
    ".ndjson": FileKind.JSONL,
    ".json": FileKind.JSON,
    ".csv": FileKind.CSV,
    ".tsv": FileKind.TSV,
    ".parquet": FileKind.PARQUET,
}


@dataclass(frozen=True, slots=True)
class Export:
    """What was written, and what was not."""

    rows: int
    left_out: tuple[Refused, ...]
    """Rows that the format cannot hold, the first `MAX_NAMED` of them, by their `number`."""
    left_out_count: int
    lost: tuple[str, ...]
    """What of the rows that were written is not in the file, a sentence each."""


def write_rows(
    path: str | Path, rows: Iterable[Item | Refused], *, format: str, style: Style = Style.CONVERSATIONAL
) -> Export:
    """Write rows in a format, a key of `WRITERS`; the kind of file is told by the name's end, also with '.gz'.

    Every row is read back before it is written: what would not come back as it was is left out, and named, as are rows
    that were refused already. The file appears whole, or what stood there stays; `DataFileError` says why it could not
    be written.
    """
    path = Path(path)
    if format not in WRITERS:
        raise DataFileError(f"there is no format {format!r} to write. Formats are {', '.join(WRITERS)}.")
    kind, packed = _kind(path)
    if kind not in WRITERS[format].kinds:
        raise DataFileError(f"{format} is written as .jsonl or .json, each also with .gz, and not as {path.name}.")
    report = _Report(format, style)
    with replacing(path) as file, sink(file, kind, WRITERS[format].columns(style), packed=packed) as out:
        for fields in report.fitting(rows):
            out.write(fields)
        report.escaped = out.escaped
    return report.export()


def _kind(path: Path) -> tuple[FileKind, bool]:
    packed = path.suffix.lower() == ".gz"
    kind = KINDS.get((path.with_suffix("") if packed else path).suffix.lower())
    if kind is None or (packed and kind is FileKind.PARQUET):
        raise DataFileError(
            f"{path.name} does not say which kind of file to write. End it with {', '.join(KINDS)}; all but .parquet "
            "may be followed by .gz."
        )
    return kind, packed


@dataclass(slots=True)
class _Report:
    """What becomes of the rows, while they are written."""

    format: str
    style: Style
    rows: int = 0
    escaped: int = 0
    left_out_count: int = 0
    left_out: list[Refused] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def fitting(self, rows: Iterable[Item | Refused]) -> Iterator[Fields]:
        """The columns of every row that the format can hold."""
        writer = WRITERS[self.format]
        for row in rows:
            if isinstance(row, Refused):
                self._leave_out(row.row, row.reason)
                continue
            for item in one_by_one(row) if self.format == "cai-conversation" else (row,):
                try:
                    fields = _held(item, writer, self.style)
                except RowError as error:
                    self._leave_out(item.number, str(error))
                    continue
                self.rows += 1
                self._drop(item, writer)
                yield fields
            if isinstance(row, ReadChain) and self.format == "cai-conversation":
                self.dropped["how the steps of a chain belong together"] += len(row.steps) > 1
                self.dropped["the keys of principles"] += any(step.principle for step in row.steps)

    def export(self) -> Export:
        """The report."""
        lost = [f"{name} ({count:,} rows)" for name, count in self.dropped.items() if count]
        if self.escaped:
            lost.append(f"an apostrophe stands before {self.escaped:,} cells that a spreadsheet would run as formulas")
        return Export(self.rows, tuple(self.left_out), self.left_out_count, tuple(lost))

    def _leave_out(self, number: int, why: str) -> None:
        self.left_out_count += 1
        if len(self.left_out) < MAX_NAMED:
            self.left_out.append(Refused(number, why))

    def _drop(self, item: Item, writer: WriteFormat) -> None:
        about = item.about
        for name in ("kind", "split", "topic", "tags"):
            self.dropped[name] += name not in writer.holds and bool(getattr(about, name))
        if "extra" not in writer.holds:
            for name in about.extra:
                column = f"the column {name}"
                self.dropped[
                    column if column in self.dropped or len(self.dropped) < MAX_COLUMNS else "more columns"
                ] += 1
        self.dropped["what follows the prompt"] += writer.asks and not isinstance(item, ReadPrompt)


def _held(item: Item, writer: WriteFormat, style: Style) -> Fields:
    """The columns of a row; `RowError` where they cannot be, or would come back as something else."""
    fields = writer.render(item, style)
    check_texts(fields)
    if "extra" in writer.holds:
        _check_json(item.about.extra)
    back = FORMATS[writer.reads_as(style)].read(Row(item.number, fields))
    if not _same(item, back, writer.holds):
        raise RowError("it would come back as something else")
    return fields


def _same(item: Item, back: Item, holds: frozenset[str]) -> bool:
    """Whether a row came back as it was, in its turns and in what the format holds of the rest."""
    if any(getattr(item.about, part) != getattr(back.about, part) for part in holds):
        return False
    if isinstance(back, ReadPrompt):
        return prompt_of(item) == back.turns
    return type(item) is type(back) and replace(back, number=item.number, about=item.about) == item


def _check_json(extra: Mapping[str, Any]) -> None:
    try:
        json.dumps(extra, allow_nan=False)
    except (TypeError, ValueError):
        raise RowError("extra holds what JSON cannot say") from None
