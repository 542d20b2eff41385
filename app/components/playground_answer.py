"""An ask and its answer, as it is written: response, critique, revision, and exactly what was sent for each."""

import streamlit as st

from app.components.links import model_link, version_link
from app.components.notice import act, problem
from app.components.pager import open_row
from app.components.playground_form import fill_from
from app.components.run_badge import state_badge
from app.components.text import caption, chips, conversation, exact, inline, verbatim
from app.components.word_diff import show_diff
from app.resources import workspace
from cai_core.runs import warm_queue
from db.queries.asks import AskDetail, PartDetail, ask_detail, ask_state

EVERY = 0.25
"""Seconds between two looks while the answer is written; the worker commits every tenth of one."""
TITLES = {"response": "Response", "critique": "Critique", "revision": "Revision", "choice": "Choice"}
EXPECTED = {"critique_revision": ("response", "critique", "revision"), "choose": ("choice",), "sample": ("response",)}


def show_answer(ask: AskDetail) -> None:
    """Draw an ask; while it is open, again and again without the rest of the page."""
    ask_id = ask.line.id

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

    st.fragment(tick, run_every=EVERY if ask.line.open else None)()


def _draw(ask: AskDetail, waits: str) -> None:
    _head(ask)
    if waits:
        chips([("waits" if ask.line.state == "waiting" else "at work", "blue")], note=waits)
    with st.container(border=True):
        chips([], title="Prompt")
        conversation(ask.turns)
    for number, name in enumerate(EXPECTED[ask.line.kind]):
        if number < len(ask.parts):
            _part(ask, ask.parts[number])
        elif ask.line.open:
            with st.container(border=True):
                chips([], title=TITLES[name], note="to come")
    if ask.error:
        problem(f"There is no whole answer: {ask.error}")


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
            version_link(ask.constitution, ask.line.principle or "")
    caption(" · ".join(_facts(ask)))


def _badge(ask: AskDetail) -> None:
    if ask.stop_requested:
        state_badge("running", stopping=True)
    elif ask.line.state == "answering":
        st.badge("Answering", icon=":material/progress_activity:", color="blue")
    else:
        state_badge(ask.line.state)


def _facts(ask: AskDetail) -> list[str]:
    said = [f"seed {ask.seed}", f"temperature {ask.temperature:g}", f"at most {ask.max_new_tokens} tokens each"]
    if ask.constitution:
        said.append(f"{ask.few_shots} few-shots")
    if ask.seconds_to_first_text is not None:
        said.append(f"first words after {ask.seconds_to_first_text:.2g} s")
    if ask.seconds is not None:
        said.append(f"{ask.seconds:.2g} s in all")
    return said


def _stop(ask_id: int) -> str:
    warm_queue.request_stop(workspace(), ask_id)
    return f"Ask {ask_id} was asked to stop. What was written is kept."


def _part(ask: AskDetail, part: PartDetail) -> None:
    with st.container(border=True):
        _title(ask, part)
        if part.text is None and part.finished is None:
            caption("Nothing written yet." if ask.line.open else "Nothing was written.")
        elif part.part == "revision" and part.finished is not None:
            _revision(ask, part)
        else:
            verbatim(part.text)
        if part.thinking:
            with st.expander("What it thought first", icon=":material/psychology:", type="compact"):
                verbatim(part.thinking)
        with st.expander("Exactly what was sent", icon=":material/code:", type="compact"):
            _sent(part)


def _title(ask: AskDetail, part: PartDetail) -> None:
    labels: list[tuple[str, str]] = []
    if part.part != "response" and ask.principle_title:
        labels.append((ask.principle_title, "violet"))
    if part.finished is None:
        labels.append(("being written", "blue") if ask.line.open else ("not finished", "orange"))
    elif not part.finished:
        labels.append(("cut at the token limit", "orange"))
    tokens = "" if part.num_tokens is None else f"{part.num_tokens} tokens"
    chips(labels, title=TITLES.get(part.part, part.part), note=tokens)


def _revision(ask: AskDetail, part: PartDetail) -> None:
    """The revision, and what it changed of the response."""
    response = next((one.text for one in ask.parts if one.part == "response"), None)
    changed, whole = st.tabs(["What changed", "Text"])
    with changed:
        show_diff(response, part.text or "")
    with whole:
        verbatim(part.text)


def _sent(part: PartDetail) -> None:
    if part.rendered is None:
        inline("It could not be rendered, so nothing was sent.")
        return
    exact(part.rendered)
    facts = [f"seed {part.seed}" if part.seed is not None else "", f"hash {part.sent}" if part.sent else ""]
    caption(" · ".join(filter(None, facts)))
