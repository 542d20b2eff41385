"""What is unsaved: kept as it is typed, and saved as a version, or given up."""

from collections.abc import Sequence

import streamlit as st

from app import state
from app.components import save_conflict
from app.components.changes import changes_in_words, show_changes
from app.components.constitution_choice import Chosen, go, select_part
from app.components.draft_edit import changes, commit, field_key, hold
from app.components.notice import act
from app.components.text import caption, chips
from app.components.to_mend import mend_in_words, shot_name
from app.components.who import ask_name, keep_author
from app.resources import workspace
from cai_core.constitution.problems import Problem
from cai_core.errors import ConstitutionError
from cai_core.store import drafts
from cai_core.types import Draft
from db.queries.drafts import DraftLine

SHOWN_PROBLEMS = 5
CHANGES = "constitutions.changes"


def draft_bar(chosen: Chosen, problems: Sequence[Problem]) -> None:
    """The unsaved edits and the form that saves them; nothing where nothing is unsaved."""
    shown = chosen.shown
    if not shown.id:
        return
    with workspace().reading() as session:
        newest = drafts.in_the_way(session, shown)
    with st.container(border=True, key="draft-bar"):
        found = changes(shown)
        since = f"since {shown.base}" if shown.base else "a new constitution"
        note = f"{since}: {changes_in_words(found)} · kept {shown.updated_at:%H:%M:%S} UTC"
        chips([("unsaved edits", "orange")], title=shown.now.name or "No name yet", note=note)
        _save_form(shown)
        if newest:
            save_conflict.say(shown, newest, chosen.lines)
        _problems(shown, problems)
        if st.session_state.get(CHANGES):
            show_changes(found, {key: one.id for key, one in zip(shown.keys, shown.now.principles, strict=True)})
    if newest and st.session_state.get(state.MERGING) == shown.id:
        save_conflict.save_conflict(shown, newest)


def _save_form(shown: Draft) -> None:
    name, message, author = st.columns([3, 6, 3])
    name.text_input(
        "Save as",
        shown.now.name,
        key=hold(field_key(shown, None, "name"), shown.now.name),
        on_change=commit,
        args=(shown, None, "name"),
        help="Another name makes another constitution.",
    )
    message.text_input(
        "What changed and why",
        shown.message,
        key=hold(field_key(shown, None, "message"), shown.message),
        on_change=commit,
        args=(shown, None, "message"),
    )
    with author:
        ask_name()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Save version", type="primary", icon=":material/save:", on_click=act, args=(_save, shown))
        st.button("Discard edits", icon=":material/undo:", on_click=act, args=(_discard, shown))
        st.toggle("Show what you changed", key=CHANGES)


def _problems(shown: Draft, problems: Sequence[Problem]) -> None:
    """What keeps it from being saved, entry by entry, each with the way to it."""
    entries: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for problem in problems:
        entries.setdefault(_place(shown, problem), []).append((problem.field, problem.text))
    for number, ((part, key, name), found) in enumerate(list(entries.items())[:SHOWN_PROBLEMS]):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            chips([("to mend", "orange")], after=name, note=mend_in_words(found), width="content")
            if part:
                st.button("Show", type="tertiary", key=f"problem.{number}", on_click=_show, args=(part, key))
    if len(entries) > SHOWN_PROBLEMS:
        caption(f"and {len(entries) - SHOWN_PROBLEMS} more to mend.")


def _place(shown: Draft, problem: Problem) -> tuple[str, str, str]:
    """The part of the address that opens the entry, its key, and what it is called."""
    if problem.list is None:
        return "", "", "The constitution"
    if problem.list == "principles":
        one = shown.now.principles[problem.index]
        return "principle", shown.keys[problem.index], one.title or one.id or f"Principle {problem.index + 1}"
    key = shown.shot_keys[problem.list][problem.index]
    return "shot", f"{problem.list}:{key}", shot_name(problem.list, problem.index)


def _show(part: str, key: str) -> None:
    st.session_state["constitutions.view"] = "Principles" if part == "principle" else "Few-shots"
    select_part(part, key)


def _save(shown: Draft) -> str:
    author = keep_author()
    with workspace().reading() as session:
        now = drafts.find(session, shown.id)
        if now is None:
            return f"Draft {shown.id} was saved or discarded already."
        newest = drafts.in_the_way(session, now)
    if newest and save_conflict.stands_in_the_way(now, newest):
        st.session_state[state.MERGING] = shown.id
        raise ConstitutionError(
            f"{newest} was saved meanwhile, and this would undo it. Nothing of yours is lost: merge the two below, or "
            "save under another name."
        )
    with workspace().writing() as session:
        saved, new = drafts.save(session, shown.id, author=author, message=now.message.strip())
    to_saved(shown, saved)
    return f"Saved as {saved}." if new else f"Nothing changed: {saved} says the same already. No version was saved."


def to_saved(shown: Draft, saved: str) -> None:
    """Show a version that was saved from a draft, at the principle and the few-shot that were shown."""
    ids = {key: one.id for key, one in zip(shown.keys, shown.now.principles, strict=True)}
    principle = ids.get(st.query_params.get("principle", ""), "")
    name, _, key = st.query_params.get("shot", "").partition(":")
    shots = shown.shot_keys.get(name, ())
    shot = f"{name}:{shots.index(key)}" if key in shots else ""
    go(version=saved, **{part: one for part, one in (("principle", principle), ("shot", shot)) if one})


def _discard(shown: Draft) -> str:
    with workspace().writing() as session:
        drafts.discard(session, shown.id)
    go(**({"version": shown.base} if shown.base else {}))
    if not shown.base:
        st.session_state.pop(state.OPEN, None)
    return "The edits are gone."


def other_drafts(lines: Sequence[DraftLine], shown: Draft) -> None:
    """What else is unsaved, each with the way to it."""
    others = [line for line in lines if line.id != shown.id]
    for line in others[:3]:
        _other(line)
    if len(others) > 3:
        with st.expander("More unsaved edits", icon=":material/edit_note:", type="compact"):
            for line in others[3:]:
                _other(line)


def _other(line: DraftLine) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        what = f"of {line.base}" if line.base else f"{line.name or 'no name yet'}, a new constitution"
        note = f"{what} · {line.updated_at:%Y-%m-%d %H:%M} UTC"
        chips([("unsaved edits", "orange")], note=note, width="content")
        st.button("Open", type="tertiary", key=f"draft.open.{line.id}", on_click=_open, args=(line.id,))


def _open(draft_id: int) -> None:
    go(draft=str(draft_id))
