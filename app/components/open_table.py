"""Tables of rows to open: a press on a row puts its id into the address."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.components.pager import open_row

ROW_HEIGHT = 36
"""In pixels."""


def open_table(table: pd.DataFrame, ids: Sequence[int], name: str, key: str, columns: dict[str, Any], alt: str) -> None:
    """A table whose pressed row opens as `?name=ID`. The key follows the rows, so no old selection fits new ones."""
    own_key = f"{key}.{ids[0]}.{len(ids)}"

    def select() -> None:
        cells = st.session_state[own_key].selection.cells
        if cells and cells[0][0] < len(ids):
            open_row(name, ids[cells[0][0]])

    st.dataframe(
        table,
        hide_index=True,
        column_config=columns,
        height=min(len(ids), 16) * ROW_HEIGHT + 38,
        row_height=ROW_HEIGHT,
        on_select=select,
        selection_mode="single-cell",
        placeholder="–",
        key=own_key,
        alt=alt,
    )
    st.caption("Press a row to open it.")
