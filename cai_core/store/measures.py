"""Measuring chains that were saved before chains were measured, and looked at by gates, as they are saved."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import selectinload

from cai_core.chains.gates import chain_gates
from cai_core.chains.measures import measure
from cai_core.store import chains
from cai_core.store.workspace import Workspace
from cai_core.types import Gate
from db.schema_chains import ChainRow, RevisionRow

BATCH = 200
"""Chains a transaction."""
OnProgress = Callable[[int, int], None]
"""(chains measured, chains to measure)."""
_UNMEASURED = or_(
    ChainRow.gates.is_(None) & ChainRow.response.is_not(None),
    ChainRow.revisions.any(RevisionRow.changed.is_(None) | RevisionRow.revision_gates.is_(None)),
)


def measure_missing(workspace: Workspace, on_progress: OnProgress | None = None) -> int:
    """Measure every chain that is not measured whole; answers how many were.

    Each batch is a transaction of its own: what is cut short goes on where it was. A chain without a response, or
    without one of its rounds, stays unmeasured. Where an older version kept only that one of a round's two texts was
    cut, it is taken to be the revision.
    """
    measurable = ChainRow.response.is_not(None) & _UNMEASURED
    with workspace.reading() as session:
        total = session.scalar(select(func.count()).select_from(ChainRow).where(measurable)) or 0
    last = done = 0
    while found := _batch(workspace, last):
        last = found[-1].id
        batch = [_measured(row) for row in found if [one.round for one in row.revisions] == _numbers(row)]
        with workspace.writing() as session:
            if batch:
                session.execute(update(ChainRow), [chain for chain, _ in batch])
            if revisions := [row for _, rows in batch for row in rows]:
                session.execute(update(RevisionRow), revisions)
        done += len(batch)
        if on_progress is not None:
            on_progress(done, total)
    return done


def _batch(workspace: Workspace, after: int) -> list[ChainRow]:
    """The next unmeasured chains."""
    whole = selectinload(ChainRow.revisions).selectinload(RevisionRow.principle)
    rows = (
        select(ChainRow)
        .where(ChainRow.id > after, ChainRow.response.is_not(None), _UNMEASURED)
        .order_by(ChainRow.id)
        .limit(BATCH)
        .options(selectinload(ChainRow.prompt), whole)
    )
    with workspace.reading() as session:
        return list(session.scalars(rows))


def _numbers(row: ChainRow) -> list[int]:
    return list(range(1, len(row.revisions) + 1))


def _measured(row: ChainRow) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What is to be written of a chain, and of each of its rounds."""
    chain = chains.to_noun(row)
    found = chain_gates(chain)
    revisions, before = [], row.response or ""
    for one, (critique, revised) in zip(row.revisions, found.rounds, strict=True):
        told = measure(before, one.critique, one.revision)
        values = {"found": told.found, "changed": told.changed, "longer": told.longer}
        revisions.append({"id": one.id, **values, "critique_gates": _bits(critique), "revision_gates": int(revised)})
        before = one.revision
    return {"id": row.id, **chains.facts_of(chain, found)}, revisions


def _bits(gates: Gate | None) -> int | None:
    return None if gates is None else int(gates)
