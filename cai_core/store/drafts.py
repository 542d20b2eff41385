"""Drafts: unsaved edits, kept a field at a time in a transaction that reads what is there first.

So two tabs of one person that edit different fields both keep their edits, and a page that is gone has lost nothing.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from secrets import token_hex
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.constitution.load import check_constitution
from cai_core.errors import ConstitutionError
from cai_core.store import draft_content
from cai_core.store.constitutions import load_version, newest_ref, save_version, to_noun, version_row
from cai_core.store.draft_content import Content
from cai_core.types import SHOT_LISTS, ComparisonShot, Constitution, CritiqueRevisionShot, Draft, Place, Principle
from db.schema import ConstitutionVersionRow
from db.schema_authoring import DraftRow

EMPTY = Constitution("", "", ())
Shot = CritiqueRevisionShot | ComparisonShot


def get(session: Session, draft_id: int) -> Draft:
    """The draft; `ConstitutionError` where it is gone."""
    return _noun(_row(session, draft_id))


def find(session: Session, draft_id: int) -> Draft | None:
    """The draft, or None where it was saved or discarded."""
    row = session.get(DraftRow, draft_id)
    return None if row is None else _noun(row)


def of_person(session: Session, person_id: int) -> list[Draft]:
    """All that somebody has not saved, what was edited last first."""
    newest = select(DraftRow).where(DraftRow.person_id == person_id).order_by(DraftRow.updated_at.desc(), DraftRow.id)
    return [_noun(row) for row in session.scalars(newest)]


def on_page(session: Session, person_id: int, ref: str) -> Draft:
    """Somebody's draft of a version 'name' or 'name@3'; where there is none, what it would be: with 0 as its id."""
    row = version_row(session, ref)
    base = f"{row.constitution.name}@{row.number}"
    there = on_version(session, person_id, base)
    if there is not None:
        return get(session, there)
    draft = DraftRow(
        id=0, person_id=person_id, content=draft_content.content_of(to_noun(row)), revision=0, updated_at=row.created_at
    )
    return _noun(draft, row)


def on_version(session: Session, person_id: int, base: str) -> int | None:
    """The id of somebody's draft of a version 'name@3', if there is one."""
    version = version_row(session, base).id
    return session.scalar(
        select(DraftRow.id).where(DraftRow.person_id == person_id, DraftRow.base_version_id == version)
    )


def start(session: Session, person_id: int, *, base: str | None, content: Constitution | None = None) -> int:
    """Begin a draft of a version 'name@3', or of a new constitution (None), and answer its id.

    A draft that the person has of that version already is gone on with. `content` is what it says at first, else what
    the version says; it is refused where it would write over that draft.
    """
    if base is None:
        return _add(session, person_id, None, content or EMPTY)
    row = version_row(session, base)
    there = on_version(session, person_id, base)
    if there is None:
        return _add(session, person_id, row.id, content or to_noun(row))
    if content is not None and get(session, there).now != content:
        raise ConstitutionError(
            f"you have unsaved edits of {base} already (draft {there}), which this would write over. Save or discard "
            "them first."
        )
    return there


def resume(session: Session, shown: Draft) -> int:
    """The draft as it was shown, begun again where it is gone meanwhile: saved or discarded in another tab."""
    if session.get(DraftRow, shown.id) is not None:
        return shown.id
    if shown.base is not None and (there := on_version(session, shown.person_id, shown.base)) is not None:
        return there
    version = None if shown.base is None else version_row(session, shown.base).id
    row = DraftRow(person_id=shown.person_id, base_version_id=version, content=_content_of(shown))
    session.add(row)
    session.flush()
    return row.id


def _content_of(shown: Draft) -> Content:
    values = {**draft_content.content_of(shown.now), "message": shown.message}
    for name, keys in (("principles", shown.keys), *shown.shot_keys.items()):
        for entry, key in zip(values[name], keys, strict=True):
            entry["key"] = key
    return values


def put_field(session: Session, draft_id: int, place: Place | None, field: str, value: Any) -> None:
    """Set a field of an entry, or with no place the name, the description or the message."""
    _edit(session, draft_id, lambda values: draft_content.put(values, place, field, value))


def put_turn(session: Session, draft_id: int, place: Place, number: int, text: str) -> None:
    """Set what is said in a few-shot's turn, counted from 0."""
    _edit(session, draft_id, lambda values: draft_content.put_turn(values, place, number, text))


def add_turns(session: Session, draft_id: int, place: Place, count: int) -> None:
    """Let a few-shot's conversation go on by two turns, once: until it has `count`."""
    _edit(session, draft_id, lambda values: draft_content.add_turns(values, place, count))


def drop_turns(session: Session, draft_id: int, place: Place, count: int) -> None:
    """Take a few-shot's last two turns, once: until it has `count`."""
    _edit(session, draft_id, lambda values: draft_content.drop_turns(values, place, count))


def place_system(session: Session, draft_id: int, place: Place, there: bool) -> None:
    """Begin a few-shot's conversation with a system turn, or take it out."""
    _edit(session, draft_id, lambda values: draft_content.place_system(values, place, there))


def add_principle(
    session: Session, draft_id: int, principle: Principle, after: str | None = None, key: str = ""
) -> str:
    """Add a principle behind the one whose key is `after`, or at the end; answers its key. A given key adds once."""
    return _insert(session, draft_id, "principles", principle, after, key)


def add_shot(session: Session, draft_id: int, name: str, shot: Shot, after: str | None = None, key: str = "") -> str:
    """Add a few-shot to one of `SHOT_LISTS`; answers its key."""
    return _insert(session, draft_id, name, shot, after, key)


def duplicate(session: Session, draft_id: int, place: Place, key: str = "") -> str:
    """Add a copy behind an entry, a principle's under an id of its own; answers its key."""
    new = key or new_key()

    def copy(values: Content) -> None:
        entry = {**deepcopy(draft_content.entry_at(values, place)), "key": new}
        if place[0] == "principles":
            entry["id"] = draft_content.free_id(values, entry["id"])
        draft_content.insert(values, place[0], entry, place[1])

    _edit(session, draft_id, copy)
    return new


def move(session: Session, draft_id: int, place: Place, to: int) -> None:
    """Let an entry stand at this index of its list."""
    _edit(session, draft_id, lambda values: draft_content.move(values, place, to))


def remove(session: Session, draft_id: int, place: Place) -> None:
    """Take an entry out; it can be put back until the draft is saved."""
    _edit(session, draft_id, lambda values: draft_content.remove(values, place))


def put_back(session: Session, draft_id: int, place: Place) -> None:
    """Undo a removal."""
    _edit(session, draft_id, lambda values: draft_content.put_back(values, place))


def rebase(session: Session, draft_id: int, *, base: str, merged: Constitution) -> None:
    """Let a draft go on over another version, saying what was merged."""
    row = _row(session, draft_id)
    there = on_version(session, row.person_id, base)
    if there not in (None, draft_id):
        raise ConstitutionError(
            f"you have unsaved edits of {base} too (draft {there}). Save or discard those first, then merge these."
        )
    row.base_version_id = version_row(session, base).id
    session.flush()
    session.refresh(row, ["base_version"])
    _keep(session, row, {**draft_content.content_of(merged), "message": row.content["message"]})


def save(session: Session, draft_id: int, *, author: str, message: str, name: str = "") -> tuple[str, bool]:
    """Save a draft, perhaps under another name, as a version; answers 'name@4', and whether that is a new one.

    The draft is gone then. `ConstitutionError` where it cannot run, or where the name has gone on since its base.
    """
    row = _row(session, draft_id)
    draft = _noun(row)
    wanted = replace(draft.now, name=name or draft.now.name)
    checked = check_constitution(wanted, where=wanted.name.strip() or "the constitution without a name")
    newest = newest_ref(session, checked.name)
    if newest is not None and draft.base is None and load_version(session, newest)[1] != checked:
        raise ConstitutionError(
            f"there is a constitution {checked.name!r} already ({newest}), and this draft began as a new one. Save it "
            "under a name that is free, or merge the two."
        )
    save_version(session, checked, author=author, message=message, base=draft.base)
    session.delete(row)
    session.flush()
    saved = newest_ref(session, checked.name) or checked.name
    return saved, saved != newest


def in_the_way(session: Session, draft: Draft) -> str | None:
    """'name@4': the version that saving the draft under its name would undo; None where nothing is in the way."""
    newest = newest_ref(session, draft.now.name.strip())
    return None if newest == draft.base else newest


def discard(session: Session, draft_id: int) -> None:
    """Give the edits up; a draft that is gone is no error."""
    row = session.get(DraftRow, draft_id)
    if row is not None:
        session.delete(row)
        session.flush()


def _row(session: Session, draft_id: int) -> DraftRow:
    row = session.get(DraftRow, draft_id)
    if row is None:
        raise ConstitutionError(
            f"there is no draft {draft_id}: it was saved or discarded. Open the constitution again."
        )
    return row


def _noun(row: DraftRow, version: ConstitutionVersionRow | None = None) -> Draft:
    version = version or row.base_version
    return Draft(
        id=row.id,
        person_id=row.person_id,
        base=None if version is None else f"{version.constitution.name}@{version.number}",
        before=None if version is None else to_noun(version),
        now=draft_content.constitution_of(row.content),
        keys=draft_content.keys_of(row.content["principles"]),
        shot_keys={name: draft_content.keys_of(row.content[name]) for name in SHOT_LISTS},
        removed=draft_content.removed_of(row.content),
        revision=row.revision,
        updated_at=row.updated_at,
        message=row.content["message"],
    )


def _add(session: Session, person_id: int, version_id: int | None, says: Constitution) -> int:
    row = DraftRow(person_id=person_id, base_version_id=version_id, content=draft_content.content_of(says))
    session.add(row)
    session.flush()
    return row.id


def _insert(session: Session, draft_id: int, name: str, noun: Principle | Shot, after: str | None, key: str) -> str:
    new = key or new_key()
    _edit(session, draft_id, lambda values: draft_content.insert(values, name, draft_content.plain(noun, new), after))
    return new


def new_key() -> str:
    """A key for an entry to come; no id begins with a plus, so it is no version's."""
    return f"+{token_hex(4)}"


def _edit(session: Session, draft_id: int, change: Callable[[Content], None]) -> None:
    row = _row(session, draft_id)
    values = deepcopy(row.content)
    change(values)
    _keep(session, row, values)


def _keep(session: Session, row: DraftRow, values: Content) -> None:
    """Write the content; a draft that says what its base says, with nothing to put back, is none."""
    if values != row.content:
        row.content, row.revision = values, row.revision + 1
    base = row.base_version
    if base is not None and not values["removed"] and draft_content.constitution_of(values) == to_noun(base):
        session.delete(row)
    session.flush()
