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
                "Prompt": line.prompt,
                "Tried": _tried(line),
                "State": line.state,
                "Model": line.model,
            }
            for line in lines
        ]
    )
    columns = {
        "Ask": st.column_config.NumberColumn(width=40, format="localized"),
        "Prompt": st.column_config.TextColumn(width=120),
        "Tried": st.column_config.TextColumn(width=110),
        "State": st.column_config.TextColumn(width=70),
        "Model": st.column_config.TextColumn(width=90),
    }
    open_table(table, [line.id for line in lines], "ask", "playground.table", columns, "Asks; press a row to read one")


def _tried(line: AskLine) -> str:
    """'4 × hacking', 'A or B: 17 principles', or nothing of a response alone."""
    names = line.principles
    what = names[0] if len(names) == 1 else f"{len(names)} principles" if names else ""
    if line.kind == "compare":
        return f"A or B: {what}"
    return f"{line.samples} × {what or 'response'}" if line.samples > 1 else what
