"""Following an ask about a chain: it is looked at again and again without the rest of the page."""

from collections.abc import Callable

import streamlit as st

from app.components.notice import act, problem
from app.components.text import caption, chips, verbatim
from app.resources import workspace
from cai_core.runs import warm_queue
from db.queries.branches import ChainAsk, chain_ask

EVERY = 0.25
"""Seconds between two looks."""


def follow(ask_id: int, done: Callable[[ChainAsk], object], *, texts: bool) -> None:
    """Draw how far an ask is, with what is written if that is text; `done` draws it once it has come to its end."""
    with workspace().reading() as session:
        began = chain_ask(session, ask_id)
    if began is None:
        return
    if not began.open:
        _ended(began, done)
        return

    def tick() -> None:
        warm_queue.kick(workspace())
        with workspace().reading() as session:
            found = chain_ask(session, ask_id)
            waits = warm_queue.waits_for(session, ask_id)
        if found is None or not found.open:
            st.rerun()
        chips([("at work", "blue")], note=waits)
        st.button("Stop", icon=":material/stop:", key=f"chain_ask.stop.{ask_id}", on_click=act, args=(_stop, ask_id))
        for part in found.parts if texts else ():
            caption(f"Round {part.sample}, {part.part}" + ("" if part.principle is None else f" ({part.principle})"))
            verbatim(part.text or "…")

    st.fragment(tick, run_every=EVERY)()


def _ended(found: ChainAsk, done: Callable[[ChainAsk], object]) -> None:
    if found.state == "failed":
        problem(found.error or "It came to nothing.")
    elif found.state == "stopped":
        caption("It was stopped, and nothing came of it.")
    else:
        done(found)


def _stop(ask_id: int) -> str:
    warm_queue.request_stop(workspace(), ask_id)
    return "It was asked to stop."
