"""Which runs a new run reads from."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.components.run_badge import TITLES, in_select
from cai_core.config import PARENTS
from cai_core.types import RunKind
from db.queries.runs import RunLine

RECALLS = (
    "Optional, to compare another constitution with it: where the very same would be asked, its answers are taken "
    "over. A chains run takes its prompts too. Model, seed and settings have to be the same."
)


def chosen_parents(kind: RunKind, usable: Sequence[RunLine], before: Mapping[str, int]) -> dict[int, str]:
    """One run of each kind that the stage can use, as id and kind; `before` gives the first choice by kind.

    A run of the stage's own kind is never needed, so none is chosen first.
    """
    parents: dict[int, str] = {}
    for column, need in zip(st.columns(max(2, len(PARENTS[kind]))), PARENTS[kind], strict=False):
        runs = {run.id: run for run in usable if run.kind == need}
        newest = None if need is kind else next((i for i, run in runs.items() if run.state == "done"), None)
        first = before.get(need, newest)
        chosen = column.selectbox(
            "Recall from" if need is kind else f"{TITLES[need]} run",
            list(runs),
            list(runs).index(first) if first in runs else None,
            format_func=lambda i, runs=runs: in_select(runs[i]),
            placeholder="No run" if need is kind else "None",
            key=f"launch.{kind}.parent.{need}.{first}",
            persist_state="session",
            help=RECALLS if need is kind else "One that is not done yet is waited for.",
        )
        if chosen is not None:
            parents[chosen] = need.value
    return parents
