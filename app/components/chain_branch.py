"""Change one thing in a round of a chain, and let the chain go on from there: a branch."""

from typing import Any

import streamlit as st

from app.components.chain_ask import follow
from app.components.notice import act
from app.components.pager import open_row
from app.components.text import caption
from app.resources import workspace
from cai_core.errors import RunError
from cai_core.runs.chain_asks import ask_branch
from cai_core.types import Branching, Edit
from db.queries.branches import ChainAsk, branch_of_ask, principles_of_chain
from db.queries.chains import ChainDetail, RoundDetail
from db.queries.models import model_names

CRITIQUE, REVISION, OTHER, REDRAW = "The critique", "The revision", "Another principle", "Redraw the principle"
WAYS = (CRITIQUE, REVISION, OTHER, REDRAW)
ASKED = "branch.asked"
"""Asks that this browser waits for, by (chain, round)."""


def branch_form(chain: ChainDetail, round: RoundDetail, author: str) -> None:
    """What is to change in this round, the button that lets the chain go on, and what is written until it is there."""
    key = f"branch.{chain.id}.{round.number}"
    with workspace().reading() as session:
        drawn = principles_of_chain(session, chain.id)
        names = model_names(session) if chain.model_id is None else []
    first = REVISION if round.critique is None else CRITIQUE
    way = st.segmented_control("Change", WAYS, default=first, required=True, key=f"{key}.way")
    if way == CRITIQUE:
        st.text_area("Critique", round.critique or "", key=f"{key}.critique", height=160)
    elif way == REVISION:
        st.text_area("Revision", round.revision, key=f"{key}.revision", height=160)
    elif way == OTHER:
        st.selectbox(
            "Principle",
            [slug for slug, _ in drawn],
            index=None,
            key=f"{key}.principle",
            format_func=lambda slug: dict(drawn)[slug],
        )
    else:
        st.number_input("Seed of the draw", 0, 2**53 - 1, 0, 1, key=f"{key}.redraw")
    if chain.model_id is None:
        st.selectbox("Model that goes on", names, key=f"{key}.model")
    st.button(
        "Continue from here",
        icon=":material/fork_right:",
        type="primary",
        key=f"{key}.continue",
        on_click=act,
        args=(_go_on, chain.id, round.number, str(way), key, author),
    )
    caption("The chain itself stays as it is: what comes of this is a branch beside it.")
    if (ask_id := _asked().get((chain.id, round.number))) is not None:
        follow(ask_id, lambda found: _open(chain.id, round.number, found), texts=True)


def _asked() -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = st.session_state.setdefault(ASKED, {})
    return found


def _go_on(chain_id: int, number: int, way: str, key: str, author: str) -> None:
    said: dict[str, Any] = {name: st.session_state.get(f"{key}.{name}") for name in ("principle", "redraw", "model")}
    if way == OTHER and said["principle"] is None:
        raise RunError("no principle is chosen. Choose the one that the round should have.")
    edit = {CRITIQUE: Edit.CRITIQUE, REVISION: Edit.REVISION}.get(way, Edit.PRINCIPLE)
    text = None if edit is Edit.PRINCIPLE else str(st.session_state.get(f"{key}.{edit}") or "")
    changed = Branching(number, edit, text, said["principle"] if way == OTHER else None, author)
    redraw = int(said["redraw"] or 0) if way == REDRAW else None
    ask_id = ask_branch(workspace(), chain_id, changed, redraw=redraw, model=said["model"] or "")
    _asked()[chain_id, number] = ask_id


def _open(chain_id: int, number: int, found: ChainAsk) -> None:
    """The branch is there: show it in the chain's place."""
    _asked().pop((chain_id, number), None)
    with workspace().reading() as session:
        made = branch_of_ask(session, found.id)
    if made is not None:
        open_row("chain", made)
        st.rerun()
