"""Launch: a stage, what it reads from, its settings, and go."""

import streamlit as st

from app import state
from app.components.config_form import choices, read_form
from app.components.launch_checks import missing
from app.components.launch_estimate import launch_estimate
from app.components.launch_form import settings, start_button
from app.components.launch_parents import chosen_parents
from app.components.pager import opened
from app.components.run_badge import TITLES
from app.components.text import caption, chips, inline
from app.resources import workspace
from cai_core.config import CONFIGS
from cai_core.types import RunKind
from db.queries.runs import RunDetail, run_detail, runs_of


def let_go(kind: RunKind) -> None:
    """Back from a clone to the stage's own settings."""
    st.session_state.pop(state.CLONE_OF, None)
    st.query_params["stage"] = kind.value


def asked_for() -> tuple[RunDetail | None, str, int]:
    """The run to clone, the stage to begin with, how many clones there were; an address beats an earlier clone."""
    stage = st.query_params.get("stage", "")
    if stage in TITLES:
        st.session_state.pop(state.CLONE_OF, None)
    clone_of, copy = st.session_state.get(state.CLONE_OF, (None, 0))
    with workspace().reading() as session:
        cloned = run_detail(session, clone_of) if clone_of else None
    return cloned, cloned.line.kind if cloned else stage, copy


def asked_parent() -> dict[str, int]:
    """The run that the address wants read from, by its kind."""
    with workspace().reading() as session:
        run = run_detail(session, opened("parent") or 0)
    return {run.line.kind: run.line.id} if run else {}


st.title("Launch")
cloned, asked, copy = asked_for()
before = {parent: run for run, parent in cloned.parents} if cloned else asked_parent()
with workspace().reading() as session:
    offered = choices(session)
    usable = runs_of(session, tuple(TITLES), include=before.values())

kind = (
    st.segmented_control(
        "Stage",
        list(RunKind),
        default=RunKind(asked) if asked in TITLES else RunKind.CHAINS,
        format_func=TITLES.__getitem__,
        required=True,
        key=f"launch.kind.{asked}.{copy}",
        persist_state="session",
    )
    or RunKind.CHAINS
)
caption((CONFIGS[kind].__doc__ or "").strip())
if cloned and cloned.line.kind != kind:
    cloned, before = None, {}
if cloned:
    with st.container(horizontal=True, vertical_alignment="center"):
        inline(f"Settings from run {cloned.line.id}. Change what should differ.")
        st.button("Let the clone go", icon=":material/close:", type="tertiary", on_click=let_go, args=(kind,))
parents = chosen_parents(kind, usable, before)
lacks = st.container()
prefix = settings(kind, offered, cloned, copy)
if lacking := missing(kind, read_form(kind, prefix), parents.values()):
    with lacks:
        chips([("still missing", "orange")], note=" ".join(lacking))
else:
    launch_estimate(kind, read_form(kind, prefix), parents)
start_button(kind, prefix, parents)
