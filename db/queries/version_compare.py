"""Comparisons of two versions as the page reads them: which there are, and what they found.

`before` and `after` are the two versions, A and B of the page.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from db.queries.runs import ACTIVE
from db.schema import ConstitutionRow, ConstitutionVersionRow, RunParentRow, RunRow

KINDS = ("chains", "labels")
LISTED = 50
"""Most past comparisons in the list."""
VERSIONS = 1000
"""Most versions that a select offers, the newest."""


@dataclass(frozen=True, slots=True)
class VersionRun:
    """A run under B, which recalls one under A."""

    id: int
    kind: str
    state: str
    former: int
    """The run under A."""
    former_state: str
    before: str
    after: str
    """'name@3'."""
    seed: int
    model: str
    created_at: datetime
    result: dict[str, Any]
    error: str | None

    @property
    def active(self) -> bool:
        """It, or the run that it waits for, is yet to end."""
        return self.state in ACTIVE

    @property
    def found(self) -> dict[str, Any] | None:
        """What it changed; None until it is done, and where it differs from A's in more than its constitution."""
        found: dict[str, Any] | None = self.result.get("compared")
        return found


@dataclass(frozen=True, slots=True)
class PastComparison:
    """The chains and the labels of one comparison, where it has them."""

    chains: VersionRun | None
    labels: VersionRun | None

    @property
    def first(self) -> VersionRun:
        """Either of them."""
        found = self.chains or self.labels
        assert found is not None
        return found


def version_refs(session: Session) -> list[str]:
    """'name@3' of the versions, the newest constitution first, of each the newest version first."""
    newest = select(ConstitutionVersionRow.constitution_id, func.max(ConstitutionVersionRow.id).label("last")).group_by(
        ConstitutionVersionRow.constitution_id
    )
    last = newest.subquery()
    rows = (
        select(ConstitutionRow.name, ConstitutionVersionRow.number)
        .join(ConstitutionVersionRow, ConstitutionVersionRow.constitution_id == ConstitutionRow.id)
        .join(last, last.c.constitution_id == ConstitutionRow.id)
        .order_by(last.c.last.desc(), ConstitutionVersionRow.number.desc())
        .limit(VERSIONS)
    )
    return [f"{name}@{number}" for name, number in session.execute(rows)]


def past_comparisons(session: Session, limit: int = LISTED) -> list[PastComparison]:
    """The newest comparisons first, each with the chains and the labels that were enqueued together.

    Chains come before labels: those of the same versions and seed that no newer labels have taken are theirs.
    """
    found: list[PastComparison] = []
    for run in _runs(session, _version_runs().order_by(RunRow.id.desc()).limit(2 * limit)):
        takers = (at for at in reversed(range(len(found))) if run.kind == "chains" and _belongs(found[at], run))
        joined = next(takers, None)
        if joined is None:
            found.append(_with(NOTHING, run))
        else:
            found[joined] = _with(found[joined], run)
    return found[:limit]


def comparison_of(session: Session, run_id: int) -> PastComparison | None:
    """The comparison that a run under B belongs to; None if the run is none."""
    run = next(iter(_runs(session, _version_runs().where(RunRow.id == run_id))), None)
    if run is None:
        return None
    own = session.get_one(RunRow, run_id)
    other = "labels" if run.kind == "chains" else "chains"
    same = _version_runs().where(
        RunRow.kind == other, RunRow.seed == own.seed, RunRow.constitution_version_id == own.constitution_version_id
    )
    # Labels come after their chains; where none do, those of an earlier comparison were used again.
    wrong_side = RunRow.id > run_id if other == "chains" else RunRow.id < run_id
    near = _runs(session, same.order_by(wrong_side, func.abs(RunRow.id - run_id)).limit(LISTED))
    alone = _with(NOTHING, run)
    sibling = next((one for one in near if _belongs(alone, one)), None)
    return alone if sibling is None else _with(alone, sibling)


NOTHING = PastComparison(None, None)


def _with(one: PastComparison, run: VersionRun) -> PastComparison:
    return PastComparison(run, one.labels) if run.kind == "chains" else PastComparison(one.chains, run)


def _belongs(one: PastComparison, run: VersionRun) -> bool:
    own, missing = one.first, one.chains if run.kind == "chains" else one.labels
    return missing is None and (own.before, own.after, own.seed) == (run.before, run.after, run.seed)


def _version_runs() -> Select[RunRow, RunRow]:
    former = aliased(RunRow)
    return (
        select(RunRow, former)
        .join(RunParentRow, RunParentRow.run_id == RunRow.id)
        .join(former, and_(former.id == RunParentRow.parent_id, former.kind == RunRow.kind))
        .where(RunRow.kind.in_(KINDS))
    )


def _runs(session: Session, rows: Select[RunRow, RunRow]) -> list[VersionRun]:
    found: dict[int, VersionRun] = {}
    for run, former in session.execute(rows):
        if run.id in found and found[run.id].former > former.id:
            continue  # of several parents the newest is recalled
        found[run.id] = VersionRun(
            run.id,
            run.kind,
            run.state,
            former.id,
            former.state,
            str(former.config.get("constitution", "")),
            str(run.config.get("constitution", "")),
            run.seed,
            str(run.config.get("model", "")),
            run.created_at,
            dict(run.result),
            run.error,
        )
    return list(found.values())
