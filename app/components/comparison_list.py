"""A page of comparisons as a table to open them from."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.comparison_pair import STATES
from app.components.open_table import open_table
from app.components.prompt_kinds import KINDS
from db.queries.comparisons import ComparisonLine


def comparison_list(lines: Sequence[ComparisonLine], all_runs: bool) -> None:
    """A page of comparisons; of `all_runs`, each with its run."""
    table = pd.DataFrame(
        [
            {
                "Pair": line.id,
                **({"Run": line.run} if all_runs else {}),
                "Prompts": KINDS[line.kind],
                "Prompt": line.prompt,
                "Response A": line.response_a or "",
                "Response B": line.response_b or "",
                "p(A)": line.p_a,
                "Label": STATES[line.state][0] + (", orders disagree" if line.disagrees else ""),
                "Principle": (line.principle or "") + (f" +{line.labels - 1}" if line.labels > 1 else ""),
            }
            for line in lines
        ]
    )
    widths = {
        "Pair": st.column_config.NumberColumn(width=70, format="localized"),
        "Run": st.column_config.NumberColumn(width=60, format="%d"),
        "Prompts": st.column_config.TextColumn(width=90),
        "Prompt": st.column_config.TextColumn(width=140),
        "Response A": st.column_config.TextColumn(width=140),
        "Response B": st.column_config.TextColumn(width=140),
        "p(A)": st.column_config.ProgressColumn(
            width=105, min_value=0, max_value=1, format="%.2f", help="Probability that A is preferred"
        ),
        "Label": st.column_config.TextColumn(width=170),
        "Principle": st.column_config.TextColumn(width=100),
    }
    open_table(
        table,
        [line.id for line in lines],
        "comparison",
        "comparisons.table",
        widths,
        "Comparisons; press a row to read one",
    )
