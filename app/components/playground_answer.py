"""An ask and its answer, as it is written: what was asked, what came of it, and what may be done with it."""

import streamlit as st

from app.components.comparison_pair import pair
from app.components.links import model_link, version_link
from app.components.notice import act, problem
from app.components.pager import open_row
from app.components.playground_form import fill_from
from app.components.playground_keep import keep
from app.components.playground_preferences import show_preferences
from app.components.playground_samples import show_samples
from app.components.playground_use import take_both
from app.components.run_badge import state_badge
from app.components.text import caption, chips, conversation, exact, facts, inline
from app.resources import workspace
from cai_core.runs import warm_queue
from db.queries.asks import AskDetail, ask_detail, ask_state

EVERY = 0.25
"""Seconds between two looks while the answer is written; the worker commits every tenth of one."""
OF_ASKS = {"choose": "Options", "count": "Tokens", "draft": "Draft"}


def show_answer(ask: AskDetail) -> None:
    """Draw an ask; while it is open, again and again without the rest of the page."""
    ask_id = ask.line.id
    if not ask.line.open:
        _draw(ask, "")
        return

    def look() -> tuple[str, bool] | None:
        with workspace().reading() as session:
            return ask_state(session, ask_id)

    before = look()

    def tick() -> None:
        if look() != before:
            st.rerun()
        warm_queue.kick(workspace())
        with workspace().reading() as session:
            found = ask_detail(session, ask_id)
            waits = warm_queue.waits_for(session, ask_id)
        if found is not None:
            _draw(found, waits)

    st.fragment(tick, run_every=EVERY)()


def _draw(ask: AskDetail, waits: str) -> None:
    _head(ask)
    if waits:
        chips([("waits" if ask.line.state == "waiting" else "at work", "blue")], note=waits)
    with st.container(border=True):
        chips([], title="Prompt")
        conversation(ask.turns)
    if ask.error:
        problem(f"There is no whole answer: {ask.error}")
    if ask.line.kind == "compare":
        pair("Response A", ask.response_a, "Response B", ask.response_b)
        show_preferences(ask)
    elif ask.line.kind in ("choose", "count"):
        _numbers(ask)
    else:
        show_samples(ask)
        take_both(ask)
    keep(ask)


def _head(ask: AskDetail) -> None:
    """State, where it comes from, and what may be done about it."""
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left, st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Ask {ask.line.id:,d}", anchor=False, width="content")
        _badge(ask)
    with right, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if ask.line.open:
            st.button(
                "Stop", icon=":material/stop:", on_click=act, args=(_stop, ask.line.id), disabled=ask.stop_requested
            )
        else:
            st.button(
                "Ask again",
                icon=":material/edit:",
                on_click=fill_from,
                args=(ask.line.id,),
                help="Puts this prompt and its settings into the form.",
            )
            st.button("Close", icon=":material/close:", on_click=open_row, args=("ask", None))
    with st.container(horizontal=True, vertical_alignment="center"):
        model_link(ask.model_id, ask.line.model)
        if ask.constitution:
            version_link(ask.constitution, ask.line.principles[0] if ask.line.principles else "")
        if ask.unsaved:
            chips([(_unsaved(ask), "orange")], width="content")
    caption(" · ".join(_facts(ask)))
    if ask.plain_because:
        caption(f"The engine fell back to the plain way, which is several times slower: {ask.plain_because}.")


def _unsaved(ask: AskDetail) -> str:
    return f"unsaved edits of {ask.constitution}" if ask.constitution else f"{ask.name or 'no name yet'}, not saved"


def _badge(ask: AskDetail) -> None:
    if ask.stop_requested:
        state_badge("running", stopping=True)
    elif ask.line.state == "answering":
        st.badge("Answering", icon=":material/progress_activity:", color="blue")
    else:
        state_badge(ask.line.state)


def _facts(ask: AskDetail) -> list[str]:
    said = [f"seed {ask.seed}"]
    if ask.line.kind in ("sample", "critique_revision", "draft"):
        said += [f"temperature {ask.temperature:g}", f"at most {ask.max_new_tokens} tokens each"]
    if ask.line.principles:
        said.append(f"{ask.few_shots} few-shots")
    if ask.seconds_to_first_text is not None:
        said.append(f"first words after {ask.seconds_to_first_text:.2g} s")
    if ask.seconds is not None:
        said.append(f"{ask.seconds:.2g} s in all")
    return said


def _stop(ask_id: int) -> str:
    warm_queue.request_stop(workspace(), ask_id)
    return f"Ask {ask_id} was asked to stop. What was written is kept."


def _numbers(ask: AskDetail) -> None:
    """Of a choice each option's log-probability; of a count the tokens, and what the context holds."""
    with st.container(border=True):
        chips([], title=OF_ASKS[ask.line.kind])
        if ask.line.kind == "count":
            names = {"count": "Sent", "context": "The context holds"}
            facts(
                (names[one.part], one.text or "" if one.num_tokens is None else f"{one.num_tokens:,}")
                for one in ask.parts
                if one.part in names
            )
        for part in ask.parts:
            bounded = part.bounded or (False,) * len(ask.options)
            for option, logprob, bound in zip(ask.options, part.logprobs or (), bounded, strict=False):
                inline(f"{option!r}: {'at most ' if bound else ''}{logprob:.3f} (natural logarithm)")
            if part.rendered:
                with st.expander("Exactly what was sent", icon=":material/code:", type="compact"):
                    exact(part.rendered)
