"""Collects what a reader finds: each entry is checked by the rules of a constitution's own file, and reported."""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cai_core.constitution.load import check_constitution, problems_of
from cai_core.constitution.schema import (
    SLUG,
    ComparisonEntry,
    CritiqueRevisionEntry,
    PrincipleEntry,
    ReasonedComparisonEntry,
)
from cai_core.interchange.report import EntryReport, EntryState, ImportReport
from cai_core.types import Constitution, FewShots, Principle

SHOTS: dict[str, type[CritiqueRevisionEntry | ComparisonEntry]] = {
    "critique_revision": CritiqueRevisionEntry,
    "comparison": ComparisonEntry,
    "comparison_with_reasoning": ReasonedComparisonEntry,
}


class Reading:
    """The entries found so far."""

    def __init__(self, format: str) -> None:
        self.format = format
        self.principles: list[Principle] = []
        self.lost: list[str] = []
        self._shots: dict[str, list[Any]] = {kind: [] for kind in SHOTS}
        self._entries: list[EntryReport] = []
        self._ids: set[str] = set()

    def add_principle(
        self,
        values: Mapping[str, Any],
        *,
        name: str,
        note: str = "",
        changed: bool | None = None,
        row: int | None = None,
    ) -> None:
        """Add a principle of these fields, or say why it is refused; an id that is taken gets a number.

        It counts as changed if the note says something, or if `changed` says so.
        """
        given = values.get("id")
        id = self._free_id(given) if isinstance(given, str) else given
        if id != given:
            changed, note = True, _joined(note, f"its id became {id!r}, because {given!r} is taken")
        try:
            principle = PrincipleEntry.model_validate({**values, "id": id}).noun()
        except ValidationError as error:
            self.refuse(name, "; ".join(problems_of(values, error)), row=row)
            return
        self._ids.add(principle.id)
        self.principles.append(principle)
        changed = bool(note) if changed is None else changed
        self._report(name, EntryState.CHANGED if changed else EntryState.OK, note, row)

    def add_shot(
        self, kind: str, values: Mapping[str, Any], *, name: str, note: str = "", changed: bool = False
    ) -> None:
        """Add a few-shot of these fields, or say why it is refused."""
        try:
            shot = SHOTS[kind].model_validate(values).noun()
        except ValidationError as error:
            self.refuse(name, "; ".join(problems_of(values, error)))
            return
        self._shots[kind].append(shot)
        self._report(name, EntryState.CHANGED if changed else EntryState.OK, note)

    def refuse(self, name: str, reason: str, *, row: int | None = None) -> None:
        """Report an entry that cannot come in."""
        self._report(name, EntryState.REFUSED, reason.rstrip("."), row)

    def leave_out(self, name: str, note: str, *, row: int | None = None) -> None:
        """Report an entry that is not wanted."""
        self._report(name, EntryState.LEFT_OUT, note, row)

    def finish(self, name: str, description: str = "") -> ImportReport:
        """The report, with the constitution of all that was accepted."""
        constitution = None
        if self.principles:
            shots = FewShots(**{kind: tuple(found) for kind, found in self._shots.items()})
            made = Constitution(name, description, tuple(self.principles), shots)
            constitution = check_constitution(made, where=f"constitution {name!r}"[:120])
        entries = sorted(self._entries, key=lambda entry: entry.number)
        return ImportReport(self.format, constitution, tuple(entries), tuple(self.lost))

    def _report(self, name: str, state: EntryState, note: str, row: int | None = None) -> None:
        self._entries.append(EntryReport(row or len(self._entries) + 1, name, state, note))

    def _free_id(self, id: str) -> str:
        number, free = 2, id
        while free in self._ids:
            free, number = f"{id[:58]}-{number}", number + 1
        return free


def id_of(text: str) -> str:
    """An id for a principle of this name: the name itself if it looks like one, else what of it does."""
    if SLUG.fullmatch(text):
        return text
    plain = unicodedata.normalize("NFKD", text[:1000]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "principle"


def title_of(text: str) -> str:
    """A title for a principle that has none: the first words of its text."""
    words = " ".join(text[:1000].split())
    if len(words) <= 70:
        return words
    cut = words[:69]
    return f"{cut[: cut.rindex(' ')] if ' ' in cut[40:] else cut}…"


def name_of(files: Mapping[str, str]) -> str:
    """A name for a constitution that has none: the first file's."""
    stem = Path(next(iter(files))).stem
    return re.sub(r"[@/\\\x00-\x1f]+", "-", stem)[:100].strip() or "imported"


def unknown_keys(values: Mapping[str, Any], known: tuple[str, ...]) -> str:
    """Which keys of an entry nothing is known about, for its note; empty: none."""
    unknown = [key for key in values if key not in known]
    return f"left behind: {', '.join(key[:40] for key in unknown)}" if unknown else ""


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)
