"""What may be done with a response that was written: compare it with another, or draft a principle from it."""

import streamlit as st

from app import state
from app.components.notice import act
from app.components.playground_draw import fill_turns
from app.components.playground_keys import MODE, A, B
from app.resources import workspace
from cai_core.errors import RunError
from cai_core.types import Message, Role
from db.queries.asks import AskDetail, PartDetail, ask_detail

AS_A, AS_B, DRAFT = "Compare as response A", "Compare as response B", "Draft a principle from it"
USES = (AS_A, AS_B, DRAFT)
TAKE = ("Compare response and revision", "Compare the first two responses")
USED = ("response", "revision")
"""Parts that are answers to the prompt."""


def use_part(ask: AskDetail, part: PartDetail) -> None:
    """The menu of a whole response or revision."""
    if ask.line.open or part.part not in USED or not part.text:
        return
    key = f"playground.use.{ask.line.id}.{part.position}"
    st.menu_button(
        "Use",
        USES,
        key=key,
        type="tertiary",
        icon=":material/input:",
        on_click=act,
        args=(_use, ask.line.id, part.position, key),
    )


def _use(ask_id: int, position: int, key: str) -> str:
    wanted = st.session_state.get(key)
    with workspace().reading() as session:
        found = ask_detail(session, ask_id)
    part = next((one for one in found.parts if one.position == position), None) if found else None
    if found is None or part is None or not part.text:
        raise RunError(f"ask {ask_id} has no such response. It may belong to another workspace.")
    if wanted == DRAFT:
        return _draft(found, part.text)
    if wanted not in (AS_A, AS_B):
        return ""
    fill_turns(found.turns)
    st.session_state[MODE] = "compare"
    st.session_state[A if wanted == AS_A else B] = part.text
    return f"Taken over as response {'A' if wanted == AS_A else 'B'}."


def _draft(found: AskDetail, response: str) -> str:
    """Hand the response to the Constitutions page, and open that."""
    conversation = tuple(Message(Role(role), text) for role, text in found.turns)
    st.session_state[state.DRAFT_FROM] = {"conversation": conversation, "response": response}
    st.session_state[state.GO_TO] = (
        "views/constitutions.py",
        {"version": found.constitution} if found.constitution else {},
    )
    return "The response was taken along: say there what is good or bad about it."


def take_both(ask: AskDetail) -> None:
    """A button that puts two responses of an ask into the form, to be compared."""
    pair = two_of(ask)
    if pair is not None:
        st.button(
            TAKE[ask.line.samples > 1], icon=":material/compare_arrows:", on_click=act, args=(_take_both, ask.line.id)
        )


def two_of(ask: AskDetail) -> tuple[str, str] | None:
    """Two answers of an ask: its first two responses, else the response and its first revision."""
    first = ask.find("response")
    principle = ask.line.principles[0] if ask.line.principles else None
    second = ask.find("response", 1) if ask.line.samples > 1 else ask.find("revision", 0, principle)
    if first is None or second is None or not first.text or not second.text or ask.line.open:
        return None
    return first.text, second.text


def _take_both(ask_id: int) -> str:
    with workspace().reading() as session:
        found = ask_detail(session, ask_id)
    pair = None if found is None else two_of(found)
    if found is None or pair is None:
        raise RunError(f"ask {ask_id} has not two responses. Ask for two samples, or under a principle.")
    fill_turns(found.turns)
    st.session_state[MODE] = "compare"
    st.session_state[A], st.session_state[B] = pair
    return "Both were taken over as responses A and B. Press Ask to compare them."
