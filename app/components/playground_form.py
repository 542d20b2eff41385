"""The Playground's form: a prompt, a model, a principle, and how to sample."""

from uuid import uuid4

import streamlit as st
from sqlalchemy.orm import Session

from app.components.launch_form import LARGEST, read_seed
from app.components.notice import act
from app.components.pager import open_row
from app.components.text import caption, chips
from app.resources import workspace
from cai_core.runs.warm_queue import ask
from cai_core.store.constitutions import load_version
from cai_core.types import Ask, AskKind, Principle, user
from db.queries.asks import AskDetail, ask_detail
from db.queries.constitutions import constitution_names, versions
from db.queries.models import model_names

FIRST = "sandbox"
"""The model and the constitution that are chosen first, where they are there."""
PROMPT, MODEL, VERSION = "playground.prompt", "playground.model", "playground.version"
TEMPERATURE, MOST_TOKENS = "playground.temperature", "playground.tokens"
SEED, SHOTS = "playground.seed", "playground.few_shots"
START: dict[str, float] = {TEMPERATURE: 1.0, MOST_TOKENS: 256, SEED: 0, SHOTS: 2}
"""How the fields begin."""
TOKEN = "playground.token"
"""Of the next press of the button: a second press of the same one carries a token that is used up."""


def ask_form(session: Session) -> None:
    """Draw it; the button asks, and opens the answer."""
    models = model_names(session)
    pinned = [line.name for name in constitution_names(session) for line in versions(session, name)]
    with st.container(border=True):
        st.text_area(
            "Prompt",
            key=PROMPT,
            height=132,
            placeholder="What a person would write to the model",
            persist_state="session",
        )
        st.selectbox("Model", models, _first(models, MODEL), key=MODEL, persist_state="session")
        version = st.selectbox("Constitution", pinned, _first(pinned, VERSION), key=VERSION, persist_state="session")
        principle = _principle(session, version)
        with st.expander("Sampling", icon=":material/tune:", type="compact"):
            _sampling()
        st.button(
            "Ask",
            type="primary",
            icon=":material/send:",
            width="stretch",
            disabled=not models,
            on_click=act,
            args=(_ask, principle, st.session_state.setdefault(TOKEN, uuid4().hex)),
        )


def _first(options: list[str], key: str) -> int | None:
    """Where the select begins; an option that an address or another page chose rules."""
    if key in st.session_state or not options:
        return 0 if options else None
    return next((i for i, one in enumerate(options) if one.partition("@")[0] == FIRST), 0)


def principle_key(version: str | None) -> str:
    """Each version keeps its own choice."""
    return f"playground.principle.{version}"


def _principle(session: Session, version: str | None) -> str | None:
    """The select, and what the chosen principle asks for; answers its id, None for the response alone."""
    found = usable(session, version) if version else {}
    chosen = st.selectbox(
        "Principle",
        ["", *found],
        # What the page is for: a critique and a revision.
        0 if principle_key(version) in st.session_state or not found else 1,
        format_func=lambda slug: found[slug].title if slug in found else "None: the response alone",
        key=principle_key(version),
        persist_state="session",
        help="The model criticises its response under it, and revises it.",
    )
    if chosen not in found:
        return None
    chips([(chosen, "violet"), (found[chosen].kind.value, "grey")])
    caption(found[chosen].critique_request or "")
    return str(chosen)


def usable(session: Session, version: str) -> dict[str, Principle]:
    """The principles of a version that a critique can be written under, by id."""
    principles = load_version(session, version)[1].principles
    return {one.id: one for one in principles if one.critique_request and one.revision_request}


def _sampling() -> None:
    left, right = st.columns(2)
    for key, value in START.items():
        # Not as the fields' defaults: an ask that fills the form would be warned of beside them.
        st.session_state.setdefault(key, value)
    left.number_input(
        "Temperature", 0.0, 5.0, step=0.1, format="%g", key=TEMPERATURE, persist_state="session", help="0 is greedy."
    )
    right.number_input(
        "Longest text",
        1,
        8192,
        key=MOST_TOKENS,
        persist_state="session",
        help="In tokens: of the response, the critique and the revision each.",
    )
    left.number_input(
        "Seed",
        0,
        LARGEST,
        key=SEED,
        persist_state="session",
        help="The same prompt under the same seed gets what a chains run would write.",
    )
    right.number_input(
        "Few-shots",
        0,
        64,
        key=SHOTS,
        persist_state="session",
        help="Examples of the constitution in front of critique and revision.",
    )


def _ask(principle: str | None, token: str) -> str:
    """Ask what the form says, once a press."""
    if token != st.session_state.get(TOKEN):
        return ""
    state = st.session_state
    ask_id = ask(
        workspace(),
        Ask(
            kind=AskKind.CRITIQUE_REVISION if principle else AskKind.SAMPLE,
            model=str(state[MODEL]),
            turns=(user(str(state[PROMPT] or "").strip()),),
            seed=read_seed(state[SEED]),
            temperature=float(state[TEMPERATURE]),
            max_new_tokens=int(state[MOST_TOKENS]),
            constitution=str(state[VERSION]) if principle else None,
            principle=principle,
            few_shots=int(state[SHOTS]) if principle else 0,
        ),
    )
    state[TOKEN] = uuid4().hex
    open_row("ask", ask_id)
    return ""


def fill_from(ask_id: int) -> None:
    """Put an ask's prompt and settings into the form, to be asked again with a change."""
    with workspace().reading() as session:
        found = ask_detail(session, ask_id)
        models = model_names(session)
    if found is not None:
        _fill(found, models)


def _fill(found: AskDetail, models: list[str]) -> None:
    state = st.session_state
    state[PROMPT] = found.line.prompt
    if found.line.model in models:
        state[MODEL] = found.line.model
    if found.constitution:
        state[VERSION] = found.constitution
        state[SHOTS] = found.few_shots
    state[principle_key(state.get(VERSION))] = found.line.principle or ""
    state[TEMPERATURE], state[MOST_TOKENS] = found.temperature, found.max_new_tokens
    state[SEED] = min(found.seed, LARGEST)
