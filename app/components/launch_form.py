"""The settings of a new run, and the press that enqueues it."""

from uuid import uuid4

import streamlit as st

from app import state
from app.components.config_form import Choices, config_form, read_form
from app.components.launch_checks import missing
from app.components.notice import act
from app.components.text import caption
from app.resources import workspace
from cai_core.config import fitting
from cai_core.errors import RunError
from cai_core.runs.presets import sandbox_loop
from cai_core.runs.queue import enqueue, kick
from cai_core.types import RunKind
from db.queries.runs import RunDetail

DEFAULTS, SANDBOX = "The paper's, for large models", "Tuned for the sandbox"
PREFIX = "launch.{kind}.{origin}"
"""What the keys of a form begin with; the origin says where its first values came from."""
LARGEST = 2**53 - 1
"""The largest number that a browser's number field holds exactly; a seed goes up to 2**63 - 1."""
TOKEN = "launch.token"
"""Of the next press of the button: a second press of the same one carries a token that is used up."""


def settings(kind: RunKind, offered: Choices, cloned: RunDetail | None, copy: int) -> str:
    """Draw the form made from the stage's config; answers what its keys begin with.

    `copy` counts the clones: what was changed in an earlier clone of the same run is not taken for its settings.
    """
    values, others = fitting(kind, cloned.config) if cloned else ({}, [])
    if others:
        caption(f"Settings of that run that this stage does not take, and that are left out: {', '.join(others)}.")
    origin = f"run-{cloned.line.id}.{copy}" if cloned else "defaults"
    if not cloned:
        base = st.segmented_control(
            "Settings",
            (SANDBOX, DEFAULTS),
            default=SANDBOX,
            required=True,
            key=f"launch.{kind}.base",
            persist_state="session",
        )
        if base == SANDBOX:
            values, origin = next((config for own, config, _ in sandbox_loop() if own == kind), {}), "sandbox"
    prefix = PREFIX.format(kind=kind, origin=origin)
    config_form(kind, values, offered, prefix)
    seed, note = st.columns([1, 3])
    with seed:
        _seed(cloned.line.seed if cloned else 0, f"{prefix}.seed")
    note.text_input("Note", key=f"{prefix}.note", placeholder="Why this run; shown beside it", persist_state="session")
    return prefix


def _seed(value: int, key: str) -> None:
    if value <= LARGEST:
        st.number_input("Seed", 0, LARGEST, value, key=key, persist_state="session")
    else:
        st.text_input("Seed", f"{value:d}", key=key, persist_state="session", help="A whole number, in digits.")


def read_seed(value: object) -> int:
    """The seed as the field gives it: a number, or for a large one its digits."""
    digits = str(value).strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise RunError(f"the seed {digits!r} is no whole number from 0 to 2**63 - 1. Write it in digits.")
    return int(digits)


def start_button(kind: RunKind, prefix: str, parents: dict[int, str]) -> None:
    """The button, good for one run."""
    token = st.session_state.setdefault(TOKEN, uuid4().hex)
    st.button(
        "Start run",
        type="primary",
        icon=":material/rocket_launch:",
        on_click=act,
        args=(start, kind, prefix, parents, token),
    )


def start(kind: RunKind, prefix: str, parents: dict[int, str], token: str) -> str:
    """Enqueue a run as the form says, and open it."""
    if token != st.session_state.get(TOKEN):
        return ""  # a double press: the first one's answer stands
    values = read_form(kind, prefix)
    if lacking := missing(kind, values, parents.values()):
        raise RunError(" ".join(lacking))
    run = enqueue(
        workspace(),
        kind,
        values,
        seed=read_seed(st.session_state[f"{prefix}.seed"]),
        parents=() if values.get("dataset") else tuple(parents),  # a dataset stands in for the chains run
        note=st.session_state[f"{prefix}.note"].strip(),
    )
    st.session_state[TOKEN] = uuid4().hex
    st.session_state[state.GO_TO] = ("views/runs.py", {"run": str(run)})
    st.session_state.pop(state.CLONE_OF, None)
    kick(workspace())
    return f"Run {run} is enqueued."
