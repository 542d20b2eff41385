"""Which models differ, read off the interval of their difference."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.rated import Difference


def differences_table(rows: Sequence[Difference]) -> None:
    """One row a pair and axis."""
    if not rows:
        return
    st.subheader("Differences")
    table = pd.DataFrame(
        [
            {
                "Axis": row.axis,
                "Models": f"{row.first} − {row.second}",
                "Elo points": f"{row.mid:+.0f}",
                "95 % interval": f"[{row.low:+.0f}, {row.high:+.0f}]",
                "Told apart": "yes" if row.told_apart else "could not tell",
            }
            for row in rows
        ]
    )
    st.dataframe(table, hide_index=True, alt="Differences between models with 95 % intervals")
    st.caption("Two models are told apart where the interval of their difference excludes zero.")
