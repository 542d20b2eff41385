"""Which constitution is tried, saved or as it stands unsaved, and which of its principles."""

from collections.abc import Sequence

import streamlit as st
from sqlalchemy.orm import Session

from app.components.pager import opened
from app.components.playground_keys import MODE, MODES, SOURCE, Source, all_key, mode, principles_key
from app.components.text import caption, chips
from app.components.who import person_id
from cai_core.store import drafts
from db.queries.asks import AskedPrinciple
from db.queries.drafts import DraftLine, draft_lines
from db.queries.trying import version_principles, version_refs

FIRST = "sandbox"
"""The constitution that is chosen first, where it is there."""


def choose_source(session: Session) -> None:
    """Draw the selects: the constitution, and what of it is tried."""
    unsaved, refs = {line.id: line for line in draft_lines(session, person_id())}, version_refs(session)
    options: list[Source] = [*unsaved, *refs]
    _from_address(session, options)
    if st.session_state.get(SOURCE) not in options:
        st.session_state.pop(SOURCE, None)  # saved or discarded meanwhile
    source = st.selectbox(
        "Constitution",
        options,
        _first(options),
        format_func=lambda one: one if isinstance(one, str) else unsaved_name(unsaved[one]),
        key=SOURCE,
        persist_state="session",
    )
    found = usable(session, source, mode())
    if mode() == "compare":
        _compared(source, found)
    else:
        _revised(source, found)


def unsaved_name(line: DraftLine) -> str:
    """What a draft is called among saved versions."""
    return f"unsaved edits of {line.base}" if line.base else f"{line.name or 'no name yet'} (new, not saved)"


def usable(session: Session, source: Source | None, wanted: str) -> dict[str, AskedPrinciple]:
    """The principles that can be tried in a mode, by id."""
    found: dict[str, AskedPrinciple] = {}
    for one in _principles(session, source):
        fits = one.comparison if wanted == "compare" else one.critique_request and one.revision_request
        if one.slug and fits:
            found.setdefault(one.slug, one)
    return found


def chosen(source: Source | None, found: Sequence[str], wanted: str) -> tuple[str, ...]:
    """The ids that the widgets say."""
    state = st.session_state
    if wanted == "compare" and state.get(all_key(source), True):
        return tuple(found)
    return tuple(one for one in state.get(principles_key(wanted, source)) or () if one in found)


def _principles(session: Session, source: Source | None) -> Sequence[AskedPrinciple]:
    if not isinstance(source, int):
        return version_principles(session, source or "")
    draft = drafts.find(session, source)
    return [
        AskedPrinciple(one.id, one.title, one.kind.value, one.critique_request, one.revision_request, one.comparison)
        for one in (draft.now.principles if draft else ())
    ]


def _from_address(session: Session, options: Sequence[Source]) -> None:
    """`?draft=5` or `?version=name@3`, perhaps with `&principle=`, sets the form once."""
    draft, version, principle = opened("draft"), st.query_params.get("version"), st.query_params.get("principle", "")
    source: Source | None = draft if draft is not None else version
    if source is None:
        return
    for part in ("draft", "version", "principle"):
        st.query_params.pop(part, None)
    if source not in options:
        what = f"no draft {source} of yours" if isinstance(source, int) else f"no version {source}"
        caption(f"There is {what} here: it was saved or discarded, or belongs to another workspace.")
        return
    st.session_state[SOURCE] = source
    for wanted in MODES:
        if principle in usable(session, source, wanted):
            st.session_state[MODE], st.session_state[principles_key(wanted, source)] = wanted, [principle]
            st.session_state[all_key(source)] = False
            return


def _first(options: Sequence[Source]) -> int | None:
    """Where the select begins; an option that an address or another page chose rules."""
    if SOURCE in st.session_state or not options:
        return 0 if options else None
    return next((i for i, one in enumerate(options) if str(one).partition("@")[0] == FIRST), 0)


def _revised(source: Source | None, found: dict[str, AskedPrinciple]) -> None:
    _select(source, found, "revise", "None: the response alone")
    names = chosen(source, list(found), "revise")
    if len(names) == 1:
        chips([(names[0], "violet"), (found[names[0]].kind, "grey")])
        caption(found[names[0]].critique_request or "")


def _compared(source: Source | None, found: dict[str, AskedPrinciple]) -> None:
    if len(found) > 1:
        st.session_state.setdefault(all_key(source), True)
        st.toggle(f"All {len(found):d} principles that compare", key=all_key(source), persist_state="session")
        if st.session_state[all_key(source)]:
            return
    _select(source, found, "compare", "Choose those to compare under")
    names = chosen(source, list(found), "compare")
    if len(names) == 1:
        chips([(names[0], "violet"), (found[names[0]].kind, "grey")])
        caption(found[names[0]].comparison or "")


def _select(source: Source | None, found: dict[str, AskedPrinciple], wanted: str, nothing: str) -> None:
    key = principles_key(wanted, source)
    kept = st.session_state.get(key)
    if kept is None:
        # What the page is for: a critique and a revision.
        st.session_state[key] = list(found)[:1]
    elif not set(kept) <= set(found):
        st.session_state[key] = [one for one in kept if one in found]
    st.multiselect(
        "Principles",
        list(found),
        format_func=lambda slug: found[slug].title or slug if slug in found else slug,
        key=key,
        placeholder=nothing,
        persist_state="session",
        help="Each is tried by itself.",
    )
