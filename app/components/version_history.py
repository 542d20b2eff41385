"""A constitution's versions: who, when, why, what each changed and what used it; any two compared, any one restored."""

from uuid import uuid4

import streamlit as st

from app.components.constitution_choice import go
from app.components.constitution_diff import chosen_diff, show_diff_of, version_diff
from app.components.notice import act, empty
from app.components.pager import page_start, pager
from app.components.run_badge import TITLES, state_badge
from app.components.text import caption, chips, inline, verbatim
from app.components.who import ask_name, keep_author
from app.resources import workspace
from cai_core.store.constitutions import load_version, newest_ref, save_version
from db.queries.version_history import (
    LISTED,
    Changed,
    HistoryEntry,
    RunUse,
    Used,
    history,
    newest_ask,
    newest_number,
    runs_of_version,
)

PAGE = "history"
HIGH = 780
"""Pixels of the list."""
RESTORING, TOKEN, WHY = "history.restoring", "history.token", "history.why"
"""The version that is about to be restored, 'name@2'; the next press; the words typed for it."""


def history_view(name: str) -> None:
    """The versions on the left, what differs between two of them on the right."""
    if not name:
        empty("No version yet", "This constitution is a draft: save it, and its history begins.")
        return
    with workspace().reading() as session:
        newest = newest_number(session, name)
        entries, more = history(session, name, page_start(PAGE, name))
    left, right = st.columns([5, 7], gap="medium")
    with left:
        shown = chosen_diff(name, newest)
        # It scrolls by itself, so that what a press shows on the right is in sight.
        with st.container(height=HIGH, border=False):
            for entry in entries:
                _card(entry, newest, shown)
        if entries:
            pager(PAGE, entries[-1].number, more)
    with right:
        _restore_form(name, newest)
        version_diff(name, newest)


def _card(entry: HistoryEntry, newest: int, shown: tuple[int, int]) -> None:
    """One version."""
    with st.container(border=True, key=f"version-{entry.number}", gap="xsmall"):
        labels = [("newest", "green")] if entry.number == newest else []
        labels += [("compared", "blue")] if entry.number in shown and shown[0] != shown[1] else []
        chips(labels, title=entry.name, note=f"{entry.author or 'nobody named'} · {entry.created_at:%Y-%m-%d %H:%M}")
        if entry.message:
            verbatim(entry.message)
        caption(f"{_count(entry.principles, 'principle')} · {_in_words(entry.changed)}")
        _buttons(entry, newest)
        if entry.used != Used():
            _used(entry)


def _in_words(changed: Changed | None) -> str:
    if changed is None:
        return "the first version"
    counts = ((changed.added, "added"), (changed.removed, "removed"), (changed.changed, "changed"))
    flags = (
        (changed.reordered, "reordered"),
        (changed.few_shots, "few-shots changed"),
        (changed.description, "description changed"),
    )
    parts = [f"{count} {word}" for count, word in counts if count] + [word for flag, word in flags if flag]
    return ", ".join(parts) or "nothing changed"


def _buttons(entry: HistoryEntry, newest: int) -> None:
    with st.container(horizontal=True, gap="small"):
        if entry.changed is not None:
            st.button(
                "What it changed",
                icon=":material/difference:",
                type="tertiary",
                key=f"history.diff.{entry.number}",
                on_click=show_diff_of,
                args=(entry.constitution, entry.number - 1, entry.number),
            )
        st.button(
            "Open",
            icon=":material/gavel:",
            type="tertiary",
            key=f"history.open.{entry.number}",
            on_click=_open,
            args=(entry.name,),
        )
        if entry.number != newest:
            st.button(
                "Restore",
                icon=":material/history:",
                type="tertiary",
                key=f"history.restore.{entry.number}",
                on_click=_begin_restoring,
                args=(entry.constitution, entry.number, newest),
            )


def _open(ref: str) -> None:
    go(version=ref)
    st.session_state["constitutions.view"] = "Principles"


def _used(entry: HistoryEntry) -> None:
    """The counts, and behind a press the runs themselves."""
    used = entry.used
    counts = ((used.runs, "run"), (used.chains, "chain"), (used.labels, "label"), (used.asks, "ask"))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        chips([(_count(count, unit), "violet") for count, unit in counts if count], width="content")
    opened = st.expander(
        "What used it", icon=":material/list_alt:", type="compact", key=f"history.used.{entry.id}", on_change="rerun"
    )
    if opened.open:
        with opened:
            _uses(entry)


def _uses(entry: HistoryEntry) -> None:
    with workspace().reading() as session:
        runs, ask = runs_of_version(session, entry.id), newest_ask(session, entry.id)
    for run in runs:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _run(run)
    if entry.used.runs > LISTED:
        caption(f"and {entry.used.runs - LISTED} runs before these.")
    if ask is not None:
        query = {"ask": f"{ask:d}"}
        st.page_link("views/playground.py", label=f"Ask {ask:d}", icon=":material/forum:", query_params=query)
        if entry.used.asks > 1:
            caption(f"and {_count(entry.used.asks - 1, 'ask')} before it.")


def _run(run: RunUse) -> None:
    query = {"run": f"{run.id:d}"}
    st.page_link("views/runs.py", label=f"Run {run.id:d}", icon=":material/list_alt:", query_params=query)
    inline(TITLES.get(run.kind, run.kind))
    if run.state != "done":
        state_badge(run.state)
    if run.kind == "chains" and run.rows:
        st.page_link("views/chains.py", label=f"{run.rows:,d} chains", query_params=query)
    elif run.kind == "labels" and run.rows:
        st.page_link("views/comparisons.py", label=f"{run.rows:,d} labels", query_params=query)


def _count(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'s' * (count != 1)}"


def _begin_restoring(name: str, number: int, newest: int) -> None:
    """Show what restoring would change, and ask for it."""
    st.session_state[RESTORING] = f"{name}@{number}"
    st.session_state[TOKEN] = uuid4().hex
    st.session_state.pop(WHY, None)
    show_diff_of(name, newest, number)


def _stop_restoring() -> None:
    st.session_state.pop(RESTORING, None)


def _restore_form(name: str, newest: int) -> None:
    """What will be said of the new version, and the press that makes it."""
    ref = str(st.session_state.get(RESTORING) or "")
    if ref.rpartition("@")[0] != name:
        return
    with st.container(border=True, key="restore"):
        note = f"Makes {name}@{newest + 1}, which says what {ref} says. Nothing is lost: {name}@{newest} stays."
        chips([("restore", "orange")], title=ref, note=note)
        st.text_input("Why", key=WHY, placeholder="Stands with the new version; may be left empty")
        ask_name()
        with st.container(horizontal=True):
            st.button(
                "Restore as a new version",
                type="primary",
                icon=":material/history:",
                on_click=act,
                args=(_restore, ref, st.session_state.setdefault(TOKEN, uuid4().hex)),
            )
            st.button("Cancel", key="history.cancel", on_click=_stop_restoring)


def _restore(ref: str, token: str) -> str:
    """Save what a version says as the newest one, once a press."""
    if token != st.session_state.get(TOKEN):
        return ""
    author, why = keep_author(), str(st.session_state.get(WHY) or "").strip()
    name = ref.rpartition("@")[0]
    with workspace().writing() as session:
        before = newest_ref(session, name)
        content = load_version(session, ref)[1]
        save_version(session, content, author=author, message=f"Restored from {ref}. {why}".strip())
        saved = newest_ref(session, name) or name
    st.session_state[TOKEN] = uuid4().hex
    _stop_restoring()
    go(version=saved)
    if saved == before:
        return f"{saved} says what {ref} says already. No version was made."
    show_diff_of(name, int(saved.rpartition("@")[2]) - 1, int(saved.rpartition("@")[2]))
    return f"Restored as {saved}."
