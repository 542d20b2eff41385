"""A page of chains as a table to open them from."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.chain_reader import KINDS
from app.components.open_table import open_table
from db.queries.chains import ChainLine


def chain_list(lines: Sequence[ChainLine]) -> None:
    """A page of chains."""
    table = pd.DataFrame(
        [
            {
                "Chain": line.id,
                "Prompts": KINDS[line.kind],
                "Topic": line.topic or "",
                "Prompt": line.prompt,
                "Last text": line.last or "",
                "Rounds": line.rounds,
                "State": line.state.replace("_", " "),
            }
            for line in lines
        ]
    )
    widths = {
        "Chain": st.column_config.NumberColumn(width=70, format="localized"),
        "Prompts": st.column_config.TextColumn(width=90),
        "Topic": st.column_config.TextColumn(width=110),
        "Prompt": st.column_config.TextColumn(width="large"),
        "Last text": st.column_config.TextColumn(width="large"),
        "Rounds": st.column_config.NumberColumn(width=70),
        "State": st.column_config.TextColumn(width=80),
    }
    open_table(table, [line.id for line in lines], "chain", "chains.table", widths, "Chains; press a row to read one")
