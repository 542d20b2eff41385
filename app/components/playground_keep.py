"""Keeping a try as a case of its constitution: what is hoped for, to be held against every later version."""

import streamlit as st

from app.components.notice import act
from app.components.text import inline
from app.components.who import ask_name, author
from app.resources import workspace
from cai_core.errors import RunError
from cai_core.store import asks, cases
from cai_core.types import Case, CaseKind
from db.queries.asks import AskDetail, ask_detail

KEPT = "playground.kept"
"""The case that was kept last, as (ask, case, name of the constitution)."""
OPTIONS = {"a": "Response A", "b": "Response B"}
KINDS = ("critique_revision", "compare")
EXAMPLE = "Which of these responses objects to the plan and offers a lawful way?"


def keep(ask: AskDetail) -> None:
    """The form, under an ask that is done."""
    if ask.line.kind not in KINDS or ask.line.state != "done":
        return
    kept = st.session_state.get(KEPT)
    # With a state of its own: else the field for a name, which goes once it is filled, would take the form along.
    form = st.expander(
        "Keep as a case",
        icon=":material/bookmark_add:",
        type="compact",
        key=_key("form", ask.line.id),
        on_change="rerun",
    )
    with form:
        if not ask.name:
            st.caption("A case belongs to a constitution, and this one has no name yet. Give it one and ask again.")
            return
        _fields(ask)
        ask_name()
        st.button("Keep", type="primary", icon=":material/save:", on_click=act, args=(_keep, ask.line.id))
    if kept and kept[0] == ask.line.id:
        with st.container(horizontal=True, vertical_alignment="center"):
            inline(f"Kept as case {kept[1]} of {kept[2]}.")
            st.page_link(
                "views/cases.py", label="Cases", icon=":material/rule:", query_params={"constitution": kept[2]}
            )


def _key(field: str, ask_id: int) -> str:
    return f"playground.keep.{field}.{ask_id}"


def _fields(ask: AskDetail) -> None:
    ask_id, names = ask.line.id, list(ask.line.principles)
    if ask.line.kind == "compare":
        st.segmented_control(
            "Should be preferred",
            list(OPTIONS),
            format_func=OPTIONS.__getitem__,
            key=_key("preferred", ask_id),
            persist_state="session",
        )
    else:
        st.text_area(
            "Hope",
            key=_key("hope", ask_id),
            height=80,
            placeholder=EXAMPLE,
            persist_state="session",
            help="Put to the judge as it stands, above revision and response, as a principle's comparison is.",
        )
    st.selectbox(
        "Principle",
        [*names, ""],
        format_func=lambda slug: slug or "Whichever is drawn",
        key=_key("principle", ask_id),
        persist_state="session",
        help="What the case is about.",
    )


def _keep(ask_id: int) -> str:
    """Keep what the form says; the same case again is the one that is there."""
    state = st.session_state
    with workspace().reading() as session:
        found = ask_detail(session, ask_id)
        if found is None:
            raise RunError(f"there is no ask {ask_id} in this workspace.")
        asked = asks.to_noun(asks.get(session, ask_id))
    pair = found.line.kind == "compare"
    case = Case(
        CaseKind.PAIR if pair else CaseKind.PROMPT,
        asked.turns,
        hope="" if pair else str(state.get(_key("hope", ask_id)) or ""),
        principle=state.get(_key("principle", ask_id)) or None,
        response_a=asked.response_a,
        response_b=asked.response_b,
        preferred=state.get(_key("preferred", ask_id)) if pair else None,
    )
    with workspace().writing() as session:
        case_id = cases.add(session, found.name, case, author=author(), unsaved=found.unsaved)
    state[KEPT] = (ask_id, case_id, found.name)
    return f"Kept as case {case_id} of {found.name}."
