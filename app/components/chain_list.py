"""A page of chains as a table to open them from."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.open_table import open_table
from app.components.prompt_kinds import KINDS
from db.queries.chains import ChainLine


def chain_list(lines: Sequence[ChainLine], all_runs: bool) -> None:
    """A page of chains; of `all_runs`, each with its run."""
    table = pd.DataFrame(
        [
            {
                "Chain": line.id,
                **({"Run": line.run} if all_runs else {}),
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
        "Run": st.column_config.NumberColumn(width=60, format="%d"),
        "Prompts": st.column_config.TextColumn(width=90),
        "Topic": st.column_config.TextColumn(width=110),
        "Prompt": st.column_config.TextColumn(width=265),
        "Last text": st.column_config.TextColumn(width=265),
        "Rounds": st.column_config.NumberColumn(width=70),
        "State": st.column_config.TextColumn(width=80),
    }
    open_table(table, [line.id for line in lines], "chain", "chains.table", widths, "Chains; press a row to read one")
