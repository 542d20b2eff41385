"""Reviews: what people say of chains. Of each person at most one word stands on a chain; none is ever overwritten."""

from dataclasses import dataclass

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session, aliased

from cai_core.errors import PersonError, ReviewError
from cai_core.store import people
from cai_core.types import Verdict
from db.schema_chains import ChainRow, ReviewRow

LONGEST_NOTE = 10_000


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back."""

    chain: int
    verdict: Verdict
    """Taken back."""
    stands: Verdict
    """What stands again; `none`: nothing."""


def give(session: Session, chain_id: int, person_id: int, verdict: Verdict, note: str = "") -> bool:
    """Say a verdict; False, and nothing written, where the very same stands already.

    `none` takes back what stood. Raises `ReviewError` for a chain that is not there or a note that is too long,
    `PersonError` where the person has no name to stand with it.
    """
    if session.get(ChainRow, chain_id) is None:
        raise ReviewError(f"there is no chain {chain_id} in this workspace, so nothing can be said of it.")
    note = _check_note(note)
    before = standing(session, chain_id, person_id)
    if before is None and verdict is Verdict.NONE:
        return False
    if before is not None and (before.verdict, before.note) == (verdict.value, note):
        return False
    _enter(session, chain_id, person_id, verdict.value, note)
    return True


def undo(session: Session, person_id: int) -> Undone | None:
    """Take back the person's last word that is not taken back yet: what stood before it stands again.

    None where there is nothing to take back.
    """
    last = last_word(session, person_id)
    if last is None:
        return None
    earlier = _words(person_id).where(ReviewRow.chain_id == last.chain_id, ReviewRow.id < last.id)
    before = session.scalar(earlier.order_by(ReviewRow.id.desc()).limit(1))
    verdict, note = (Verdict.NONE.value, "") if before is None else (before.verdict, before.note)
    _enter(session, last.chain_id, person_id, verdict, note, undoes=last.id)
    return Undone(last.chain_id, Verdict(last.verdict), Verdict(verdict))


def last_word(session: Session, person_id: int) -> ReviewRow | None:
    """What the person said last and has not taken back; None: nothing."""
    return session.scalar(_words(person_id).order_by(ReviewRow.id.desc()).limit(1))


def _words(person_id: int) -> Select[ReviewRow]:
    """What a person said, without undos and what they took back."""
    taken = select(ReviewRow.undoes_id).where(ReviewRow.person_id == person_id, ReviewRow.undoes_id.is_not(None))
    own = (ReviewRow.person_id == person_id, ReviewRow.undoes_id.is_(None), ReviewRow.id.not_in(taken))
    return select(ReviewRow).where(*own)


def standing(session: Session, chain_id: int, person_id: int) -> ReviewRow | None:
    """What the person says of the chain now; None: nothing was ever said."""
    own = (ReviewRow.chain_id == chain_id, ReviewRow.person_id == person_id)
    return session.scalar(select(ReviewRow).where(*own, ReviewRow.current))


def confusions(session: Session) -> dict[tuple[str, str], dict[tuple[Verdict, Verdict], int]]:
    """Of every two people, in the order of their ids, how often they said what of the same chains."""
    one, other = aliased(ReviewRow), aliased(ReviewRow)
    said = (one.current, other.current, one.verdict != "none", other.verdict != "none")
    rows = select(one.person_id, other.person_id, one.verdict, other.verdict, one.chain_id).select_from(one)
    rows = rows.join(other, (other.chain_id == one.chain_id) & (other.person_id > one.person_id)).where(*said)
    found: dict[tuple[str, str], dict[tuple[Verdict, Verdict], int]] = {}
    names: dict[int, str] = {}
    for first, second, a, b, _ in session.execute(rows):
        for person in (first, second):
            if person not in names:
                names[person] = people.name_of(session, person) or f"person {person}"
        counts = found.setdefault((names[first], names[second]), {})
        both = (Verdict(a), Verdict(b))
        counts[both] = counts.get(both, 0) + 1
    return found


def _enter(session: Session, chain_id: int, person_id: int, verdict: str, note: str, undoes: int | None = None) -> None:
    name = people.name_of(session, person_id)
    if not name:
        raise PersonError("a name is wanted, to stand with what you say of chains. Write yours beside the verdicts.")
    own = (ReviewRow.chain_id == chain_id, ReviewRow.person_id == person_id)
    session.execute(update(ReviewRow).where(*own, ReviewRow.current).values(current=False))
    row = ReviewRow(chain_id=chain_id, person_id=person_id, name=name, verdict=verdict, note=note, undoes_id=undoes)
    session.add(row)
    session.flush()


def _check_note(note: str) -> str:
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise ReviewError(
            f"the note has {len(note)} characters; a note has at most {LONGEST_NOTE}. Write a shorter one."
        )
    if "\x00" in note:
        raise ReviewError("the note holds a NUL character, which no text has. Take it out.")
    return note
