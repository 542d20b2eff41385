"""What is unsaved and the form that saves it; what earlier versions changed."""

from collections.abc import Sequence

import streamlit as st

from app.components import draft
from app.components.notice import act
from app.components.text import caption, chips
from app.components.word_diff import show_diff
from app.resources import workspace
from cai_core.constitution.diff import Change, ConstitutionDiff, diff_constitutions
from cai_core.store.constitutions import load_version_id
from db.queries.constitutions import VersionLine


def unsaved(edits: draft.Draft) -> None:
    """The unsaved edits, and how to keep or give them up."""
    with st.container(border=True):
        words = draft.changes_in_words(edits.changes)
        chips([("unsaved edits", "orange")], title=edits.now.name, note=f"since {edits.base}: {words}")
        with st.form("version", border=False):
            name, author, message = st.columns([2, 2, 5])
            name.text_input(
                "Save as",
                edits.now.name,
                key="version.name",
                persist_state="session",
                help="Another name makes another constitution.",
            )
            author.text_input("Author", key="version.author", persist_state="session")
            message.text_input("What changed and why", key="version.message", persist_state="session")
            with st.container(horizontal=True):
                st.form_submit_button("Save version", type="primary", icon=":material/save:", on_click=_save)
                st.form_submit_button("Discard edits", icon=":material/undo:", on_click=draft.discard)


def _save() -> None:
    words = [str(st.session_state.get(f"version.{name}") or "").strip() for name in ("name", "author", "message")]
    act(draft.save, *words)


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
