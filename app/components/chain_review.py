"""The bar under which chains are reviewed: a verdict by one key, then the next of the queue.

A press counts for the chain that is drawn and no other. A browser may send one press after another before it shows the
next chain: those still name the chain they were made for, which is not the one on the page any more, and are ignored.
"""

from datetime import datetime
from typing import Any

import streamlit as st

from app.components.notice import act
from app.components.pager import open_row
from app.components.text import chips, inline
from app.components.who import ask_name, author, keep_author, person_id
from app.resources import workspace
from cai_core.store import reviews
from cai_core.types import Verdict
from db.queries.chain_filter import ChainFilter
from db.queries.chains import ChainDetail
from db.queries.reviews import MOST_COUNTED, QUEUES, Queue, Said, left_in, next_in

QUEUE, SEED = "review.queue", "review.seed"
DRAWN, AT, KEPT = "review.drawn", "review.at", "review.kept"
"""The chain on the page, which presses count for; the chain that the last press led to, or that is on the page; the
last verdict, as it was read back."""
QUEUE_WORDS = {
    "all": "All, by number",
    "unreviewed": "Not reviewed by you",
    "flagged": "Flagged",
    "gates": "A gate hit",
    "changed": "Most changed first",
    "random": "In a drawn order",
}
ICONS = {"accept": ":material/check:", "reject": ":material/close:", "flag": ":material/flag:"}
TINTS = {"accept": "green", "reject": "red", "flag": "orange"}
PAST = {"accept": "accepted", "reject": "rejected", "flag": "flagged", "none": "taken back"}


def queue() -> Queue:
    """The queue that is chosen."""
    kind = st.session_state.get(QUEUE) or QUEUES[0]
    return Queue(kind, person_id() if kind == "unreviewed" else None, int(st.session_state.get(SEED) or 0))


def review_bar(chain: ChainDetail, wanted: ChainFilter, said: list[Said]) -> None:
    """Verdicts, note, queue, and what stands on this chain."""
    st.session_state[DRAWN] = st.session_state[AT] = chain.id
    named = bool(author())
    with st.container(border=True, key="review"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.button("Accept", type="primary", shortcut="A", **_says(chain.id, Verdict.ACCEPT, wanted))
            st.button("Reject", shortcut="X", **_says(chain.id, Verdict.REJECT, wanted))
            st.button("Flag", shortcut="F", **_says(chain.id, Verdict.FLAG, wanted))
            _undo_button()
            st.text_input("Note", key=_note(chain.id), max_chars=reviews.LONGEST_NOTE, placeholder="Why, if you like")
            _choose_queue()
        if not named:
            ask_name()
        _state(chain, wanted, said)


def _says(chain_id: int, verdict: Verdict, wanted: ChainFilter) -> dict[str, Any]:
    """What a verdict's button has: the chain that a press of it is for."""
    return {
        "icon": ICONS[verdict],
        "key": f"review.{verdict}.{chain_id}",
        "on_click": _press,
        "args": (chain_id, verdict, wanted),
    }


def _undo_button() -> None:
    me = person_id()
    with workspace().reading() as session:
        last = reviews.last_word(session, me)
    st.button(
        "Undo",
        icon=":material/undo:",
        shortcut="U",
        key="review.undo",
        disabled=last is None,
        on_click=act,
        args=(_undo, None if last is None else last.id),
    )


def _choose_queue() -> None:
    st.selectbox("Queue", QUEUES, key=QUEUE, persist_state="session", format_func=QUEUE_WORDS.__getitem__, width=220)
    if st.session_state.get(QUEUE) == "random":
        st.number_input("Seed", 0, 2**31, 0, 1, key=SEED, persist_state="session", width=110)


def _state(chain: ChainDetail, wanted: ChainFilter, said: list[Said]) -> None:
    """What stands here, what was kept last, how many there are to read."""
    with workspace().reading() as session:
        left = left_in(session, wanted, queue())
    count = f"{MOST_COUNTED:,d} or more" if left > MOST_COUNTED else f"{left:,d}"
    with st.container(horizontal=True, vertical_alignment="center", key="review-state"):
        labels = [(_told(one), TINTS[one.verdict]) for one in said]
        chips(labels, note="" if labels else "nobody has reviewed this chain", width="content")
        inline(f"{count} in this queue")
        kept: tuple[int, str, datetime] | None = st.session_state.get(KEPT)
        if kept is not None:
            inline(f"kept: chain {kept[0]:d} {PAST[kept[1]]}, {kept[2]:%H:%M:%S} UTC")


def _told(one: Said) -> str:
    return " · ".join(filter(None, (f"{one.name}: {PAST[one.verdict]}", one.note)))


def _note(chain_id: int) -> str:
    return f"review.note.{chain_id}"


def _press(chain_id: int, verdict: Verdict, wanted: ChainFilter) -> None:
    if st.session_state.get(DRAWN) == chain_id:
        act(_give, chain_id, verdict, wanted)
    else:
        _stay()


def _stay() -> None:
    """Ignore a press: it came with the address of before, from a browser that had not heard of the last one yet."""
    if (at := st.session_state.get(AT)) is not None:
        open_row("chain", at)


def _go_to(chain_id: int) -> None:
    st.session_state[DRAWN], st.session_state[AT] = None, chain_id
    open_row("chain", chain_id)


def _give(chain_id: int, verdict: Verdict, wanted: ChainFilter) -> None:
    """Keep the verdict, read it back, and go on to the next after this chain."""
    keep_author()
    me = person_id()
    with workspace().writing() as session:
        reviews.give(session, chain_id, me, verdict, str(st.session_state.get(_note(chain_id)) or ""))
    with workspace().reading() as session:
        stands = reviews.standing(session, chain_id, me)
        following = next_in(session, wanted, queue(), chain_id)
    if stands is not None:
        st.session_state[KEPT] = (chain_id, stands.verdict, stands.created_at)
    _go_to(chain_id if following is None else following)


def _undo(expected: int | None) -> str | None:
    """Take the last word back and go to its chain; a press made for another word, as a fast second one, is ignored."""
    me = person_id()
    with workspace().writing() as session:
        last = reviews.last_word(session, me)
        found = None if last is None or last.id != expected else reviews.undo(session, me)
    if found is None:
        _stay()
        return None
    st.session_state[KEPT] = None
    _go_to(found.chain)
    again = f"; {PAST[found.stands]} stands again" if found.stands is not Verdict.NONE else ""
    return f"Chain {found.chain}: {PAST[found.verdict]} is taken back{again}."
