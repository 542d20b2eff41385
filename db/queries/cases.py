"""Cases as their page lists them: what each came to in one run, and in another that it is compared with."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from db.queries.page import Page, beside, keyset
from db.queries.runs import turns_of
from db.schema import ConstitutionRow, ConstitutionVersionRow, PrincipleRow
from db.schema_authoring import CaseResultRow, CaseRow

CHANGED, NOT_RUN, RETIRED = "changed", "not_run", "retired"
"""What a filter may ask for beside a result's state."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases, beside which two runs."""

    constitution: str
    run: int | None = None
    before: int | None = None
    """The run that is compared with."""
    only: str | None = None
    """A result's state, or one of `CHANGED`, `NOT_RUN`, `RETIRED`; None: all that are not retired."""
    tried: bool = False
    """Those that the run has tried, retired ones too."""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list."""

    id: int
    kind: str
    prompt: str
    """The last user's turn."""
    principle: str | None
    """Slug of the one it is about, else of the one that was drawn."""
    hope: str
    preferred: str | None
    retired: bool
    state: str | None
    """None: the run has not tried it."""
    before: str | None
    p_a: float | None
    why: str | None
    """What hindered it, or why nothing could be told."""

    @property
    def p_hoped(self) -> float | None:
        """The probability of what is hoped for."""
        return None if self.p_a is None else 1 - self.p_a if self.preferred == "b" else self.p_a


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """What the cases of a constitution came to."""

    cases: int
    states: dict[str, int]
    """By result's state; cases without a result are not in it."""
    changed: int
    """Another state than before."""
    broke: int
    """From pass to fail."""
    mended: int
    """From fail to pass."""

    @property
    def not_run(self) -> int:
        """Cases without a result."""
        return self.cases - sum(self.states.values())


def names_with_cases(session: Session) -> list[str]:
    """Names of the constitutions that have a version or a case, in order."""
    versions = select(ConstitutionVersionRow.constitution_id).distinct()
    cases = select(CaseRow.constitution_id).distinct()
    chosen = select(ConstitutionRow.name).where(or_(ConstitutionRow.id.in_(versions), ConstitutionRow.id.in_(cases)))
    return list(session.scalars(chosen.order_by(ConstitutionRow.name)))


def version_numbers(session: Session, name: str) -> list[int]:
    """Numbers of a constitution's versions, the newest first."""
    chosen = select(ConstitutionVersionRow.number).join(ConstitutionRow).where(ConstitutionRow.name == name)
    return list(session.scalars(chosen.order_by(ConstitutionVersionRow.number.desc())))


def principle_slugs(session: Session, name: str, number: int) -> list[str]:
    """Ids of a version's principles, in its order."""
    version = (
        select(ConstitutionVersionRow)
        .join(ConstitutionRow)
        .where(ConstitutionRow.name == name, ConstitutionVersionRow.number == number)
    )
    found = session.scalar(version)
    return [] if found is None else [place.principle.slug for place in found.principles]


NOW, BEFORE = aliased(CaseResultRow, name="now_result"), aliased(CaseResultRow, name="before_result")


def _chosen(rows: Select[*tuple[Any, ...]], wanted: CaseFilter) -> Select[*tuple[Any, ...]]:
    rows = rows.select_from(CaseRow).join(ConstitutionRow, ConstitutionRow.id == CaseRow.constitution_id)
    rows = rows.outerjoin(NOW, and_(NOW.case_id == CaseRow.id, NOW.run_id == wanted.run))
    rows = rows.outerjoin(BEFORE, and_(BEFORE.case_id == CaseRow.id, BEFORE.run_id == wanted.before))
    rows = rows.where(ConstitutionRow.name == wanted.constitution)
    if wanted.only == RETIRED:
        return rows.where(CaseRow.retired_at.is_not(None))
    rows = rows.where(NOW.id.is_not(None) if wanted.tried else CaseRow.retired_at.is_(None))
    if wanted.only == CHANGED:
        return rows.where(NOW.state != BEFORE.state)
    if wanted.only == NOT_RUN:
        return rows.where(NOW.id.is_(None))
    return rows.where(NOW.state == wanted.only) if wanted.only else rows


def case_page(session: Session, wanted: CaseFilter, after: int = 0) -> Page[CaseLine]:
    """The cases after an id that pass the filter."""
    rows = _chosen(select(CaseRow, PrincipleRow.slug, NOW.state, BEFORE.state, NOW.p_a, NOW.error), wanted)
    rows = rows.outerjoin(PrincipleRow, PrincipleRow.id == NOW.principle_id)
    found, more = keyset(session, rows, CaseRow.id, after)
    return Page(tuple(_line(*row) for row in found), more)


def _line(row: CaseRow, drawn: str | None, *found: Any) -> CaseLine:
    prompt, retired = turns_of(row.turns)[-1][1], row.retired_at is not None
    return CaseLine(row.id, row.kind, prompt, row.principle or drawn, row.hope, row.preferred, retired, *found)


def case_beside(session: Session, wanted: CaseFilter, here: int) -> tuple[int | None, int | None]:
    """The cases before and after this one that pass the filter."""
    return beside(session, _chosen(select(CaseRow.id), wanted), CaseRow.id, here)


def case_counts(session: Session, wanted: CaseFilter) -> CaseCounts:
    """What the cases came to, whichever of them the filter would show."""
    everything = CaseFilter(wanted.constitution, wanted.run, wanted.before, tried=wanted.tried)
    rows = _chosen(select(NOW.state, BEFORE.state, func.count()), everything).group_by(NOW.state, BEFORE.state)
    found = [(now, before, count) for now, before, count in session.execute(rows)]
    states: dict[str, int] = {}
    for now, _, count in found:
        if now is not None:
            states[now] = states.get(now, 0) + count
    turned = {(before, now): count for now, before, count in found if None not in (now, before) and now != before}
    return CaseCounts(
        sum(count for _, _, count in found),
        states,
        sum(turned.values()),
        turned.get(("pass", "fail"), 0),
        turned.get(("fail", "pass"), 0),
    )


def count_cases(session: Session, constitution: str) -> tuple[int, int]:
    """How many cases a constitution has, and how many more are retired."""
    retired = func.sum(case((CaseRow.retired_at.is_not(None), 1), else_=0))
    chosen = select(func.count(), retired).join(ConstitutionRow, ConstitutionRow.id == CaseRow.constitution_id)
    found = session.execute(chosen.where(ConstitutionRow.name == constitution)).one()
    every, gone = int(found[0]), int(found[1] or 0)
    return every - gone, gone
