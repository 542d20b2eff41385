"""A constitution's history as the pages read it: its versions page by page, what each changed and what used it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session, aliased

from db.schema import ConstitutionRow, ConstitutionVersionRow, LabelRow, PrincipleRow, RunRow, VersionPrincipleRow
from db.schema_asks import AskRow
from db.schema_chains import ChainRow

PAGE = 20
"""Versions a page."""
LISTED = 20
"""Runs of a version that are listed."""
Places = dict[str, tuple[int, float, bool]]
"""Row, weight and switch of each principle of a version by its id, in order."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a version changed against the one before it."""

    added: int
    removed: int
    changed: int
    """Principles, in their words, weight or switch."""
    reordered: bool
    few_shots: bool
    description: bool


@dataclass(frozen=True, slots=True)
class Used:
    """How often a version was used."""

    runs: int = 0
    chains: int = 0
    labels: int = 0
    asks: int = 0


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A version in the history."""

    id: int
    constitution: str
    number: int
    author: str
    message: str
    created_at: datetime
    principles: int
    changed: Changed | None
    """None: it is the first."""
    used: Used

    @property
    def name(self) -> str:
        """'name@3'."""
        return f"{self.constitution}@{self.number}"


@dataclass(frozen=True, slots=True)
class RunUse:
    """A run that used a version."""

    id: int
    kind: str
    state: str
    rows: int
    """Its chains or labels; 0 for a run of another kind."""


def history(session: Session, name: str, before: int = 0, limit: int = PAGE) -> tuple[list[HistoryEntry], bool]:
    """The newest versions below number `before` (0: of all), the newest first, and whether more follow."""
    version, earlier = ConstitutionVersionRow, aliased(ConstitutionVersionRow)
    together = (earlier.constitution_id == version.constitution_id) & (earlier.number == version.number - 1)
    rows = (
        select(
            version.id,
            version.number,
            version.author,
            version.message,
            version.created_at,
            earlier.id.label("before"),
            # As texts: not every database compares JSON.
            (cast(version.few_shots, String) != cast(earlier.few_shots, String)).label("few_shots"),
            (version.description != earlier.description).label("description"),
        )
        .select_from(version)
        .join(ConstitutionRow, ConstitutionRow.id == version.constitution_id)
        .outerjoin(earlier, together)
        .where(ConstitutionRow.name == name)
        .order_by(version.number.desc())
        .limit(limit + 1)
    )
    if before:
        rows = rows.where(version.number < before)
    found = list(session.execute(rows))
    shown = found[:limit]
    places = _places(session, {id for row in shown for id in (row.id, row.before) if id is not None})
    used = _used(session, [row.id for row in shown])
    return [_entry(name, row, places, used) for row in shown], len(found) > limit


def newest_number(session: Session, name: str) -> int:
    """The number of the newest version; 0 where there is none. Numbers have no gaps."""
    newest = select(func.max(ConstitutionVersionRow.number)).join(ConstitutionRow).where(ConstitutionRow.name == name)
    return session.scalar(newest) or 0


def _entry(name: str, row: Any, places: dict[int, Places], used: dict[int, Used]) -> HistoryEntry:
    now = places[row.id]
    changed = None if row.before is None else _changed(places[row.before], now, row)
    return HistoryEntry(
        row.id, name, row.number, row.author, row.message, row.created_at, len(now), changed, used[row.id]
    )


def _changed(was: Places, now: Places, row: Any) -> Changed:
    both = [slug for slug in now if slug in was]
    return Changed(
        added=len(now) - len(both),
        removed=len(was) - len(both),
        changed=sum(was[slug] != now[slug] for slug in both),
        reordered=[slug for slug in was if slug in now] != both,
        few_shots=bool(row.few_shots),
        description=bool(row.description),
    )


def _places(session: Session, versions: Collection[int]) -> dict[int, Places]:
    place = VersionPrincipleRow
    rows = (
        select(place.version_id, PrincipleRow.slug, place.principle_id, place.weight, place.enabled)
        .join(PrincipleRow, PrincipleRow.id == place.principle_id)
        .where(place.version_id.in_(versions))
        .order_by(place.version_id, place.position)
    )
    found: dict[int, Places] = {version: {} for version in versions}
    for version, slug, principle, weight, enabled in session.execute(rows):
        found[version][slug] = (principle, weight, enabled)
    return found


def _used(session: Session, versions: Sequence[int]) -> dict[int, Used]:
    """Counts over indexes alone."""
    of_run, of_ask = RunRow.constitution_version_id, AskRow.constitution_version_id
    runs = select(of_run, func.count()).select_from(RunRow).where(of_run.in_(versions)).group_by(of_run)
    asks = select(of_ask, func.count()).where(of_ask.in_(versions)).group_by(of_ask)
    counted: dict[str, Any] = {
        "runs": runs,
        "chains": runs.join(ChainRow, ChainRow.run_id == RunRow.id),
        "labels": runs.join(LabelRow, LabelRow.run_id == RunRow.id),
        "asks": asks,
    }
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for name, rows in counted.items():
        for version, count in session.execute(rows):
            counts[version][name] = count
    return {version: Used(**counts[version]) for version in versions}


def runs_of_version(session: Session, version_id: int) -> list[RunUse]:
    """The newest runs that used a version, with their chains or labels."""
    chains = select(func.count()).where(ChainRow.run_id == RunRow.id).correlate(RunRow).scalar_subquery()
    labels = select(func.count()).where(LabelRow.run_id == RunRow.id).correlate(RunRow).scalar_subquery()
    rows = (
        select(RunRow.id, RunRow.kind, RunRow.state, chains, labels)
        .where(RunRow.constitution_version_id == version_id)
        .order_by(RunRow.id.desc())
        .limit(LISTED)
    )
    return [RunUse(id, kind, state, made + said) for id, kind, state, made, said in session.execute(rows)]


def newest_ask(session: Session, version_id: int) -> int | None:
    """The newest ask under a version."""
    return session.scalar(select(func.max(AskRow.id)).where(AskRow.constitution_version_id == version_id))
