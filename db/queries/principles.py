"""What a principle did: its rounds, its labels, and where it disagrees with others.

A principle is known by its id within a constitution; each of its wordings is a row. Sums cover the newest rows of each
wording up to a limit, and say how many: a principle of a million rounds is read no longer than one of thousands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Integer, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload

from db.schema import ConstitutionVersionRow, LabelRow, PrincipleRow, VersionPrincipleRow
from db.schema_chains import RevisionRow

BUDGET = 100_000
"""Rows of a kind that one reading sums up, all principles together."""
BINS = 20
"""Of the histogram of p_a."""


@dataclass(frozen=True, slots=True)
class PlacedPrinciple:
    """A principle in a version of a constitution."""

    slug: str
    title: str
    kind: str
    tags: tuple[str, ...]
    weight: float
    enabled: bool
    critique_request: str | None
    revision_request: str | None
    comparison: str | None
    wording: int
    """Row id of what it says in this version."""
    wordings: tuple[int, ...]
    """Row ids of all that it ever said in this constitution."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """Sums over a principle's rounds of critique and revision."""

    drawn: int = 0
    """All of them."""
    seen: int = 0
    """How many, the newest, the sums below are over."""
    measured: int = 0
    found: int = 0
    """Critiques that name something to mend."""
    clear: int = 0
    """Critiques that do not. Of the other measured rounds there is no critique, or it cannot be told."""
    unchanged: int = 0
    changed: float = 0.0
    """Sum of the shares of words that revisions changed."""
    changed_squares: float = 0.0
    longer: float = 0.0
    """Sum of how many words longer revisions are."""
    longer_squares: float = 0.0


@dataclass(frozen=True, slots=True)
class Labels:
    """Sums over a principle's labels."""

    drawn: int = 0
    """All of them."""
    seen: int = 0
    """How many, the newest, the sums below are over."""
    labelled: int = 0
    """Those with a p_a; of the others nothing could be told."""
    prefers_a: int = 0
    prefers_b: int = 0
    p_a: float = 0.0
    disagree: int = 0
    """Labelled, and the two orders prefer different responses."""


Sums = TypeVar("Sums", Rounds, Labels)


@dataclass(frozen=True, slots=True)
class Record:
    """What a principle did."""

    rounds: Rounds
    labels: Labels


@dataclass(frozen=True, slots=True)
class Split:
    """How a principle's newest labels fall."""

    states: Mapping[str, int]
    bins: tuple[int, ...]
    """Labels by p_a, in steps of 1 / BINS from 0 to 1."""


def principles_of(session: Session, version_id: int) -> list[PlacedPrinciple]:
    """A version's principles in order, each with all that it ever said in this constitution."""
    chosen = select(VersionPrincipleRow).where(VersionPrincipleRow.version_id == version_id)
    chosen = chosen.order_by(VersionPrincipleRow.position).options(joinedload(VersionPrincipleRow.principle))
    places = session.scalars(chosen).all()
    wordings = _wordings(session, version_id, [place.principle.slug for place in places])
    return [_placed(place, place.principle, wordings[place.principle.slug]) for place in places]


def _placed(place: VersionPrincipleRow, row: PrincipleRow, wordings: Sequence[int]) -> PlacedPrinciple:
    return PlacedPrinciple(
        row.slug,
        row.title,
        row.kind,
        tuple(row.tags),
        place.weight,
        place.enabled,
        row.critique_request,
        row.revision_request,
        row.comparison,
        row.id,
        tuple(wordings),
    )


def _wordings(session: Session, version_id: int, slugs: Sequence[str]) -> dict[str, list[int]]:
    """Row ids of what is said under each id in any version of the same constitution."""
    own = select(ConstitutionVersionRow.constitution_id).where(ConstitutionVersionRow.id == version_id)
    said = (
        select(PrincipleRow.slug, PrincipleRow.id)
        .join(VersionPrincipleRow, VersionPrincipleRow.principle_id == PrincipleRow.id)
        .join(ConstitutionVersionRow, ConstitutionVersionRow.id == VersionPrincipleRow.version_id)
        .where(ConstitutionVersionRow.constitution_id == own.scalar_subquery(), PrincipleRow.slug.in_(slugs))
        .distinct()
        .order_by(PrincipleRow.id)
    )
    found: dict[str, list[int]] = {}
    for slug, row_id in session.execute(said):
        found.setdefault(slug, []).append(row_id)
    return found


def records(session: Session, wordings: Mapping[str, Sequence[int]], budget: int = BUDGET) -> dict[str, Record]:
    """The record of each principle, given the row ids of the wordings that count as it.

    At most `budget` rounds and as many labels are summed up, the same number of the newest for each wording.
    """
    ids = [row_id for rows in wordings.values() for row_id in rows]
    rounds, labels = _drawn(session, RevisionRow.principle_id, ids), _drawn(session, LabelRow.principle_id, ids)
    own = {row_id: _rounds(session, row_id, n, budget // len(rounds)) for row_id, n in rounds.items()}
    said = {row_id: _labels(session, row_id, n, budget // len(labels)) for row_id, n in labels.items()}
    return {
        slug: Record(
            _sum(Rounds(), [own[row_id] for row_id in rows if row_id in own]),
            _sum(Labels(), [said[row_id] for row_id in rows if row_id in said]),
        )
        for slug, rows in wordings.items()
    }


def _drawn(session: Session, column: InstrumentedAttribute[int], ids: Sequence[int]) -> dict[int, int]:
    """How many rows each wording has; nothing of those that have none."""
    rows = select(column, func.count()).where(column.in_(ids)).group_by(column)
    return {row_id: count for row_id, count in session.execute(rows)}  # noqa: C416 - a Result of rows, not of tuples


def _rounds(session: Session, wording: int, drawn: int, most: int) -> Rounds:
    rows = select(RevisionRow.found, RevisionRow.changed, RevisionRow.longer)
    one = rows.where(RevisionRow.principle_id == wording).order_by(RevisionRow.id.desc()).limit(most).subquery().c
    sums = select(
        func.count(),
        func.count(one.changed),
        func.count().filter(one.found),
        func.count().filter(~one.found),
        func.count().filter(one.changed == 0),
        _total(one.changed),
        _total(one.changed * one.changed),
        _total(one.longer),
        _total(one.longer * one.longer),
    )
    return Rounds(drawn, *session.execute(sums).one())


def _total(values: ColumnElement[Any]) -> ColumnElement[float]:
    """Their sum; 0 of none."""
    return func.coalesce(func.sum(values), 0.0)


def _labels(session: Session, wording: int, drawn: int, most: int) -> Labels:
    rows = select(LabelRow.p_a, LabelRow.order_disagrees)
    one = rows.where(LabelRow.principle_id == wording).order_by(LabelRow.id.desc()).limit(most).subquery().c
    sums = select(
        func.count(),
        func.count(one.p_a),
        func.count().filter(one.p_a > 0.5),
        func.count().filter(one.p_a < 0.5),
        _total(one.p_a),
        func.count().filter(one.order_disagrees, one.p_a.is_not(None)),
    )
    return Labels(drawn, *session.execute(sums).one())


def _sum(zero: Sums, parts: Sequence[Sums]) -> Sums:
    """Field by field."""
    return type(zero)(*(sum(getattr(part, field.name) for part in (zero, *parts)) for field in fields(zero)))


def label_split(session: Session, wordings: Sequence[int], most: int = BUDGET) -> Split:
    """The states and the histogram of the newest labels of each wording."""
    states: dict[str, int] = {}
    bins = [0] * BINS
    for wording in wordings:
        rows = select(LabelRow.state, LabelRow.p_a).where(LabelRow.principle_id == wording)
        one = rows.order_by(LabelRow.id.desc()).limit(most // len(wordings)).subquery().c
        place = cast(one.p_a * BINS, Integer)
        for state, bin_, count in session.execute(select(one.state, place, func.count()).group_by(one.state, place)):
            states[state] = states.get(state, 0) + count
            if bin_ is not None:
                bins[min(bin_, BINS - 1)] += count
    return Split(states, tuple(bins))
