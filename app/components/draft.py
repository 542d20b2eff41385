"""The unsaved constitution: held by the session, so that it outlives a page switch."""

from dataclasses import dataclass, replace

import streamlit as st

from app import state
from app.resources import workspace
from cai_core.constitution.diff import Change, ConstitutionDiff, diff_constitutions
from cai_core.constitution.load import check_constitution
from cai_core.store.constitutions import load_version, save_version, version_row
from cai_core.types import Constitution, Principle


@dataclass(frozen=True, slots=True)
class Draft:
    """An edited constitution and the version it started from."""

    base: str
    """'name@3'."""
    before: Constitution
    now: Constitution

    @property
    def changes(self) -> ConstitutionDiff:
        """What differs from the version it started from."""
        return diff_constitutions(self.before, self.now)


def current() -> Draft | None:
    """The draft, if anything is unsaved."""
    draft: Draft | None = st.session_state.get(state.DRAFT)
    return draft


def discard() -> None:
    """Forget the unsaved edits."""
    st.session_state.pop(state.DRAFT, None)


def put_principle(base: str, constitution: Constitution, old_id: str | None, principle: Principle) -> str:
    """Replace the principle of this id, or add one at the end; checked by all the rules of the format."""
    principles = list(constitution.principles)
    place = next((i for i, p in enumerate(principles) if p.id == old_id), None)
    if place is None:
        principles.append(principle)
    else:
        principles[place] = principle
    _keep(base, replace(constitution, principles=tuple(principles)))
    return f"{principle.title}: kept as an unsaved edit. Save a version when you are done."


def remove_principle(base: str, constitution: Constitution, principle_id: str) -> str:
    """Take a principle out."""
    left = tuple(p for p in constitution.principles if p.id != principle_id)
    _keep(base, replace(constitution, principles=left))
    return f"{principle_id}: taken out, not saved yet."


def _keep(base: str, now: Constitution) -> None:
    checked = check_constitution(now, where=now.name)
    draft = current()
    if draft is None or draft.base != base:
        with workspace().reading() as session:
            _, before = load_version(session, base)
        draft = Draft(base, before, before)
    st.session_state[state.DRAFT] = replace(draft, now=checked)


def save(name: str, author: str, message: str) -> str:
    """Save the draft as the next version of `name`; the edits are unsaved no longer."""
    draft = current()
    if draft is None:
        return "Nothing is unsaved."
    checked = check_constitution(replace(draft.now, name=name), where=name or "the name")
    with workspace().writing() as session:
        save_version(session, checked, author=author, message=message)
        number = version_row(session, name).number
    discard()
    return f"Saved as {name}@{number}."


def changes_in_words(changes: ConstitutionDiff) -> str:
    """'2 changed, 1 added'."""
    counts = {change: sum(p.change == change for p in changes.principles) for change in Change}
    parts = [f"{count} {change}" for change, count in counts.items() if count and change is not Change.SAME]
    return ", ".join(parts) or "nothing but order or description"
