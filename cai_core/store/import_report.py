"""What becomes of a file's rows: the account that every import keeps, and the place where it puts what will enter."""

import pickle
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Generic, TypeVar

from cai_core.interchange.rows import Reading, Refused

T = TypeVar("T")
MAX_NAMED = 1_000
"""Refused rows that a report names; the others are counted."""
MAX_NOTES = 100
"""Different notes on rows that a report holds; the others are counted together."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file's rows, each in one of four ways."""

    accepted: int
    duplicates: int
    """Rows that the workspace, or an earlier row, already had."""
    near_duplicates: int
    refused: tuple[Refused, ...]
    """Rows that cannot be used, the first `MAX_NAMED` of them."""
    refused_count: int
    format: str
    notes: tuple[str, ...]
    """How the file was read, and what of its rows was mended or is not kept."""


@dataclass(slots=True)
class Account:
    """What became of the rows so far."""

    reading: Reading
    usable: int = 0
    refused_count: int = 0
    refused: list[Refused] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def refuse(self, refused: Refused) -> None:
        """A row cannot be used."""
        self.refused_count += 1
        if len(self.refused) < MAX_NAMED:
            self.refused.append(refused)

    def note(self, notes: Iterable[str]) -> None:
        """What is to be said of a row."""
        for note in notes:
            self.notes[note if note in self.notes or len(self.notes) < MAX_NOTES else "other notes"] += 1

    def report(self, accepted: int, near: int = 0) -> ImportReport:
        """The account, once it is known how many were new."""
        reading = self.reading
        notes = [] if reading.evidence == "as told" else [f"read as {reading.evidence}"]
        if reading.left_out:
            notes.append(f"columns that cannot be kept: {', '.join(reading.left_out)}")
        notes += [f"{note} ({count:,} row{'s' * (count > 1)})" for note, count in self.notes.items()]
        duplicates = self.usable - accepted - near
        refused = sorted(self.refused, key=lambda one: one.row)
        return ImportReport(
            accepted, duplicates, near, tuple(refused), self.refused_count, reading.format, tuple(notes)
        )


class Spool(Generic[T]):
    """Nouns on the disk, in order: a million of them take no memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._chunks = 0
        self.count = 0

    def add(self, some: list[T]) -> None:
        """Put some at the end, before they are first read."""
        pickle.dump(some, self._file, pickle.HIGHEST_PROTOCOL)
        self._chunks += 1
        self.count += len(some)

    def __iter__(self) -> Iterator[T]:
        for chunk in self.chunks():
            yield from chunk

    def chunks(self) -> Iterator[list[T]]:
        """What was put in, some at a time."""
        self._file.seek(0)
        for _ in range(self._chunks):
            chunk: list[T] = pickle.load(self._file)
            yield chunk


def set_name(reading: Reading) -> str:
    """The name of a file's prompt set where none is said: the file's, without what follows its dots of kind."""
    path = Path(reading.source.name)
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).stem
