"""A principle drafted by a model from what somebody says of a response; it opens among the others, to be edited."""

from collections.abc import Iterable
from uuid import uuid4

import streamlit as st

from app import state
from app.components.constitution_choice import select_part
from app.components.draft_edit import edit
from app.components.notice import act, problem
from app.components.text import caption, chips, verbatim
from app.resources import workspace
from cai_core.constitution.drafting import SECTIONS, Undrafted, parse_draft, request_turns
from cai_core.errors import PromptError
from cai_core.runs import warm_queue
from cai_core.store import draft_content, drafts
from cai_core.types import Ask, AskKind, Conversation, Draft, Message, Principle, user
from db.queries.asks import AskDetail, ask_detail
from db.queries.models import model_names

OPEN, PROMPT, EARLIER, RESPONSE = "drafting.open", "drafting.prompt", "drafting.earlier", "drafting.response"
GOOD, BAD, BETTER, MODEL = "drafting.good", "drafting.bad", "drafting.better", "drafting.model"
ASKED, TOKEN, COUNT = "drafting.ask", "drafting.token", "drafting.count"
AREAS = {
    PROMPT: "Prompt",
    RESPONSE: "Response",
    GOOD: "What is good",
    BAD: "What is bad",
    BETTER: "How it should have read",
}
FIRST = "sandbox"
TEMPERATURE, MOST_TOKENS = 0.7, 400
EVERY = 0.25
"""Seconds between two looks at what is being written."""


def drafting(shown: Draft) -> None:
    """The form behind a press, and what came of it. What the Playground handed over stands in it, opened."""
    _take_over()
    opened = st.expander(
        "Draft a principle from feedback", icon=":material/rate_review:", key=OPEN, on_change="rerun", type="default"
    )
    if not opened.open:
        return
    with opened:
        st.caption("Say what is good or bad about a response, and a model drafts the principle behind it.")
        _form()
        if st.session_state.get(ASKED) is not None:
            _answer(shown, int(st.session_state[ASKED]))


def _take_over() -> None:
    """A response from elsewhere: `state.DRAFT_FROM` holds its conversation and its text, once."""
    found = st.session_state.pop(state.DRAFT_FROM, None)
    if found is None:
        return
    turns: Conversation = found["conversation"]
    st.session_state[EARLIER] = turns[:-1]
    st.session_state[PROMPT] = turns[-1].content if turns else ""
    st.session_state[RESPONSE] = found["response"]
    st.session_state[OPEN] = True
    for key in (ASKED, GOOD, BAD, BETTER):
        st.session_state.pop(key, None)


def _form() -> None:
    with workspace().reading() as session:
        models = model_names(session)
    if earlier := st.session_state.get(EARLIER):
        with st.container(horizontal=True, vertical_alignment="center"):
            caption(f"{len(earlier)} turns came before the prompt; they are shown to the model too.")
            st.button("Leave them out", type="tertiary", key="drafting.alone", on_click=_leave_earlier_out)
    _area(PROMPT, "What the person wrote")
    _area(RESPONSE, "What the model answered: typed, pasted, or brought from the Playground")
    good, bad = st.columns(2)
    with good:
        _area(GOOD, "What should stay")
    with bad:
        _area(BAD, "What should not happen")
    _area(BETTER, "A better response, whole or in part")
    model, press = st.columns([3, 2], vertical_alignment="bottom")
    start = models.index(FIRST) if FIRST in models and MODEL not in st.session_state else 0
    model.selectbox("Model", models, start if models else None, key=MODEL, persist_state="session")
    press.button(
        "Draft",
        type="primary",
        icon=":material/edit_note:",
        width="stretch",
        disabled=not models,
        on_click=act,
        args=(_ask, st.session_state.setdefault(TOKEN, uuid4().hex)),
    )


def _area(key: str, placeholder: str) -> None:
    st.text_area(AREAS[key], key=key, placeholder=placeholder, height="content", persist_state="session")


def _leave_earlier_out() -> None:
    st.session_state.pop(EARLIER, None)


def _said(key: str) -> str:
    return str(st.session_state.get(key) or "").strip()


def _ask(token: str) -> None:
    """Ask the model, once a press; each press with a seed of its own."""
    if token != st.session_state.get(TOKEN):
        return
    prompt, response, model = _said(PROMPT), _said(RESPONSE), _said(MODEL)
    said = {"good": _said(GOOD), "bad": _said(BAD), "better": _said(BETTER)}
    if not prompt or not response:
        raise PromptError("a principle is drafted from a response: write the prompt and what was answered.")
    if not any(said.values()):
        raise PromptError("say at least one of the three: what is good, what is bad, or how it should have read.")
    earlier: tuple[Message, ...] = tuple(st.session_state.get(EARLIER) or ())
    turns = request_turns((*earlier, user(prompt)), response, **said)
    tries = int(st.session_state.get(COUNT, 0))
    asked = Ask(AskKind.DRAFT, model, turns, seed=tries, temperature=TEMPERATURE, max_new_tokens=MOST_TOKENS)
    st.session_state[ASKED] = warm_queue.ask(workspace(), asked)
    st.session_state[COUNT], st.session_state[TOKEN] = tries + 1, uuid4().hex


def _answer(shown: Draft, ask_id: int) -> None:
    """What is being written, then what it makes."""
    with workspace().reading() as session:
        found = ask_detail(session, ask_id)
    if found is None:
        st.session_state.pop(ASKED, None)
    elif found.line.open:
        _live(ask_id)
    else:
        _result(shown, found)


def _live(ask_id: int) -> None:
    """Drawn again and again without the rest of the page, until it is over."""

    def tick() -> None:
        warm_queue.kick(workspace())
        with workspace().reading() as session:
            found = ask_detail(session, ask_id)
            waits = "" if found is None else warm_queue.waits_for(session, ask_id)
        if found is None or not found.line.open:
            st.rerun()
        with st.container(border=True):
            chips([("being drafted", "blue")], title=found.line.model, note=waits)
            for part in found.parts:
                verbatim(part.text or "")
            st.button("Stop", icon=":material/stop:", key="drafting.stop", on_click=act, args=(_stop, ask_id))

    st.fragment(tick, run_every=EVERY)()


def _stop(ask_id: int) -> None:
    warm_queue.request_stop(workspace(), ask_id)


def _result(shown: Draft, found: AskDetail) -> None:
    """The three texts and the way into the constitution, or why there are none."""
    wrote = next((part.text for part in found.parts if part.text), "") or ""
    drafted = parse_draft(wrote, asked=[text for _, text in found.turns[-1:]])
    with st.container(border=True, key="drafted"):
        if found.line.state == "stopped":
            chips([("stopped", "orange")], title=found.line.model, note="no principle was drafted")
        elif found.error:
            problem(f"{found.line.model} could not be asked: {found.error}")
        elif isinstance(drafted, Undrafted):
            problem(f"{found.line.model} could not draft a principle. {drafted.reason}")
            st.caption("Small models often cannot. Choose a larger one, draft again, or write it yourself.")
            with st.expander("What it wrote", icon=":material/notes:", type="compact"):
                verbatim(wrote)
        else:
            _drafted(shown, drafted, found)


def _drafted(shown: Draft, drafted: Principle, found: AskDetail) -> None:
    chips([("drafted", "green")], title=drafted.title, note=f"by {found.line.model}")
    for label, text in _texts(drafted):
        caption(label)
        verbatim(text)
    with st.container(horizontal=True):
        st.button(
            "Add it and edit",
            type="primary",
            icon=":material/add:",
            on_click=act,
            args=(_add, shown, drafted, found.line.id),
        )
        st.button("Throw away", key="drafting.away", on_click=_forget)


def _texts(drafted: Principle) -> Iterable[tuple[str, str]]:
    return [(label, getattr(drafted, name)) for name, label in SECTIONS.items()]


def _forget() -> None:
    st.session_state.pop(ASKED, None)


def _add(shown: Draft, drafted: Principle, ask_id: int) -> str:
    """Add it under an id of its own and open it; a second press adds nothing."""
    taken = draft_content.content_of(shown.now)
    named = draft_content.free_id(taken, drafted.title) or draft_content.free_id(taken, "drafted")
    whole = Principle(
        named,
        drafted.title,
        critique_request=drafted.critique_request,
        revision_request=drafted.revision_request,
        comparison=drafted.comparison,
    )
    select_part("principle", edit(shown, drafts.add_principle, whole, None, f"+drafted{ask_id}"))
    for key in (ASKED, GOOD, BAD, BETTER):
        st.session_state.pop(key, None)
    st.session_state[OPEN] = False
    return "The drafted principle stands last: edit it, then save a version."
