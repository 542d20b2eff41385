"""Launch: a stage, what it reads from, its settings, and go."""

from typing import Any

import streamlit as st

from app import state
from app.components.config_form import Choices, choices, config_form, read_form
from app.components.launch_checks import missing
from app.components.launch_parents import chosen_parents
from app.components.notice import act
from app.components.run_badge import TITLES
from app.components.text import caption, chips
from app.resources import workspace
from cai_core.config import CONFIGS
from cai_core.errors import RunError
from cai_core.runs.presets import sandbox_loop
from cai_core.runs.queue import enqueue, kick
from cai_core.types import RunKind
from db.queries.runs import RunDetail, run_detail, runs_of

DEFAULTS, SANDBOX = "The paper's, for large models", "Tuned for the sandbox"


def start(kind: RunKind, prefix: str, parents: dict[int, str]) -> None:
    """Enqueue a run as the form says."""
    act(_start, kind, prefix, parents)


def _start(kind: RunKind, prefix: str, parents: dict[int, str]) -> str:
    values = read_form(kind, prefix)
    if lacking := missing(kind, values, parents.values()):
        raise RunError(" ".join(lacking))
    run = enqueue(
        workspace(),
        kind,
        values,
        seed=st.session_state[f"{prefix}.seed"],
        parents=tuple(parents),
        note=st.session_state[f"{prefix}.note"].strip(),
    )
    kick(workspace())
    st.session_state.pop(state.CLONE_OF, None)
    return f"Run {run} is enqueued. Watch it under Runs."


def settings(kind: RunKind, offered: Choices, cloned: RunDetail | None, parents: dict[int, str]) -> None:
    """The form made from the stage's config, and the button."""
    values: dict[str, Any] = cloned.config if cloned else {}
    origin = f"run-{cloned.line.id}" if cloned else "defaults"
    if not cloned:
        base = st.segmented_control(
            "Settings", (SANDBOX, DEFAULTS), default=SANDBOX, required=True, key=f"launch.{kind}.base"
        )
        if base == SANDBOX:
            values, origin = next(config for own, config, _ in sandbox_loop() if own == kind), "sandbox"
    prefix = f"launch.{kind}.{origin}"
    with st.form(prefix):
        config_form(kind, values, offered, prefix)
        seed, note = st.columns([1, 3])
        seed.number_input("Seed", 0, 2**31 - 1, cloned.line.seed if cloned else 0, key=f"{prefix}.seed")
        note.text_input("Note", key=f"{prefix}.note", placeholder="Why this run; shown beside it")
        st.form_submit_button(
            "Start run", type="primary", icon=":material/rocket_launch:", on_click=start, args=(kind, prefix, parents)
        )


st.title("Launch")
clone_of = st.session_state.get(state.CLONE_OF)
with workspace().reading() as session:
    offered = choices(session)
    usable = runs_of(session, tuple(TITLES))
    cloned = run_detail(session, clone_of) if clone_of else None

asked = cloned.line.kind if cloned else st.query_params.get("stage", "")
kinds = list(RunKind)
kind = st.segmented_control(
    "Stage",
    kinds,
    default=RunKind(asked) if asked in TITLES else RunKind.CHAINS,
    format_func=TITLES.__getitem__,
    required=True,
    key=f"launch.kind.{asked}.{clone_of}",
)
kind = kind or RunKind.CHAINS
if cloned is None or cloned.line.kind != kind:
    cloned = None
caption((CONFIGS[kind].__doc__ or "").strip())
if cloned:
    caption(f"Settings from run {cloned.line.id}. Change what should differ.")
parents = chosen_parents(kind, usable, {parent: run for run, parent in cloned.parents} if cloned else {})
if lacking := missing(kind, {}, parents.values()):
    chips([("still missing", "orange")], note=" ".join(lacking))
settings(kind, offered, cloned, parents)
