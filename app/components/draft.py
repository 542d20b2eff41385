"""The unsaved constitutions: held by the session, so that they outlive a page switch; one for each edited version."""

from dataclasses import dataclass, replace

import streamlit as st

from app import state
from app.resources import workspace
from cai_core.constitution.diff import Change, ConstitutionDiff, diff_constitutions
from cai_core.constitution.load import check_constitution
from cai_core.store.constitutions import load_version, newest_ref, save_version
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


def drafts() -> dict[str, Draft]:
    """All that is unsaved, by the version it started from."""
    kept: dict[str, Draft] = st.session_state.setdefault(state.DRAFTS, {})
    return kept


def discard(base: str) -> None:
    """Forget the unsaved edits of this version."""
    drafts().pop(base, None)


def put_principle(base: str, old_id: str | None, principle: Principle) -> str:
    """Replace the principle of this id, or add one at the end; checked by all the rules of the format."""
    principles = list(_newest(base).now.principles)
    place = next((i for i, p in enumerate(principles) if p.id == old_id), None)
    if place is None:
        principles.append(principle)
    else:
        principles[place] = principle
    if not _keep(base, principles):
        return f"{principle.title}: nothing differs from {base}."
    return f"{principle.title}: kept as an unsaved edit. Save a version when you are done."


def remove_principle(base: str, principle_id: str) -> str:
    """Take a principle out."""
    _keep(base, [p for p in _newest(base).now.principles if p.id != principle_id])
    return f"{principle_id}: taken out, not saved yet."


def _newest(base: str) -> Draft:
    # Read when it is needed, not when the button was drawn: a second press must not undo what the first one did.
    if base in drafts():
        return drafts()[base]
    with workspace().reading() as session:
        _, before = load_version(session, base)
    return Draft(base, before, before)


def _keep(base: str, principles: list[Principle]) -> bool:
    """Keep the edit; False where it leaves nothing that differs from the version."""
    draft = _newest(base)
    checked = check_constitution(replace(draft.now, principles=tuple(principles)), where=draft.now.name)
    edited = replace(draft, now=checked)
    if edited.changes.is_empty:
        discard(base)
        return False
    drafts()[base] = edited
    return True


def save(base: str, name: str, author: str, message: str) -> tuple[str, bool]:
    """Save a draft as the next version of `name`; answers 'name@n', and whether that is a new one."""
    draft = _newest(base)
    checked = check_constitution(replace(draft.now, name=name), where=name or "the name")
    with workspace().writing() as session:
        before = newest_ref(session, name)
        save_version(session, checked, author=author, message=message, base=base)
        saved = newest_ref(session, name) or name
    discard(base)
    return saved, saved != before


def changes_in_words(changes: ConstitutionDiff) -> str:
    """'2 changed, 1 added'."""
    counts = {change: sum(p.change == change for p in changes.principles) for change in Change}
    parts = [f"{count} {change}" for change, count in counts.items() if count and change is not Change.SAME]
    return ", ".join(parts) or "nothing but order or description"
