"""Constitutions: immutable versions of a name; principles shared by content."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cai_core.constitution.diff import Change, diff_constitutions
from cai_core.constitution.load import constitution_hash
from cai_core.errors import ConstitutionError
from cai_core.types import Constitution, FewShots, Principle, PrincipleKind
from db.schema import ConstitutionRow, ConstitutionVersionRow, PrincipleRow, VersionPrincipleRow

_FEW_SHOTS = TypeAdapter(FewShots)
_REF = re.compile(r"(?P<name>.+?)(@(?P<number>\d{1,9}))?")


def save_version(
    session: Session, constitution: Constitution, *, author: str, message: str, base: str | None = None
) -> int:
    """Save as the name's next version and return the version's row id; the newest's if it says the same.

    `base` is the version that was edited, 'name@3'. Given, it must be the newest of the name that is saved to, or the
    name must be free: else somebody's work would be undone unseen. A file is saved without one: it is meant as it is.
    """
    row = session.scalar(select(ConstitutionRow).where(ConstitutionRow.name == constitution.name))
    if row is None:
        row = ConstitutionRow(name=constitution.name)
        session.add(row)
        session.flush()
    newest = _newest(session, row.id)
    digest = constitution_hash(constitution)
    if newest is not None and newest.hash == digest:
        return newest.id
    if newest is not None and base is not None:
        _check_base(session, newest, base)
    version = ConstitutionVersionRow(
        constitution_id=row.id,
        number=1 if newest is None else newest.number + 1,
        description=constitution.description,
        few_shots=few_shots_to_json(constitution.few_shots),
        hash=digest,
        author=author,
        message=message,
    )
    session.add(version)
    session.flush()
    _place_principles(session, version.id, constitution.principles)
    return version.id


def newest_ref(session: Session, name: str) -> str | None:
    """'name@3' of the newest version; None where no constitution has the name."""
    number = session.scalar(
        select(func.max(ConstitutionVersionRow.number)).join(ConstitutionRow).where(ConstitutionRow.name == name)
    )
    return None if number is None else f"{name}@{number}"


def _check_base(session: Session, newest: ConstitutionVersionRow, base: str) -> None:
    name = newest.constitution.name
    found = f"{name}@{newest.number}"
    if base == found:
        return
    if base.rpartition("@")[0] != name:
        raise ConstitutionError(
            f"there is a constitution {name!r} already, and these edits began from {base}. Save them under a name "
            f"that is free, or open {found} and make them there."
        )
    why = f" ({newest.message})" if newest.message else ""
    raise ConstitutionError(
        f"{name} has gone on since {base}: {newest.author or 'somebody'} saved {found}{why}, which differs in "
        f"{_differs(session, base, newest)}. Saving now would undo that. Save these edits under another name, or open "
        f"{found} and make them there."
    )


def _differs(session: Session, base: str, newest: ConstitutionVersionRow) -> str:
    """'privacy (changed), brevity (added)'."""
    changes = diff_constitutions(to_noun(version_row(session, base)), to_noun(newest)).principles
    named = [f"{one.id} ({one.change})" for one in changes if one.change is not Change.SAME]
    return ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "") or "order or few-shots"


def few_shots_to_json(few_shots: FewShots) -> dict[str, Any]:
    """Few-shots as plain JSON values."""
    values: dict[str, Any] = _FEW_SHOTS.dump_python(few_shots, mode="json")
    return values


def _newest(session: Session, constitution_id: int) -> ConstitutionVersionRow | None:
    return session.scalar(
        select(ConstitutionVersionRow)
        .where(ConstitutionVersionRow.constitution_id == constitution_id)
        .order_by(ConstitutionVersionRow.number.desc())
        .limit(1)
    )


def _place_principles(session: Session, version_id: int, principles: Iterable[Principle]) -> None:
    for position, principle in enumerate(principles):
        session.add(
            VersionPrincipleRow(
                version_id=version_id,
                position=position,
                principle_id=principle_row(session, principle).id,
                weight=principle.weight,
                enabled=principle.enabled,
            )
        )
    session.flush()


def principle_row(session: Session, principle: Principle) -> PrincipleRow:
    """The row of a principle that says the same; made where there is none, in a version or not."""
    row = session.scalar(select(PrincipleRow).where(PrincipleRow.uid == principle.uid))
    if row is None:
        row = PrincipleRow(
            uid=principle.uid,
            slug=principle.id,
            title=principle.title,
            kind=principle.kind.value,
            tags=list(principle.tags),
            critique_request=principle.critique_request,
            revision_request=principle.revision_request,
            comparison=principle.comparison,
        )
        session.add(row)
        session.flush()
    return row


def version_row(session: Session, ref: str) -> ConstitutionVersionRow:
    """The version that 'name' (its newest) or 'name@3' means."""
    match = _REF.fullmatch(ref)
    name, number = (match["name"], match["number"]) if match else (ref, None)
    chosen = select(ConstitutionVersionRow).join(ConstitutionRow).where(ConstitutionRow.name == name)
    if number is not None:
        chosen = chosen.where(ConstitutionVersionRow.number == int(number))
    row = session.scalar(chosen.order_by(ConstitutionVersionRow.number.desc()).limit(1))
    if row is None:
        raise ConstitutionError(_missing(session, ref))
    return row


def _missing(session: Session, ref: str) -> str:
    newest = (
        select(ConstitutionRow.name, func.max(ConstitutionVersionRow.number))
        .join(ConstitutionVersionRow)
        .group_by(ConstitutionRow.name)
        .order_by(ConstitutionRow.name)
    )
    known = ", ".join(f"{name}@{number}" for name, number in session.execute(newest)) or "none"
    return (
        f"there is no constitution {ref!r} in this workspace. The newest versions are: {known}. Use one of them, or "
        "save yours with `cai-studio constitution save FILE`."
    )


def newest_versions(session: Session) -> list[dict[str, Any]]:
    """The newest version of each constitution, as plain values for the command line."""
    rows = []
    for constitution in session.scalars(select(ConstitutionRow).order_by(ConstitutionRow.name)):
        if (row := _newest(session, constitution.id)) is not None:
            values = {"author": row.author, "message": row.message, "saved": row.created_at.isoformat(" ", "minutes")}
            rows.append({"ref": f"{constitution.name}@{row.number}", "principles": len(row.principles), **values})
    return rows


def load_version(session: Session, ref: str) -> tuple[int, Constitution]:
    """Row id and content of the version that 'name' or 'name@3' means."""
    row = version_row(session, ref)
    return row.id, to_noun(row)


def load_version_id(session: Session, version_id: int) -> Constitution:
    """A version by its row id, as a run keeps it."""
    row = session.get(ConstitutionVersionRow, version_id)
    if row is None:
        raise ConstitutionError(f"there is no constitution version with id {version_id} in this workspace.")
    return to_noun(row)


def to_noun(row: ConstitutionVersionRow) -> Constitution:
    """A version's row as a noun."""
    return Constitution(
        name=row.constitution.name,
        description=row.description,
        principles=tuple(principle_to_noun(place.principle, place.weight, place.enabled) for place in row.principles),
        few_shots=_FEW_SHOTS.validate_python(row.few_shots),
    )


def principle_to_noun(row: PrincipleRow, weight: float = 1.0, enabled: bool = True) -> Principle:
    """A principle's row as a noun; weight and place belong to a version."""
    return Principle(
        id=row.slug,
        title=row.title,
        kind=PrincipleKind(row.kind),
        critique_request=row.critique_request,
        revision_request=row.revision_request,
        comparison=row.comparison,
        tags=tuple(row.tags),
        weight=weight,
        enabled=enabled,
    )


def principle_ids(session: Session, principles: Iterable[Principle]) -> dict[str, int]:
    """The row id of each principle, by uid."""
    uids = {principle.uid for principle in principles}
    found = session.execute(select(PrincipleRow.uid, PrincipleRow.id).where(PrincipleRow.uid.in_(uids)))
    return {uid: row_id for uid, row_id in found}  # noqa: C416 - a Result of rows, not of tuples
