"""The Playground's form: what is tried on which model, and how to sample."""

from uuid import uuid4

import streamlit as st
from sqlalchemy.orm import Session

from app.components.launch_form import LARGEST, read_seed
from app.components.notice import act
from app.components.pager import open_row
from app.components.playground_draw import draw_prompt, earlier_turns, fill_turns
from app.components.playground_keys import (
    EARLIER,
    MODE,
    MODEL,
    MODES,
    MOST_TOKENS,
    PROMPT,
    SAMPLES,
    SEED,
    SHOTS,
    SOURCE,
    START,
    TEMPERATURE,
    TOKEN,
    A,
    B,
    Source,
    all_key,
    mode,
    principles_key,
)
from app.components.playground_source import choose_source, chosen, usable
from app.components.who import person_id
from app.resources import workspace
from cai_core.runs.warm_queue import MOST_SAMPLES, ask
from cai_core.store import drafts
from cai_core.types import Ask, AskKind, Constitution, Conversation, Message, Role, user
from db.queries.asks import AskDetail, ask_detail
from db.queries.drafts import draft_lines
from db.queries.models import model_names

FIRST = "sandbox"
"""The model that is chosen first, where it is there."""


def ask_form(session: Session) -> None:
    """Draw it; the button asks, and opens the answer."""
    models = model_names(session)
    for key, value in START.items():
        # Not as the fields' defaults: an ask that fills the form would be warned of beside them.
        st.session_state.setdefault(key, value)
    st.session_state.setdefault(MODE, "revise")
    # The address may choose the mode, and does so before its control is drawn.
    control = st.container()
    with st.container(border=True):
        prompt = st.container()
        choose = st.container()
        st.selectbox("Model", models, _first(models), key=MODEL, persist_state="session")
        with st.expander("Sampling", icon=":material/tune:", type="compact"):
            _sampling()
        st.button(
            "Ask",
            type="primary",
            icon=":material/send:",
            width="stretch",
            disabled=not models,
            on_click=act,
            args=(_ask, st.session_state.setdefault(TOKEN, uuid4().hex)),
        )
    with choose:
        choose_source(session)
    with control:
        st.segmented_control(
            "What to try",
            list(MODES),
            format_func=MODES.__getitem__,
            required=True,
            key=MODE,
            persist_state="session",
            label_visibility="collapsed",
            width="stretch",
        )
    with prompt:
        _prompt(session)


def _first(options: list[str]) -> int | None:
    """Where the select begins; an option that an address or another page chose rules."""
    if MODEL in st.session_state or not options:
        return 0 if options else None
    return options.index(FIRST) if FIRST in options else 0


def _prompt(session: Session) -> None:
    with st.container():  # what comes and goes must not move what follows, or an open expander would close
        earlier_turns()
    st.text_area(
        "Prompt",
        key=PROMPT,
        height=108,
        placeholder="What a person would write to the model",
        persist_state="session",
    )
    draw_prompt(session)
    if mode() == "compare":
        st.text_area("Response A", key=A, height=108, placeholder="What a model answered", persist_state="session")
        st.text_area("Response B", key=B, height=108, placeholder="What it could answer", persist_state="session")


def _sampling() -> None:
    left, right = st.columns(2)
    if mode() == "revise":
        left.number_input(
            "Responses",
            1,
            MOST_SAMPLES,
            key=SAMPLES,
            persist_state="session",
            help="Samples of one prompt, side by side; each is criticised and revised.",
        )
        right.number_input(
            "Temperature",
            0.0,
            5.0,
            step=0.1,
            format="%g",
            key=TEMPERATURE,
            persist_state="session",
            help="0 is greedy.",
        )
        left.number_input(
            "Longest text",
            1,
            8192,
            key=MOST_TOKENS,
            persist_state="session",
            help="In tokens: of the response, the critique and the revision each.",
        )
    right.number_input(
        "Seed",
        0,
        LARGEST,
        key=SEED,
        persist_state="session",
        help="The same prompt under the same seed gets what a run of this seed would make of it.",
    )
    left.number_input(
        "Few-shots",
        0,
        64,
        key=SHOTS,
        persist_state="session",
        help="Examples of the constitution in front of what is asked under a principle.",
    )


def _ask(token: str) -> str:
    """Ask what the form says, once a press."""
    if token != st.session_state.get(TOKEN):
        return ""
    ask_id = ask(workspace(), _asked())
    st.session_state[TOKEN] = uuid4().hex
    open_row("ask", ask_id)
    return ""


def _asked() -> Ask:
    state = st.session_state
    wanted, source = mode(), state.get(SOURCE)
    principles, saved, wording = _tried(source, wanted)
    pair = wanted == "compare"
    under = pair or bool(principles)
    return Ask(
        kind=AskKind.COMPARE if pair else AskKind.CRITIQUE_REVISION if principles else AskKind.SAMPLE,
        model=str(state[MODEL]),
        turns=_turns(),
        seed=read_seed(state[SEED]),
        temperature=float(state[TEMPERATURE]),
        max_new_tokens=int(state[MOST_TOKENS]),
        constitution=saved if under else None,
        principles=principles,
        wording=wording if under else None,
        few_shots=int(state[SHOTS]) if under else 0,
        samples=1 if pair else int(state[SAMPLES]),
        response_a=str(state.get(A) or "") if pair else None,
        response_b=str(state.get(B) or "") if pair else None,
    )


def _turns() -> Conversation:
    earlier = st.session_state.get(EARLIER) or ()
    last = user(str(st.session_state[PROMPT] or "").strip())
    return (*(Message(Role(role), text) for role, text in earlier), last)


def _tried(source: Source | None, wanted: str) -> tuple[tuple[str, ...], str | None, Constitution | None]:
    """The principles, the version they are of or began from, and their wording where it is saved nowhere."""
    with workspace().reading() as session:
        principles = chosen(source, list(usable(session, source, wanted)), wanted)
        if not isinstance(source, int):
            return principles, source, None
        draft = drafts.get(session, source)
        return principles, draft.base, draft.now


def fill_from(ask_id: int) -> None:
    """Put an ask's prompt and settings into the form, to be asked again with a change."""
    with workspace().reading() as session:
        found = ask_detail(session, ask_id)
        models = model_names(session)
        mine = draft_lines(session, person_id())
    if found is None:
        return
    source: Source | None = found.constitution
    if found.unsaved:
        source = next((line.id for line in mine if line.base == found.constitution), found.constitution)
    _fill(found, models, source)


def _fill(found: AskDetail, models: list[str], source: Source | None) -> None:
    state, pair = st.session_state, found.line.kind == AskKind.COMPARE
    fill_turns(found.turns)
    state[MODE] = "compare" if pair else "revise"
    if found.line.model in models:
        state[MODEL] = found.line.model
    if source is not None:
        state[SOURCE], state[SHOTS], state[all_key(source)] = source, found.few_shots, False
    state[principles_key(state[MODE], state.get(SOURCE))] = list(found.line.principles)
    state[TEMPERATURE], state[MOST_TOKENS] = found.temperature, found.max_new_tokens
    state[SEED] = min(found.seed, LARGEST)
    if pair:
        state[A], state[B] = found.response_a, found.response_b
    else:
        state[SAMPLES] = found.line.samples
