"""People: whoever writes, known by a browser or by a login, and by the name that stands with versions."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.errors import PersonError
from db.schema_authoring import PersonRow

LONGEST_NAME = 80
_JOINERS = "\u200c\u200d"
"""Written inside words and emoji; no character of their own."""


def find(session: Session, key: str) -> int | None:
    """The id of the person with this key ('browser:...' or 'login:...'); None for a stranger."""
    return session.scalar(select(PersonRow.id).where(PersonRow.key == key))


def add(session: Session, key: str, name: str = "") -> int:
    """The id of the person with this key, who is added if need be; a name is given to one who has none."""
    row = session.scalar(select(PersonRow).where(PersonRow.key == key))
    if row is None:
        row = PersonRow(key=key)
        session.add(row)
    if name and not row.name:
        row.name = check_name(name)
    session.flush()
    return row.id


def name_of(session: Session, person_id: int) -> str:
    """The name as it stands with versions; empty: not asked yet."""
    return session.scalar(select(PersonRow.name).where(PersonRow.id == person_id)) or ""


def rename(session: Session, person_id: int, name: str) -> str:
    """Keep a person's name for what is saved from now on; answers it as it was kept."""
    row = session.get_one(PersonRow, person_id)
    row.name = check_name(name)
    session.flush()
    return row.name


def settings_of(session: Session, person_id: int) -> dict[str, Any]:
    """What a person chose for their own pages."""
    return dict(session.scalar(select(PersonRow.settings).where(PersonRow.id == person_id)) or {})


def keep_setting(session: Session, person_id: int, name: str, value: Any) -> None:
    """Keep a choice of a person's, a plain JSON value."""
    row = session.get_one(PersonRow, person_id)
    row.settings = {**row.settings, name: value}


def check_name(name: str) -> str:
    """The name without space around it: one line of 1 to 80 printable characters."""
    name = name.strip()
    if not name:
        raise PersonError("a name is wanted, to stand with the versions you save; write 1 to 80 characters.")
    if len(name) > LONGEST_NAME:
        raise PersonError(f"the name has {len(name)} characters; a name has 1 to {LONGEST_NAME}. Write a shorter one.")
    bad = next((one for one in name if not one.isprintable() and one not in _JOINERS), None)
    if bad is not None:
        raise PersonError(f"the name holds the unprintable character U+{ord(bad):04X}; write it on one line without.")
    return name
