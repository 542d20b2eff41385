"""How far reviewers agree, of every two on the chains that both spoke of."""

import pandas as pd
import streamlit as st

from app.resources import workspace
from cai_core.evaluation.reviewing import agreements
from cai_core.store import reviews


def agreement_table() -> None:
    """A table; said in words where fewer than two people reviewed the same chains."""
    with workspace().reading() as session:
        found = agreements(reviews.confusions(session))
    if not found:
        st.caption("No two people have reviewed the same chain yet.")
        return
    table = pd.DataFrame(
        [
            {
                "Reviewer": one.first,
                "And": one.second,
                "Chains": one.chains,
                "Same verdict": 100 * one.share,
                "95 % interval": f"{100 * one.low:.0f} to {100 * one.high:.0f} %",
                "Cohen's kappa": one.kappa,
            }
            for one in found
        ]
    )
    columns = {
        "Same verdict": st.column_config.NumberColumn(format="%.0f %%"),
        "Cohen's kappa": st.column_config.NumberColumn(
            format="%.2f", help="Agreement beyond chance, at most 1; blank where both always say one and the same."
        ),
    }
    st.dataframe(table, hide_index=True, column_config=columns, placeholder="–", key="reviewers.table")
