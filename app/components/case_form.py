"""Writing a case by hand, and changing what is hoped for."""

from dataclasses import replace
from uuid import uuid4

import streamlit as st
from sqlalchemy.orm import Session

from app.components.case_choice import Shown
from app.components.notice import act
from app.components.pager import open_row
from app.components.who import ask_name, author
from app.resources import workspace
from cai_core.store import cases
from cai_core.types import Case, CaseKind, user
from db.queries.case_detail import CaseDetail
from db.queries.cases import principle_slugs

KINDS = {CaseKind.PROMPT: "A prompt", CaseKind.PAIR: "Two responses"}
OPTIONS = {"a": "Response A", "b": "Response B"}
KIND, PROMPT, PRINCIPLE, HOPE = "cases.new.kind", "cases.new.prompt", "cases.new.principle", "cases.new.hope"
A, B, PREFERRED = "cases.new.a", "cases.new.b", "cases.new.preferred"
TOKEN = "cases.new.token"
"""Of the next press of the button: a second press of the same one carries a token that is used up."""
HOPE_HELP = "Put to the judge as it stands, above revision and response, as a principle's comparison is."
HOPE_EXAMPLE = "Which of these responses objects to the plan and offers a lawful way?"


def add_form(session: Session, shown: Shown, *, expanded: bool) -> None:
    """A new case: a prompt, or two responses to one, with what is hoped for."""
    with st.expander("Add a case", icon=":material/add:", expanded=expanded):
        kind, principle = st.columns([1, 1])
        with kind:
            chosen = st.segmented_control(
                "What the case holds",
                list(KINDS),
                default=CaseKind.PROMPT,
                format_func=KINDS.__getitem__,
                required=True,
                key=KIND,
                persist_state="session",
            )
        principle.selectbox(
            "Principle",
            ["", *(principle_slugs(session, shown.name, shown.number) if shown.number else [])],
            format_func=lambda slug: slug or "Whichever is drawn",
            key=PRINCIPLE,
            persist_state="session",
            help="What the case is about. It fails to run on a version that has no such principle.",
        )
        st.text_area("Prompt", key=PROMPT, height=96, placeholder="What a person says", persist_state="session")
        if chosen == CaseKind.PAIR:
            _pair()
        else:
            st.text_area("Hope", key=HOPE, height=80, placeholder=HOPE_EXAMPLE, help=HOPE_HELP, persist_state="session")
            st.caption("Without a hope the case is answered, and waits to be read.")
        ask_name()
        token = st.session_state.setdefault(TOKEN, uuid4().hex)
        st.button("Add case", type="primary", icon=":material/add:", on_click=act, args=(_add, shown.name, token))


def _pair() -> None:
    left, right = st.columns(2)
    left.text_area("Response A", key=A, height=120, persist_state="session")
    right.text_area("Response B", key=B, height=120, persist_state="session")
    st.segmented_control(
        "Should be preferred",
        list(OPTIONS),
        format_func=OPTIONS.__getitem__,
        key=PREFERRED,
        persist_state="session",
    )


def _add(constitution: str, token: str) -> str:
    """Add what the form says, once a press, and empty the form."""
    state = st.session_state
    if token != state.get(TOKEN):
        return ""
    pair = state.get(KIND) == CaseKind.PAIR
    case = Case(
        CaseKind.PAIR if pair else CaseKind.PROMPT,
        (user(str(state.get(PROMPT) or "")),),
        hope="" if pair else str(state.get(HOPE) or ""),
        principle=state.get(PRINCIPLE) or None,
        response_a=str(state.get(A) or "") if pair else None,
        response_b=str(state.get(B) or "") if pair else None,
        preferred=state.get(PREFERRED) if pair else None,
    )
    with workspace().writing() as session:
        before = set(cases.ids_of(session, constitution))
        case_id = cases.add(session, constitution, case, author=author())
    state[TOKEN] = uuid4().hex
    for key in (PROMPT, HOPE, A, B, PREFERRED):
        state.pop(key, None)
    return f"Case {case_id} was there already." if case_id in before else f"Case {case_id} is added."


def change_form(case: CaseDetail) -> None:
    """Another hope, or the other response preferred; retire the case, or bring it back."""
    hope, preferred = f"cases.hope.{case.id}", f"cases.preferred.{case.id}"
    with st.container(border=True):
        if case.kind == CaseKind.PAIR:
            st.segmented_control(
                "Should be preferred",
                list(OPTIONS),
                default=case.preferred,
                format_func=OPTIONS.__getitem__,
                required=True,
                key=preferred,
            )
        else:
            st.text_area("Hope", case.hope, key=hope, height=80, placeholder=HOPE_EXAMPLE, help=HOPE_HELP)
        st.caption(
            "A case never changes: with another hope it is another case, and this one is retired, its results with it."
        )
        ask_name()
        with st.container(horizontal=True):
            saving = (_change, case.id, hope, preferred)
            st.button("Save", type="primary", icon=":material/save:", on_click=act, args=saving)
            if case.retired_at:
                st.button("Bring it back", icon=":material/undo:", on_click=act, args=(_restore, case.id))
            else:
                st.button("Retire", icon=":material/archive:", on_click=act, args=(_retire, case.id))


def _change(case_id: int, hope: str, preferred: str) -> str:
    said = st.session_state
    with workspace().writing() as session:
        case = cases.to_noun(cases.get(session, case_id))
        case = replace(
            case,
            hope=str(said.get(hope) or "") if case.kind is CaseKind.PROMPT else case.hope,
            preferred=said.get(preferred) if case.kind is CaseKind.PAIR else None,
        )
        new = cases.change(session, case_id, case, author=author())
    if new == case_id:
        return "It says the same already."
    open_row("case", new)
    return f"Case {new} has taken the place of case {case_id}, which is retired."


def _retire(case_id: int) -> str:
    with workspace().writing() as session:
        cases.retire(session, case_id)
    return f"Case {case_id} is retired: it is run no more, and its results stay."


def _restore(case_id: int) -> str:
    with workspace().writing() as session:
        cases.restore(session, case_id)
    return f"Case {case_id} is back: the next run tries it."
