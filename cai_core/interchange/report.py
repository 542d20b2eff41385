"""What came of reading a foreign format, entry by entry, and what of writing one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cai_core.errors import ConstitutionError
from cai_core.types import Constitution


class EntryState(StrEnum):
    """What becomes of an entry."""

    OK = "ok"
    CHANGED = "changed"
    """It comes in, but not quite as it stood; the note says what is different."""
    LEFT_OUT = "left_out"
    """It was asked to stay out, or says nothing that a constitution holds."""
    REFUSED = "refused"
    """It cannot come in; the note says why."""


@dataclass(frozen=True, slots=True)
class EntryReport:
    """One principle or few-shot of what was read."""

    number: int
    """Counts all entries of all files, from 1; in a table of votes, the row."""
    name: str
    """'harmful3', 'few-shot critique 2': of untrusted text."""
    state: EntryState
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that cannot come in."""

    row: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What would come in. Nothing is saved by reading."""

    format: str
    constitution: Constitution | None
    """All entries that can come in, checked by all the rules; None: there is no principle among them."""
    entries: tuple[EntryReport, ...]
    lost: tuple[str, ...] = ()
    """What is there that a constitution does not hold, and what was made up on the way."""

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """The entries that cannot come in."""
        return tuple(Refusal(e.number, e.name, e.note) for e in self.entries if e.state is EntryState.REFUSED)

    @property
    def accepted(self) -> int:
        """How many entries come in."""
        return sum(entry.state in (EntryState.OK, EntryState.CHANGED) for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Export:
    """A constitution in a foreign format."""

    files: Mapping[str, str]
    """Text by file name; most formats have one file."""
    lost: tuple[str, ...] = ()
    """What the format cannot hold."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader is told beside the files."""

    name: str = ""
    """Of the constitution; else the file's own, or one made of the file's name."""
    seed: int = 0
    """For what a format leaves open: which response is A, which principle a few-shot shows."""
    min_agreement: float = 0.0
    """Of voted statements, 0 to 1: the least share of agreement, overall and in every group."""


def accepted(report: ImportReport, *, skip_refused: bool = False) -> Constitution:
    """The constitution that comes in: whole, or `ConstitutionError`; refused entries stay behind only if told to."""
    refused = report.refused
    if report.constitution is None:
        why = f" {_listed(refused)}" if refused else ""
        raise ConstitutionError(f"no principle in it can be used, so nothing came in.{why}")
    if refused and not skip_refused:
        raise ConstitutionError(
            f"{len(refused)} of {len(report.entries)} entries cannot be used, so nothing came in. {_listed(refused)} "
            "Mend them, or bring in the others alone (--skip-refused)."
        )
    return report.constitution


def report_as_plain(report: ImportReport) -> dict[str, Any]:
    """The report as plain values, for the command line."""
    return {
        "format": report.format,
        "name": report.constitution.name if report.constitution is not None else None,
        "accepted": report.accepted,
        "refused": [{"row": one.row, "name": one.name, "reason": one.reason} for one in report.refused],
        "lost": list(report.lost),
        "entries": [
            {"row": one.number, "name": one.name, "state": one.state.value, "note": one.note} for one in report.entries
        ],
    }


def _listed(refused: tuple[Refusal, ...]) -> str:
    shown = " ".join(f"Entry {one.row}, {one.name}: {one.reason}." for one in refused[:3])
    return shown + (f" And {len(refused) - 3} more." if len(refused) > 3 else "")
