"""A run's state and name, the same on every page."""

import streamlit as st

from db.queries.runs import RunLine

TITLES = {
    "prompts": "Prompts",
    "chains": "Chains",
    "scores": "Scores",
    "sft": "SL-CAI",
    "comparisons": "Comparisons",
    "labels": "Labels",
    "pm": "Preference model",
    "rl": "RL-CAI",
    "battles": "Battles",
    "cases": "Cases",
}
"""What a stage is called, in the order of the method."""


def state_badge(state: str, stopping: bool = False) -> None:
    """The state as an icon, a word and a colour."""
    if stopping and state == "running":
        st.badge("Stopping", icon=":material/stop_circle:", color="orange")
    elif state == "done":
        st.badge("Done", icon=":material/check:", color="green")
    elif state == "running":
        st.badge("Running", icon=":material/progress_activity:", color="blue")
    elif state == "waiting":
        st.badge("Waiting", icon=":material/schedule:", color="gray")
    elif state == "stopped":
        st.badge("Stopped", icon=":material/stop_circle:", color="orange")
    elif state == "lost":
        st.badge("Lost", icon=":material/link_off:", color="orange")
    elif state == "failed":
        st.badge("Failed", icon=":material/error:", color="red")
    else:
        st.badge("Not run", icon=":material/circle:", color="gray")


def run_title(run_id: int, kind: str) -> str:
    """'Run 12 · Chains'."""
    return f"Run {run_id} · {TITLES[kind]}"


def in_select(run: RunLine) -> str:
    """A run as a select offers it."""
    return " · ".join(part for part in (run_title(run.id, run.kind), run.state, run.note) if part)


def duration(seconds: float) -> str:
    """'4 s', '3 min 20 s', '2 h 5 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
