"""Running all cases on a version: the form, the progress, and in numbers what they came to."""

from uuid import uuid4

import streamlit as st
from sqlalchemy.orm import Session

from app.components.case_choice import Shown, leave_address
from app.components.case_table import STATES
from app.components.launch_form import LARGEST, read_seed
from app.components.links import run_link
from app.components.notice import act
from app.components.run_progress import live, progress_bar
from app.components.text import chips, inline
from app.resources import workspace
from cai_core.runs.queue import enqueue, kick
from cai_core.types import RunKind
from db.queries.cases import CaseCounts
from db.queries.cases_runs import CasesRun
from db.queries.models import model_names
from db.queries.runs import run_lines

MODEL, JUDGE = "cases.model", "cases.judge"
TEMPERATURE, MOST_TOKENS, SHOTS, SEED = "cases.temperature", "cases.tokens", "cases.few_shots", "cases.seed"
START: dict[str, float] = {TEMPERATURE: 1.0, MOST_TOKENS: 256, SHOTS: 4, SEED: 0}
"""How the fields begin: as the config does."""
COUNTED = {"pass": "pass", "fail": "fail"}
"""What is said of several, where it is said otherwise than of one."""
TOKEN = "cases.token"
"""Of the next press of the button: a second press of the same one carries a token that is used up."""
FIRST = "sandbox"


def run_form(session: Session, shown: Shown) -> None:
    """The models, the settings and the button; instead of the button the progress, while a run is active."""
    models = model_names(session)
    with st.container(border=True):
        left, middle, right = st.columns([3, 3, 2], vertical_alignment="bottom")
        first = models.index(FIRST) if FIRST in models and MODEL not in st.session_state else 0
        left.selectbox("Model", models, first, key=MODEL, persist_state="session", help="It answers, and it prefers.")
        middle.selectbox(
            "Judge",
            ["", *models],
            format_func=lambda name: name or "The same model",
            key=JUDGE,
            persist_state="session",
            help="It says whether a revision is what was hoped for.",
        )
        right.button(
            "Run all cases",
            type="primary",
            icon=":material/rule:",
            width="stretch",
            disabled=not models or shown.number is None or shown.active is not None,
            on_click=act,
            args=(_run, shown.ref, st.session_state.setdefault(TOKEN, uuid4().hex)),
        )
        with st.expander("Settings", icon=":material/tune:", type="compact"):
            _settings()
        if shown.active:
            _progress(shown.active)


def _settings() -> None:
    for key, value in START.items():
        st.session_state.setdefault(key, value)
    one, two, three, four = st.columns(4)
    one.number_input(
        "Temperature", 0.0, 5.0, step=0.1, format="%g", key=TEMPERATURE, persist_state="session", help="0 is greedy."
    )
    two.number_input("Longest text", 1, 8192, key=MOST_TOKENS, persist_state="session", help="In tokens.")
    three.number_input("Few-shots", 0, 64, key=SHOTS, persist_state="session", help="Of the version, in front of each.")
    four.number_input(
        "Seed",
        0,
        LARGEST,
        key=SEED,
        persist_state="session",
        help="Two versions under the same seed are asked in the same way.",
    )


def _run(ref: str, token: str) -> str:
    """Enqueue a run of all cases on a version, once a press."""
    state = st.session_state
    if token != state.get(TOKEN):
        return ""
    run = enqueue(
        workspace(),
        RunKind.CASES,
        {
            "constitution": ref,
            "model": str(state[MODEL]),
            "judge": str(state[JUDGE] or ""),
            "temperature": float(state[TEMPERATURE]),
            "max_new_tokens": int(state[MOST_TOKENS]),
            "few_shots": int(state[SHOTS]),
        },
        seed=read_seed(state[SEED]),
    )
    state[TOKEN] = uuid4().hex
    leave_address()
    kick(workspace())
    return f"Run {run} tries all cases on {ref}."


def _progress(active: CasesRun) -> None:
    def draw() -> None:
        with workspace().reading() as session:
            [line] = run_lines(session, (active.id,))
        progress_bar(line)

    live(draw, active=True)
    run_link(active.id)


def show_counts(shown: Shown, counts: CaseCounts) -> None:
    """What the cases came to, since when, and in which run."""
    if shown.run is None:
        return
    words = {state: COUNTED.get(state, word) for state, (word, _) in STATES.items()}
    found = [(f"{counts.states[s]:,} {words[s]}", tint) for s, (_, tint) in STATES.items() if s in counts.states]
    if counts.not_run:
        found.append((f"{counts.not_run:,} not run yet", "grey"))
    turned = [(f"{counts.broke:,} now fail", "red")] if counts.broke else []
    turned += [(f"{counts.mended:,} now pass", "green")] if counts.mended else []
    with st.container(horizontal=True, vertical_alignment="center"):
        chips(found, title=shown.ref, width="content")
        run_link(shown.run.id)
        inline(_provenance(shown.run))
    if shown.before:
        with st.container(horizontal=True, vertical_alignment="center"):
            since = f"{counts.changed:,} changed since {shown.name}@{shown.before.version}"
            chips(turned, title=since, width="content")
            run_link(shown.before.id)
            if shown.before.asked != shown.run.asked:
                chips([("asked otherwise", "orange")], note=_provenance(shown.before), width="content")


def _provenance(run: CasesRun) -> str:
    judge = "" if run.judge == run.model else f" · judged by {run.judge}"
    unfinished = "" if run.state == "done" else f" · {run.state}"
    return f"{run.model}{judge} · seed {run.seed} · {run.at:%Y-%m-%d %H:%M}{unfinished}"
