"""A veil over harmful texts, for who does not want to read them unasked: each person's own choice."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.components.who import person_id
from app.resources import workspace
from cai_core.store import people

BLUR, LIFTED = "veil.blur", "veil.lifted"
SETTING = "blur"
HIDDEN = "(blurred)"


def veil_choice() -> None:
    """The switch, as the person left it."""
    if BLUR not in st.session_state:
        st.session_state[BLUR] = _chosen()
    st.toggle(
        "Blur harmful texts",
        key=BLUR,
        persist_state="session",
        on_change=_keep,
        help="Red-team prompts and what was said to them stay blurred until you press V. Kept for you alone.",
    )


def is_veiled(kind: str, what: object) -> bool:
    """Whether texts to this kind of prompt are to be veiled, `what` being the row that they are of, if one."""
    blur = st.session_state.get(BLUR)
    lifted = what is not None and st.session_state.get(LIFTED) == what
    return kind == "red_team" and not lifted and bool(_chosen() if blur is None else blur)


def veiled(kind: str, what: object) -> DeltaGenerator:
    """A container whose texts are blurred until the key is pressed."""
    if not is_veiled(kind, what):
        return st.container()
    st.html("<style>.st-key-veiled{filter:blur(8px);user-select:none}</style>")
    st.button(
        "Show this text",
        icon=":material/visibility:",
        shortcut="V",
        key=f"veil.lift.{what}",
        on_click=_lift,
        args=(what,),
    )
    return st.container(key="veiled")


def _chosen() -> bool:
    me = person_id()
    with workspace().reading() as session:
        return bool(people.settings_of(session, me).get(SETTING))


def _keep() -> None:
    me = person_id()
    with workspace().writing() as session:
        people.keep_setting(session, me, SETTING, bool(st.session_state[BLUR]))


def _lift(what: object) -> None:
    st.session_state[LIFTED] = what
