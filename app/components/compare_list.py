"""Past comparisons as a table to open them from."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.components.open_table import open_table
from app.components.run_list import COLOURS
from db.queries.version_compare import PastComparison, VersionRun


def compare_list(past: Sequence[PastComparison]) -> None:
    """One row a comparison, the newest first."""
    table = pd.DataFrame(
        [
            {
                "A": one.first.before,
                "B": one.first.after,
                "Chains": _chains(one.chains),
                "Labels": _labels(one.labels),
                "State": [_state(one).capitalize()],
                "Model": one.first.model,
                "Seed": one.first.seed,
                "Enqueued": one.first.created_at,
            }
            for one in past
        ]
    )
    columns = {
        "A": st.column_config.TextColumn(width=150),
        "B": st.column_config.TextColumn(width=150),
        "Chains": st.column_config.TextColumn(width=190),
        "Labels": st.column_config.TextColumn(width=150),
        "State": st.column_config.MultiselectColumn(width=90, options=list(COLOURS), color=list(COLOURS.values())),
        "Model": st.column_config.TextColumn(width=110),
        "Seed": st.column_config.NumberColumn(width=60, format="%d"),
        "Enqueued": st.column_config.DatetimeColumn(width=140, format="YYYY-MM-DD HH:mm"),
    }
    ids = [one.first.id for one in past]
    open_table(table, ids, "run", "compare.table", columns, "Past comparisons; press a row to open one")


def _chains(run: VersionRun | None) -> str:
    differ = _share(run, lambda found: found["differ"])
    return f"{differ[0]:,} of {differ[1]:,} end otherwise" if differ else ""


def _labels(run: VersionRun | None) -> str:
    flips = _share(run, lambda found: found["parts"][0]["flips"])
    return f"{flips[0]:,} of {flips[1]:,} flip" if flips else ""


def _share(run: VersionRun | None, pick: Any) -> tuple[int, int] | None:
    if run is None or run.found is None:
        return None
    share = pick(run.found)
    return share["count"], share["n"]


def _state(one: PastComparison) -> str:
    """The state of what is furthest from done."""
    states = [run.state for run in (one.chains, one.labels) if run is not None]
    return next((state for state in ("failed", "lost", "stopped", "running", "waiting") if state in states), "done")
