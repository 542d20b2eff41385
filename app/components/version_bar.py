"""What is unsaved and the form that saves it; what earlier versions changed."""

from collections.abc import Sequence

import streamlit as st

from app.components import draft
from app.components.notice import act
from app.components.principle_form import move_forms
from app.components.text import caption, chips
from app.components.version_choice import choose
from app.components.word_diff import show_diff
from app.resources import workspace
from cai_core.constitution.diff import Change, ConstitutionDiff, diff_constitutions
from cai_core.store.constitutions import load_version_id
from db.queries.constitutions import VersionLine


def unsaved(edits: draft.Draft) -> None:
    """The unsaved edits, and how to keep or give them up."""
    base = edits.base
    with st.container(border=True):
        words = draft.changes_in_words(edits.changes)
        chips([("unsaved edits", "orange")], title=edits.now.name, note=f"since {base}: {words}")
        name, author, message = st.columns([2, 2, 5])
        # The version is in the keys: the name typed for one constitution must never be offered for another.
        name.text_input(
            "Save as",
            edits.now.name,
            key=_key("name", base),
            persist_state="session",
            help="Another name makes another constitution.",
        )
        author.text_input("Author", key="version.author", persist_state="session")
        message.text_input("What changed and why", key=_key("message", base), persist_state="session")
        with st.container(horizontal=True):
            st.button("Save version", type="primary", icon=":material/save:", on_click=act, args=(_save, base))
            st.button("Discard edits", icon=":material/undo:", on_click=_discard, args=(base,))


def elsewhere(shown: str) -> None:
    """The unsaved edits of versions that are not shown, each with the way to it."""
    for base in draft.drafts():
        if base != shown:
            with st.container(horizontal=True, vertical_alignment="center"):
                chips([("unsaved edits", "orange")], note=f"of {base} too", width="content")
                st.button("Show them", type="tertiary", key=f"version.show.{base}", on_click=choose, args=(base,))


def _key(field: str, base: str) -> str:
    return f"version.{field}.{base}"


def _forget(base: str) -> None:
    for field in ("name", "message"):
        st.session_state.pop(_key(field, base), None)


def _discard(base: str) -> None:
    draft.discard(base)
    _forget(base)


def _save(base: str) -> str:
    if base not in draft.drafts():
        return f"Nothing of {base} is unsaved."
    keys = (_key("name", base), "version.author", _key("message", base))
    saved, new = draft.save(base, *(str(st.session_state.get(key) or "").strip() for key in keys))
    _forget(base)
    move_forms(base, saved)
    choose(saved)
    return f"Saved as {saved}." if new else f"Nothing changed: {saved} says the same already. No version was saved."


def history(lines: Sequence[VersionLine]) -> None:
    """Each version with its author and message, and what it changed."""
    for line, earlier in zip(lines, [*lines[1:], None], strict=True):
        with st.container(border=True):
            note = f"{line.author} · {line.created_at:%Y-%m-%d %H:%M} · {line.principles} principles"
            used = [(f"{line.runs} runs", "green")] if line.runs else []
            chips([(line.message, "grey"), *used] if line.message else used, title=line.name, note=note)
            if earlier is None:
                caption("The first version.")
            else:
                _changes(earlier, line)


def _changes(earlier: VersionLine, line: VersionLine) -> None:
    with workspace().reading() as session:
        changes = diff_constitutions(load_version_id(session, earlier.id), load_version_id(session, line.id))
    show_changes(changes)


def show_changes(changes: ConstitutionDiff) -> None:
    """Every principle that differs, its texts as word diffs."""
    tints = {Change.ADDED: "green", Change.REMOVED: "red", Change.CHANGED: "blue"}
    for principle in changes.principles:
        if principle.change is Change.SAME:
            continue
        chips([(principle.change.value, tints[principle.change])], title=principle.id)
        for field in principle.fields:
            caption(field.name.replace("_", " ").capitalize())
            show_diff(str(field.before or ""), str(field.after or ""))
