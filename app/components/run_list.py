"""Runs as a table to open them from."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.open_table import open_table
from app.components.run_badge import TITLES, duration
from db.queries.runs import RunLine

COLOURS = {
    "Done": "green",
    "Running": "blue",
    "Waiting": "gray",
    "Stopped": "orange",
    "Lost": "orange",
    "Failed": "red",
}


def run_list(lines: Sequence[RunLine]) -> None:
    """A page of runs."""
    table = pd.DataFrame(
        [
            {
                "Run": line.id,
                "Stage": TITLES[line.kind],
                "State": [line.state.capitalize()],
                "Progress": line.share,
                "Doing": line.phase if line.active else "",
                "Seed": line.seed,
                "Note": line.note,
                "Enqueued": line.created_at,
                "Time at work": duration(line.seconds) if line.seconds else "",
            }
            for line in lines
        ]
    )
    columns = {
        "Run": st.column_config.NumberColumn(width=60),
        "Stage": st.column_config.TextColumn(width=130),
        "State": st.column_config.MultiselectColumn(width=90, options=list(COLOURS), color=list(COLOURS.values())),
        "Progress": st.column_config.ProgressColumn(width=120, min_value=0, max_value=1, format="percent"),
        "Doing": st.column_config.TextColumn(width=130),
        "Seed": st.column_config.NumberColumn(width=60, format="%d"),
        "Note": st.column_config.TextColumn(width=160),
        "Enqueued": st.column_config.DatetimeColumn(width=140, format="YYYY-MM-DD HH:mm"),
        "Time at work": st.column_config.TextColumn(width=110),
    }
    open_table(table, [line.id for line in lines], "run", "runs.table", columns, "Runs; press a row to open one")
