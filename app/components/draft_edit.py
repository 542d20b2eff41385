"""Edits of what is shown, each kept in the database as it is committed; the first one begins a draft."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st

from app import state
from app.components.notice import act
from app.resources import workspace
from cai_core.constitution.diff import ConstitutionDiff, diff_constitutions
from cai_core.store import drafts
from cai_core.types import Constitution, Draft, Place

T = TypeVar("T")
NOTHING = Constitution("", "", ())
NO_NEWS = object()
ECHOES = "constitutions.echoes"


def edit(shown: Draft, verb: Callable[..., T], *args: Any) -> T:
    """Let a verb of `cai_core.store.drafts` change what is shown; answers what the verb answers.

    The address is left to the page: to write it sends a message, at which Streamlit may end a callback for a newer
    rerun, and the callbacks of what was committed beside this would never be called.
    """
    resumed: dict[int, int] = st.session_state.setdefault(state.RESUMED, {})
    with workspace().writing() as session:
        draft_id = drafts.resume(session, replace(shown, id=resumed.get(shown.id, shown.id)))
        answer = verb(session, draft_id, *args)
        there = drafts.find(session, draft_id) is not None
    if shown.id not in (0, draft_id):
        resumed[shown.id] = draft_id
    st.session_state[state.GOES_ON] = {"draft": str(draft_id)} if there else {"version": shown.base or ""}
    return answer


def do(shown: Draft, verb: Callable[..., Any], *args: Any) -> None:
    """`edit` as a callback: what goes wrong is said in words."""
    act(_quietly, shown, verb, *args)


def _quietly(shown: Draft, verb: Callable[..., Any], *args: Any) -> None:
    edit(shown, verb, *args)


def field_key(shown: Draft, place: Place | None, field: str) -> str:
    """A widget's key: the same before the first edit and after it, another over another version."""
    return "/".join((shown.base or f"draft {shown.id}", *(place or ("",)), field))


def hold(key: str, value: object) -> str:
    """Let a widget show what the draft says; typed text that is not committed yet is left alone. Answers the key.

    The widget is given the same value as its default: what is set here goes to the browser with this run, and the run
    may be given up. A widget that is new there would begin empty, and say so with the next event.
    """
    found = st.session_state.get(key, ...)
    if found == value:
        _echoes().pop(key, None)
        return key
    if found is not ...:
        _echoes()[key] = found
    st.session_state[key] = value
    return key


def _echoes() -> dict[str, object]:
    """What a widget said before the page changed it: a browser that has not heard of that yet may say it once more."""
    found: dict[str, object] = st.session_state.setdefault(ECHOES, {})
    return found


def committed(shown: Draft, place: Place | None, field: str) -> object:
    """What a field's widget says, or `NO_NEWS` where it only repeats what it said before the page changed it."""
    key = field_key(shown, place, field)
    value: object = st.session_state[key]
    return NO_NEWS if _echoes().get(key, NO_NEWS) == value else value


def commit(shown: Draft, place: Place | None, field: str) -> None:
    """Keep what a field's widget says."""
    value = committed(shown, place, field)
    if value is not NO_NEWS:
        do(shown, drafts.put_field, place, field, value)


def press_key(shown: Draft, what: str) -> str:
    """The key of an entry that a press will add: pressed twice before the page is drawn again, it is added once."""
    text = f"{shown.id} {shown.base} {shown.revision} {what}"
    return f"+{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def changes(shown: Draft) -> ConstitutionDiff:
    """What differs from the base; principles go by their keys, which a version's ids are."""
    keyed = (replace(one, id=key) for one, key in zip(shown.now.principles, shown.keys, strict=True))
    return diff_constitutions(shown.before or NOTHING, replace(shown.now, principles=tuple(keyed)))
