"""The newest asks, to open one from."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.open_table import open_table
from db.queries.asks import AskLine


def ask_list(lines: Sequence[AskLine]) -> None:
    """The newest first; a press opens one."""
    table = pd.DataFrame(
        [
            {
                "Ask": line.id,
                "State": line.state,
                "Prompt": line.prompt,
                "Principle": line.principle or "",
                "Model": line.model,
            }
            for line in lines
        ]
    )
    columns = {
        "Ask": st.column_config.NumberColumn(width=50, format="localized"),
        "Principle": st.column_config.TextColumn(width=100),
        "Model": st.column_config.TextColumn(width=100),
        "State": st.column_config.TextColumn(width=75),
        "Prompt": st.column_config.TextColumn(width=240),
    }
    open_table(table, [line.id for line in lines], "ask", "playground.table", columns, "Asks; press a row to read one")
