"""Which runs a new run reads from."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.components.run_badge import TITLES, in_select
from cai_core.config import PARENTS
from cai_core.types import RunKind
from db.queries.runs import RunLine


def chosen_parents(kind: RunKind, usable: Sequence[RunLine], before: Mapping[str, int]) -> dict[int, str]:
    """One run of each kind that the stage can use, as id and kind; `before` gives the first choice by kind."""
    parents: dict[int, str] = {}
    for column, need in zip(st.columns(max(1, len(PARENTS[kind]))), PARENTS[kind], strict=False):
        runs = {run.id: run for run in usable if run.kind == need}
        newest = next((i for i, run in runs.items() if run.state == "done"), None)
        first = before.get(need, newest)
        chosen = column.selectbox(
            f"{TITLES[need]} run",
            list(runs),
            list(runs).index(first) if first in runs else None,
            format_func=lambda i, runs=runs: in_select(runs[i]),
            placeholder="None",
            key=f"launch.{kind}.parent.{need}.{first}",
            persist_state="session",
            help="One that is not done yet is waited for.",
        )
        if chosen is not None:
            parents[chosen] = need.value
    return parents
