"""Reviews as the pages read them: what stands on chains, and which chain is next in a queue."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from db.queries.chain_filter import ChainFilter, filtered
from db.schema_chains import ChainRow, ReviewRow

QUEUES = ("all", "unreviewed", "flagged", "gates", "changed", "random")
MOST_COUNTED = 10_000
"""More than this in a queue is not counted on."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a chain now."""

    person: int
    name: str
    verdict: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Queue:
    """An order to read chains in."""

    kind: str = "all"
    """One of `QUEUES`: by number; what `person` has no verdict on; flagged by anybody; with a gate hit; the most
    changed first; in an order drawn by `seed`."""
    person: int | None = None
    seed: int = 0


def standing(session: Session, chains: Sequence[int]) -> dict[int, list[Said]]:
    """What stands on these chains, by chain, in the order it was said."""
    rows = select(ReviewRow).where(ReviewRow.chain_id.in_(chains), ReviewRow.current, ReviewRow.verdict != "none")
    found: dict[int, list[Said]] = {}
    for row in session.scalars(rows.order_by(ReviewRow.id)):
        said = Said(row.person_id, row.name, row.verdict, row.note, row.created_at)
        found.setdefault(row.chain_id, []).append(said)
    return found


def reviewers(session: Session) -> list[str]:
    """The names that stand with verdicts."""
    return list(session.scalars(select(ReviewRow.name).where(ReviewRow.current).distinct().order_by(ReviewRow.name)))


def next_in(session: Session, wanted: ChainFilter, queue: Queue, here: int | None) -> int | None:
    """The chain after `here` in a queue (None: the first); None at its end.

    Unreviewed ones begin anew at the end, for those that were passed over are still to be read.
    """
    found = _step(session, wanted, queue, here, back=False)
    if found is None and queue.kind == "unreviewed" and here is not None:
        found = _step(session, wanted, queue, None, back=False)
        return None if found == here else found
    return found


def before_in(session: Session, wanted: ChainFilter, queue: Queue, here: int) -> int | None:
    """The chain before `here` in a queue; among unreviewed ones simply the chain before."""
    plain = replace(queue, kind="all") if queue.kind == "unreviewed" else queue
    return _step(session, wanted, plain, here, back=True)


def left_in(session: Session, wanted: ChainFilter, queue: Queue) -> int:
    """How many chains a queue holds, at most `MOST_COUNTED` + 1."""
    some = _rows(wanted, queue).limit(MOST_COUNTED + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _rows(wanted: ChainFilter, queue: Queue) -> Select[int]:
    rows = filtered(select(ChainRow.id), wanted)
    said = select(ReviewRow.chain_id).where(ReviewRow.current, ReviewRow.verdict != "none")
    if queue.kind == "unreviewed":
        return rows.where(ChainRow.id.not_in(said.where(ReviewRow.person_id == queue.person)))
    if queue.kind == "flagged":
        return rows.where(ChainRow.id.in_(said.where(ReviewRow.verdict == "flag")))
    if queue.kind == "gates":
        return rows.where(ChainRow.hits != 0)
    return rows.where(ChainRow.changed.is_not(None)) if queue.kind == "changed" else rows


def _step(session: Session, wanted: ChainFilter, queue: Queue, here: int | None, *, back: bool) -> int | None:
    keys, down = _keys(queue), back != (queue.kind == "changed")
    rows = _rows(wanted, queue)
    if here is not None:
        place = session.execute(select(*keys).where(ChainRow.id == here)).one_or_none()
        if place is None:
            return None
        rows = rows.where(_beyond(keys, place, down=down))
    order = [key.desc() if down else key.asc() for key in keys]
    return session.scalar(rows.order_by(*order).limit(1))


def _keys(queue: Queue) -> list[Any]:
    """What a queue is ordered by; no two chains have the same keys."""
    if queue.kind == "changed":
        return [ChainRow.changed, ChainRow.id]
    if queue.kind == "random":
        digest = hashlib.sha256(str(queue.seed).encode()).digest()
        # An odd factor shuffles all numbers below 2**32 without making two of them one.
        factor, shift = int.from_bytes(digest[:4], "big") >> 1 | 1, int.from_bytes(digest[4:8], "big")
        return [(ChainRow.id * factor + shift) % 2**32, ChainRow.id]
    return [ChainRow.id]


def _beyond(keys: Sequence[Any], place: Sequence[Any], *, down: bool) -> ColumnElement[bool]:
    """Behind a place in the order."""
    first, value = keys[0], place[0]
    past: ColumnElement[bool] = first < value if down else first > value
    return past if len(keys) == 1 else or_(past, and_(first == value, _beyond(keys[1:], place[1:], down=down)))
