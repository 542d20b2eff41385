"""Exactly what a chain's models were sent: as its file told, or built again when somebody wants to read it."""

import streamlit as st

from app.components.chain_ask import follow
from app.components.notice import act
from app.components.text import caption, chips, exact
from app.resources import workspace
from cai_core.runs.chain_asks import ask_sent
from db.queries.branches import ChainAsk, newest_ask
from db.queries.chains import ChainDetail, told_inputs
from db.queries.models import model_names


def chain_sent(chain: ChainDetail) -> None:
    """A button that has the requests built again; below, each of them verbatim, and whether its hash says the same."""
    if chain.response is None:
        caption("No model answered, so nothing that was sent is known.")
        return
    with workspace().reading() as session:
        told = told_inputs(session, chain.id)
        ask_id = newest_ask(session, chain.id, "render")
        names = model_names(session) if chain.model_id is None else []
    for one in told:
        chips([("as it was sent, by its file", "green")], title=_title(one.part, one.round), note=f"hash {one.sent}")
        exact(one.text)
    if told:
        return
    key = f"sent.{chain.id}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if chain.model_id is None:
            st.selectbox("As which model is sent it", names, key=f"{key}.model", width=260)
        st.button(
            "Show what was sent" if ask_id is None else "Build again",
            icon=":material/code:",
            key=f"{key}.ask",
            on_click=act,
            args=(_ask, chain.id, f"{key}.model"),
        )
    if ask_id is not None:
        follow(ask_id, _draw, texts=False)


def _ask(chain_id: int, model: str) -> None:
    ask_sent(workspace(), chain_id, st.session_state.get(model) or "")


def _draw(found: ChainAsk) -> None:
    for part in found.parts:
        same = ("as it was sent", "green") if part.error is None else ("not sure to be what was sent", "orange")
        chips([same], title=_title(part.part, part.sample), note=f"hash {part.sent}")
        if part.error:
            caption(part.error)
        exact(part.rendered or "")


def _title(part: str, number: int) -> str:
    return "Initial response" if number == 0 else f"Round {number}, {part}"
