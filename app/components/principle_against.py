"""One principle against each other one, and the pairs on which they prefer different responses."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session

from app.components.open_table import ROW_HEIGHT
from app.components.principle_disagreement import ENOUGH, Cells
from app.components.principle_examples import show_pairs
from app.components.shares import percent, share_span
from app.components.text import caption, heading
from db.queries.disagreements import Both
from db.queries.principle_examples import pair_examples
from db.queries.principles import PlacedPrinciple

WITH = "principles.with"
"""The principle, and the other whose pairs are listed."""


def against_table(one: PlacedPrinciple, principles: Sequence[PlacedPrinciple], shared: Cells) -> PlacedPrinciple:
    """The principle against each with which it shares a pair, the furthest first; answers whose pairs are listed."""
    others = [other for other in principles if (one.slug, other.slug) in shared]
    others.sort(key=lambda other: _rank(shared[one.slug, other.slug]), reverse=True)
    slugs = [other.slug for other in others]
    own_key = f"principles.against.{one.slug}.{len(slugs)}"

    def select() -> None:
        chosen = st.session_state[own_key].selection.cells
        if chosen and chosen[0][0] < len(slugs):
            st.session_state[WITH] = (one.slug, slugs[chosen[0][0]])

    found = [shared[one.slug, slug] for slug in slugs]
    st.dataframe(
        pd.DataFrame(
            {
                "Other principle": [other.title for other in others],
                "Differ": [percent(both.differ, both.n) for both in found],
                "95 %": [share_span(both.differ, both.n) for both in found],
                "Pairs": [both.n for both in found],
            }
        ),
        hide_index=True,
        column_config={
            "Other principle": st.column_config.TextColumn(width=165),
            "Differ": st.column_config.ProgressColumn(width=105, min_value=0, max_value=100, format="%.0f %%"),
            "95 %": st.column_config.TextColumn(width=90),
            "Pairs": st.column_config.NumberColumn(width=60, format="localized"),
        },
        height=min(len(slugs), 10) * ROW_HEIGHT + 38,
        row_height=ROW_HEIGHT,
        on_select=select,
        selection_mode="single-cell",
        key=own_key,
        alt="Disagreement with each other principle; press a row for the pairs",
    )
    asked_of, other = st.session_state.get(WITH, ("", ""))
    return others[slugs.index(other) if asked_of == one.slug and other in slugs else 0]


def _rank(both: Both) -> tuple[bool, float]:
    """Those with enough pairs first."""
    return both.n >= ENOUGH, both.differ / both.n


def differing_pairs(session: Session, sides: Sequence[tuple[PlacedPrinciple, Sequence[int]]], both: Both) -> None:
    """The newest pairs on which two principles, each with its wordings, prefer different responses."""
    (one, ones), (other, others) = sides
    heading(f"They prefer different responses: {one.title}, and {other.title}")
    if both.examples:
        show_pairs(pair_examples(session, both.examples, ones, others), one.slug, other.slug)
    else:
        caption(f"They agree on all of the {both.n:,} pairs that were labelled under both.")
