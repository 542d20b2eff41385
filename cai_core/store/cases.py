"""Cases and their results: rows ↔ nouns.

A case never changes: its uid is a hash of all that it says. Another hope is another case, and the former one is
retired with its results, so that each result stays with what was asked. To say again what a retired case said brings
that case back, results and all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cai_core.constitution.schema import UNPRINTABLE, Name
from cai_core.errors import CaseError, ConstitutionError
from cai_core.store import prompts
from cai_core.types import Case, CaseKind, CaseResult, Message, Role, case_uid
from db.schema import ConstitutionRow, ConstitutionVersionRow, PrincipleRow, VersionPrincipleRow, now
from db.schema_authoring import OPTIONS, CaseResultRow, CaseRow

_NAME: TypeAdapter[str] = TypeAdapter(Name)


@dataclass(frozen=True, slots=True)
class Stored:
    """A case with the names it goes by."""

    id: int
    uid: str
    case: Case


def add(session: Session, constitution: str, case: Case, *, author: str, unsaved: bool = False) -> int:
    """Add a case and return its row id; the id of the same case where it is there already, brought back if retired.

    Raises `CaseError` for what is no case, `ConstitutionError` where no version of the constitution has its principle.
    `unsaved`: it is kept from a draft, so that neither the constitution nor the principle needs a version yet.
    """
    case = check_case(case)
    uid = case_uid(constitution, case)
    row = session.scalar(select(CaseRow).where(CaseRow.uid == uid))
    if row is None:
        owner = _owner(session, constitution, case, unsaved)
        row = CaseRow(uid=uid, constitution_id=owner.id, kind=case.kind.value, turns=prompts.turns_to_json(case.turns))
        row.principle, row.preferred, row.hope, row.author = case.principle, case.preferred, case.hope, author
        row.response_a, row.response_b = case.response_a, case.response_b
        session.add(row)
    row.retired_at = None
    session.flush()
    return row.id


def check_case(case: Case) -> Case:
    """The case, a blank hope taken for none; `CaseError` says what does not fit."""
    pair = case.kind is CaseKind.PAIR
    if not case.turns or case.turns[-1].role is not Role.USER or not case.turns[-1].content.strip():
        raise CaseError("a case needs a prompt: a conversation that ends with a user's turn. Write what is asked.")
    if pair and not ((case.response_a or "").strip() and (case.response_b or "").strip()):
        raise CaseError("a pair needs two responses, and one is empty. Write both.")
    if pair and case.response_a == case.response_b:
        raise CaseError("the two responses of a pair are the same text, so none can be preferred. Change one.")
    if pair and case.preferred not in OPTIONS:
        raise CaseError(f"preferred is {case.preferred!r}; say which response of the pair is hoped for: 'a' or 'b'.")
    if not pair and not case.response_a == case.response_b == case.preferred is None:
        raise CaseError(
            "a case with a prompt alone has no responses and none preferred. Leave them out, or make a pair."
        )
    texts = [turn.content for turn in case.turns] + [case.hope, case.principle, case.response_a, case.response_b]
    for text in texts:
        if found := UNPRINTABLE.search(text or ""):
            code = f"U+{ord(found.group()):04X}"
            raise CaseError(f"a text holds the unprintable character {code} at place {found.start() + 1}. Remove it.")
    return replace(case, hope=case.hope if case.hope.strip() else "", principle=case.principle or None)


def _owner(session: Session, name: str, case: Case, unsaved: bool) -> ConstitutionRow:
    row = session.scalar(select(ConstitutionRow).where(ConstitutionRow.name == name))
    if row is None and unsaved:
        try:
            row = ConstitutionRow(name=_NAME.validate_python(name))
        except ValidationError as error:
            raise ConstitutionError(f"{name!r} is no name of a constitution: {error.errors()[0]['msg']}.") from None
        session.add(row)
        session.flush()
    if row is None:
        raise ConstitutionError(f"there is no constitution {name!r} to keep a case of. Save a version of it first.")
    if case.principle is not None and not unsaved:
        _check_principle(session, row, case.principle)
    return row


def _check_principle(session: Session, owner: ConstitutionRow, slug: str) -> None:
    slugs = (
        select(PrincipleRow.slug)
        .join(VersionPrincipleRow, VersionPrincipleRow.principle_id == PrincipleRow.id)
        .join(ConstitutionVersionRow, ConstitutionVersionRow.id == VersionPrincipleRow.version_id)
        .where(ConstitutionVersionRow.constitution_id == owner.id)
    )
    if session.scalar(slugs.where(PrincipleRow.slug == slug).limit(1)) is None:
        known = ", ".join(session.scalars(slugs.distinct().order_by(PrincipleRow.slug).limit(20))) or "none"
        raise ConstitutionError(
            f"no version of {owner.name!r} has a principle {slug!r}. It has had: {known}. Name one of them, or none."
        )


def get(session: Session, case_id: int) -> CaseRow:
    """A case's row."""
    row = session.get(CaseRow, case_id)
    if row is None:
        raise CaseError(
            f"there is no case {case_id} in this workspace. `cai-studio cases list NAME` shows those there are."
        )
    return row


def change(session: Session, case_id: int, case: Case, *, author: str) -> int:
    """Let `case` take the place of a case, which is retired, and return its row id; the same id if it says the same."""
    row = get(session, case_id)
    # Its principle was let in with it, perhaps from a draft that was never saved.
    new = add(session, row.constitution.name, case, author=author, unsaved=case.principle == row.principle)
    if new != case_id:
        row.retired_at = row.retired_at or now()
        session.flush()
    return new


def retire(session: Session, case_id: int) -> None:
    """Run a case no more; its results stay."""
    row = get(session, case_id)
    row.retired_at = row.retired_at or now()
    session.flush()


def restore(session: Session, case_id: int) -> None:
    """Run a retired case again."""
    get(session, case_id).retired_at = None
    session.flush()


def to_noun(row: CaseRow) -> Case:
    """A row as a noun."""
    return Case(
        kind=CaseKind(row.kind),
        turns=tuple(Message(Role(turn["role"]), turn["content"]) for turn in row.turns),
        hope=row.hope,
        principle=row.principle,
        response_a=row.response_a,
        response_b=row.response_b,
        preferred=row.preferred,
    )


def ids_of(session: Session, constitution: str, *, retired: bool = False) -> list[int]:
    """Row ids of a constitution's cases, the oldest first; the `retired` ones with them, if so wanted."""
    chosen = select(CaseRow.id).join(CaseRow.constitution).where(ConstitutionRow.name == constitution)
    if not retired:
        chosen = chosen.where(CaseRow.retired_at.is_(None))
    return list(session.scalars(chosen.order_by(CaseRow.id)))


def asking(session: Session, constitution: str) -> Mapping[tuple[CaseKind, bool], int]:
    """How many cases that are not retired there are, by kind and whether there is a hope."""
    hoped = CaseRow.hope != ""
    chosen = select(CaseRow.kind, hoped, func.count()).join(CaseRow.constitution)
    chosen = chosen.where(ConstitutionRow.name == constitution, CaseRow.retired_at.is_(None))
    return {(CaseKind(kind), bool(h)): n for kind, h, n in session.execute(chosen.group_by(CaseRow.kind, hoped))}


def read(session: Session, ids: Sequence[int]) -> list[Stored]:
    """Cases by row id, in the order of the ids."""
    found = {row.id: row for row in session.scalars(select(CaseRow).where(CaseRow.id.in_(ids)))}
    return [Stored(i, found[i].uid, to_noun(found[i])) for i in ids]


def save_result(
    session: Session, run_id: int, case_id: int, result: CaseResult, principle_ids: Mapping[str, int]
) -> bool:
    """Save what a case came to; False, and nothing done, if the run already has it."""
    key = (CaseResultRow.run_id == run_id, CaseResultRow.case_id == case_id)
    if session.scalar(select(CaseResultRow.id).where(*key)) is not None:
        return False
    row = CaseResultRow(run_id=run_id, case_id=case_id, state=result.state.value)
    row.principle_id = None if result.principle is None else principle_ids[result.principle.uid]
    row.response, row.critique, row.revision = result.response, result.critique, result.revision
    row.p_a, row.order_disagrees, row.error = result.p_a, result.order_disagrees, result.error
    row.sent, row.orders = dict(result.sent), [_order(one) for one in result.orders]
    session.add(row)
    session.flush()
    return True


def _order(one: Any) -> dict[str, Any]:
    return {"order": one.order.value, "logprob_a": one.logprob_a, "logprob_b": one.logprob_b, "bounded": one.bounded}


def done_ids(session: Session, run_id: int) -> set[int]:
    """Cases that a run has tried, whatever they came to."""
    return set(session.scalars(select(CaseResultRow.case_id).where(CaseResultRow.run_id == run_id)))


def states(session: Session, run_id: int) -> dict[str, int]:
    """How many of a run's cases came to what."""
    counted = select(CaseResultRow.state, func.count()).where(CaseResultRow.run_id == run_id)
    return {state: count for state, count in session.execute(counted.group_by(CaseResultRow.state))}  # noqa: C416


def of_constitution(session: Session, constitution: str, *, retired: bool = False) -> Iterator[CaseRow]:
    """A constitution's cases, the oldest first."""
    chosen = select(CaseRow).join(CaseRow.constitution).where(ConstitutionRow.name == constitution)
    if not retired:
        chosen = chosen.where(CaseRow.retired_at.is_(None))
    yield from session.scalars(chosen.order_by(CaseRow.id).execution_options(yield_per=500))
