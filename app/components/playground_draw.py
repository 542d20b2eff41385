"""Drawing a prompt from a prompt set into the form, by a seed: the same seed draws the same prompt again."""

import streamlit as st
from sqlalchemy.orm import Session

from app.components.notice import act
from app.components.playground_keys import EARLIER, PROMPT
from app.components.prompt_kinds import KINDS
from app.components.text import conversation
from app.resources import workspace
from cai_core.errors import PromptError
from cai_core.types import Split, derive_seed
from db.queries.models import prompt_sources
from db.queries.trying import PromptFilter, count_prompts, prompt_at, prompt_topics

FROM, KIND, SPLIT, TOPIC = "playground.from", "playground.kind", "playground.split", "playground.topic"
DRAW_SEED, DRAWN = "playground.draw_seed", "playground.drawn"
LARGEST = 10**6
SPLITS = {split.value: split.value.capitalize() for split in Split}


def draw_prompt(session: Session) -> None:
    """What to draw from, and the buttons."""
    with st.expander("Draw a prompt", icon=":material/casino:", type="compact"):
        _narrow(session)
        seed = int(st.session_state.setdefault(DRAW_SEED, 0))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input("Draw seed", 0, LARGEST, key=DRAW_SEED, persist_state="session", width=100)
            st.button("Draw", on_click=act, args=(_draw, seed))
            st.button("Another", on_click=act, args=(_draw, seed + 1))
        if drawn := st.session_state.get(DRAWN):
            place, count = drawn
            st.caption(f"Drawn: prompt {place + 1:,d} of {count:,d}")


def _narrow(session: Session) -> None:
    left, right = st.columns(2)
    source = left.selectbox(
        "Prompt set",
        prompt_sources(session),
        index=None,
        placeholder="Any set",
        key=FROM,
        persist_state="session",
    )
    right.selectbox(
        "Kind",
        list(KINDS),
        index=None,
        format_func=KINDS.__getitem__,
        placeholder="Any kind",
        key=KIND,
        persist_state="session",
    )
    left.selectbox(
        "Split",
        list(SPLITS),
        index=None,
        format_func=SPLITS.__getitem__,
        placeholder="Any split",
        key=SPLIT,
        persist_state="session",
    )
    right.selectbox(
        "Topic",
        _topics(str(workspace().folder), source),
        index=None,
        placeholder="Any topic",
        key=TOPIC,
        persist_state="session",
    )


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _topics(_folder: str, source: str | None) -> list[str]:
    """A large set has to be read through for them."""
    with workspace().reading() as session:
        return prompt_topics(session, source)


def _draw(seed: int) -> str:
    state = st.session_state
    which = PromptFilter(state.get(FROM), state.get(KIND), state.get(SPLIT), state.get(TOPIC))
    with workspace().reading() as session:
        count = count_prompts(session, which)
        place = derive_seed(seed, "draw a prompt") % count if count else 0
        turns = prompt_at(session, which, place)
    if turns is None:
        raise PromptError("no prompt is like this. Lift one of the choices, or import prompts.")
    fill_turns(turns)
    state[DRAW_SEED], state[DRAWN] = min(seed, LARGEST), (place, count)
    return ""


def fill_turns(turns: tuple[tuple[str, str], ...]) -> None:
    """Put a prompt into the form: its last turn to be edited, those before it as they are."""
    st.session_state[EARLIER], st.session_state[PROMPT] = turns[:-1], turns[-1][1]


def earlier_turns() -> None:
    """The turns before the last, where the prompt has any."""
    if turns := st.session_state.get(EARLIER):
        with st.expander(f"{len(turns):d} earlier turns", icon=":material/history:", type="compact"):
            conversation(turns)
            st.button("Leave them out", on_click=_forget)


def _forget() -> None:
    st.session_state.pop(EARLIER, None)
