"""Which constitution is shown: the address says it, by a draft or by a version, and two selects change the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from sqlalchemy.orm import Session

from app import state
from app.components.pager import opened
from app.components.text import caption
from cai_core.errors import ConstitutionError
from cai_core.store import drafts
from cai_core.store.constitutions import newest_ref
from cai_core.types import Draft
from db.queries.constitutions import VersionLine, constitution_names, versions
from db.queries.drafts import DraftLine

FIRST = "sandbox"
"""The constitution that is shown first."""
NAME = "constitutions.name"
PARTS = ("version", "draft", "new")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is shown, and the versions of its constitution, the newest first; of a new one none."""

    shown: Draft
    """With 0 as its id where nothing is unsaved."""
    lines: Sequence[VersionLine]

    @property
    def name(self) -> str:
        """The constitution's; '' of a new one."""
        return self.lines[0].constitution if self.lines else ""


def go(**address: str) -> None:
    """Show something else: `version=`, `draft=` or `new=`; the rest of the address goes too."""
    st.session_state.pop(state.GOES_ON, None)
    for part in (*PARTS, "principle", "shot", "diff"):
        st.query_params.pop(part, None)
    st.query_params.update(address)


def select_part(part: str, key: str) -> None:
    """Open a principle or a few-shot of what is shown; '' for none."""
    st.session_state.setdefault(state.OPEN, {})[part] = key
    if st.query_params.get(part, "") == key:
        return
    if key:
        st.query_params[part] = key
    else:
        st.query_params.pop(part, None)


def choice(session: Session, person: int, lines: Sequence[DraftLine]) -> Chosen | None:
    """What the address names, else what was shown last, else the first; None where there is no constitution at all."""
    _go_on()
    names = constitution_names(session)
    shown = _from_address(session, person) or _from_last(session, person) or _first(session, person, names, lines)
    if shown is None:
        return None
    found = Chosen(shown, [] if shown.base is None else versions(session, shown.base.rpartition("@")[0]))
    _selects(found, names, lines)
    _keep_address(shown)
    return found


def _go_on() -> None:
    """Where an edit began a draft, or left nothing unsaved: the address follows, at the part that is open."""
    address = st.session_state.pop(state.GOES_ON, None)
    if address:
        if not _says_what():  # the edit was kept as the page was left, and now it is come back to
            _reopen(st.session_state.get(state.OPEN, {}))
        for part in PARTS:
            st.query_params.pop(part, None)
        st.query_params.update(address)


def _says_what() -> bool:
    return any(part in st.query_params for part in PARTS)


def _reopen(last: Mapping[str, str]) -> None:
    """The principle and the few-shot that were open last."""
    for part in ("principle", "shot"):
        if last.get(part):
            st.query_params[part] = last[part]


def _from_address(session: Session, person: int) -> Draft | None:
    draft_id, version = opened("draft"), st.query_params.get("version") or _compared()
    if draft_id is not None:
        return _draft(session, person, draft_id)
    if version:
        return _version(session, person, version)
    return None


def _compared() -> str:
    """The later one of the versions that `?diff=name@2..name@5` compares."""
    return st.query_params.get("diff", "").rpartition("..")[2]


def _draft(session: Session, person: int, draft_id: int) -> Draft | None:
    found = drafts.find(session, draft_id)
    if found is not None and found.person_id == person:
        return found
    last = st.session_state.get(state.OPEN, {})
    name = last.get("name", "") if last.get("draft") == str(draft_id) else ""
    if name and newest_ref(session, name):
        caption(f"Draft {draft_id} was saved or discarded meanwhile. This is the newest version of {name}.")
        return drafts.on_page(session, person, name)
    caption(f"There is no draft {draft_id} of yours: it was saved or discarded, or it is somebody else's.")
    return None


def _version(session: Session, person: int, ref: str) -> Draft | None:
    try:
        return drafts.on_page(session, person, ref)
    except ConstitutionError:
        caption(f"There is no version {ref} here; it may belong to another workspace.")
        return None


def _from_last(session: Session, person: int) -> Draft | None:
    """Where the page is come back to, by the sidebar."""
    last = st.session_state.get(state.OPEN)
    if last is None or _says_what():
        return None
    draft = drafts.find(session, int(last["draft"])) if last.get("draft") else None
    if draft is None and last.get("version"):
        draft = drafts.on_page(session, person, last["version"])
    if draft is not None:
        _reopen(last)
    return draft


def _first(session: Session, person: int, names: Sequence[str], lines: Sequence[DraftLine]) -> Draft | None:
    if names:
        return drafts.on_page(session, person, FIRST if FIRST in names else names[0])
    return drafts.get(session, lines[0].id) if lines else None


def _keep_address(shown: Draft) -> None:
    """Let the address name what is shown, so that a reload shows it again."""
    draft, version = (str(shown.id), "") if shown.id else ("", shown.base or "")
    wanted = {"draft": draft} if draft else {"version": version}
    for part in PARTS:
        if st.query_params.get(part) != wanted.get(part):
            st.query_params.pop(part, None)
    if wanted.items() - st.query_params.to_dict().items():
        st.query_params.update(wanted)
    name = shown.before.name if shown.before else shown.now.name
    last = st.session_state.setdefault(state.OPEN, {})
    last.update(draft=draft, version=shown.base or "", name=name)


def _selects(chosen: Chosen, names: Sequence[str], lines: Sequence[DraftLine]) -> None:
    new = {line.id: line.name for line in lines if line.base is None}
    left, right = st.columns([3, 2])
    version_key = f"constitutions.version.{chosen.name}"
    _hold(NAME, chosen.name or chosen.shown.id)
    left.selectbox(
        "Constitution",
        [*names, *new],
        format_func=lambda one: one if isinstance(one, str) else f"{new[one] or 'No name yet'} (new, not saved)",
        key=NAME,
        on_change=_choose,
        args=(NAME,),
    )
    if chosen.lines:
        _hold(version_key, chosen.shown.base)
        right.selectbox(
            "Version",
            [line.name for line in chosen.lines],
            key=version_key,
            on_change=_choose,
            args=(version_key,),
        )


def _choose(key: str) -> None:
    chosen = st.session_state[key]
    if isinstance(chosen, int):
        go(draft=str(chosen))
    else:
        go(version=chosen)


def _hold(key: str, value: object) -> None:
    if st.session_state.get(key) != value:
        st.session_state[key] = value
