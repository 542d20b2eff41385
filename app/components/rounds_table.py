"""The figures by round as a table, each row leading to its chains."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.open_table import ROW_HEIGHT
from app.components.rounds_draw import NONE
from app.components.rounds_form import Choice
from app.components.rounds_go import leave_for_chains
from app.components.rounds_read import Shown
from cai_core.runs.rounds import Point


def rounds_table(found: Sequence[Shown], choice: Choice) -> None:
    """All points; a press on a row opens the chains behind it."""
    rows = [(one, point) for one in found for point in one.points]
    key = f"rounds.table.{choice}"

    def select() -> None:
        cells = st.session_state[key].selection.cells
        if cells and cells[0][0] < len(rows):
            one, point = rows[cells[0][0]]
            leave_for_chains(one.asked.run, choice, point.round, point.group, point.name)

    number = st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame([_row(one, point, choice, len(found) > 1) for one, point in rows]),
        hide_index=True,
        column_config={name: number(format="%.3f") for name in ("Mean", "From", "To")}
        | {name: number(format="localized") for name in ("Texts", "Prompts", "Could not tell")},
        height=min(len(rows), 16) * ROW_HEIGHT + 38,
        row_height=ROW_HEIGHT,
        on_select=select,
        selection_mode="single-cell",
        placeholder="–",
        key=key,
        alt="Means by round with 95 % intervals",
    )
    st.caption("Press a row to read the chains behind it.")


def _row(one: Shown, point: Point, choice: Choice, several: bool) -> dict[str, object]:
    return {
        **({"Run": one.name} if several else {}),
        "Round": point.round,
        **({choice.by.capitalize(): point.group or NONE[choice.by]} if choice.by else {}),
        **({"Of": point.name} if point.name else {}),
        "Mean": point.value,
        "From": point.low,
        "To": point.high,
        "Texts": point.texts,
        "Prompts": point.prompts,
        "Could not tell": point.unknown,
    }
