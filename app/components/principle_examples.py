"""Rows behind a figure, ten at a time; a press opens the chain or the pair."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session

from app import state
from app.components.open_table import ROW_HEIGHT
from app.components.pager import page_start, pager
from app.components.text import caption, heading
from db.queries.principle_examples import ROUNDS, LabelLine, PairLine, RoundLine, label_examples, round_examples

PAGER = "principles.examples"
HEADINGS = {
    "rounds": "all rounds",
    "found": "critiques that found something",
    "clear": "critiques that found nothing",
    "untold": "rounds of whose critique it cannot be told",
    "unchanged": "revisions that changed no word",
    "rewritten": "revisions that changed half of the words or more",
    "longer": "revisions that are longer",
    "shorter": "revisions that are shorter",
    "labels": "all labels",
    "prefers_a": "labels that prefer A",
    "prefers_b": "labels that prefer B",
    "disagree": "labels whose two orders disagree",
    "no_label": "pairs of which it could not be told",
}
"""What is listed."""


def show_examples(session: Session, wordings: Sequence[int], which: str) -> None:
    """The newest rows behind a figure, and the way to older ones."""
    before = page_start(PAGER, (tuple(wordings), which)) or None
    heading(f"Examples: {HEADINGS[which]}")
    if which in ROUNDS:
        rounds = round_examples(session, wordings, which, before)
        _table([_round(line) for line in rounds.rows], [("chain", line.chain) for line in rounds.rows], which)
        last, more = [line.id for line in rounds.rows][-1:], rounds.more
    else:
        labels = label_examples(session, wordings, which, before)
        _table([_label(line) for line in labels.rows], [("comparison", line.comparison) for line in labels.rows], which)
        last, more = [line.id for line in labels.rows][-1:], labels.more
    if last:
        pager(PAGER, last[0], more)


def show_pairs(lines: Sequence[PairLine], one: str, other: str) -> None:
    """Comparisons that two principles see differently."""
    rows = [
        {
            "Pair": line.comparison,
            "Prompt": line.prompt,
            "Response A": line.response_a or "",
            "Response B": line.response_b or "",
            f"p(A), {one}": line.p_a,
            f"p(A), {other}": line.p_a_other,
        }
        for line in lines
    ]
    _table(rows, [("comparison", line.comparison) for line in lines], "pairs")


def _round(line: RoundLine) -> dict[str, Any]:
    return {
        "Chain": line.chain,
        "Round": line.number,
        "Prompt": line.prompt,
        "Critique": line.critique or "",
        "Revision": line.revision,
        "Changed": None if line.changed is None else 100 * line.changed,
        "Words": line.longer,
    }


def _label(line: LabelLine) -> dict[str, Any]:
    return {
        "Pair": line.comparison,
        "Prompt": line.prompt,
        "Response A": line.response_a or "",
        "Response B": line.response_b or "",
        "p(A)": line.p_a,
        "Label": line.state.replace("_", " "),
    }


def _table(rows: Sequence[dict[str, Any]], targets: Sequence[tuple[str, int]], which: str) -> None:
    """A press on a row opens its target, a row of another page."""
    if not rows:
        caption("There is none.")
        return
    own_key = f"principles.table.{which}.{targets[0][1]}.{len(targets)}"

    def select() -> None:
        cells = st.session_state[own_key].selection.cells
        if cells and cells[0][0] < len(targets):
            name, row_id = targets[cells[0][0]]
            st.session_state[state.GO_TO] = (f"views/{name}s.py", {name: str(row_id)})

    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config=COLUMNS | {name: P_A for name in rows[0] if name.startswith("p(A)")},
        height=len(rows) * ROW_HEIGHT + 38,
        row_height=ROW_HEIGHT,
        on_select=select,
        selection_mode="single-cell",
        placeholder="–",
        key=own_key,
        alt="Rows behind a figure; press a row to open it",
    )


P_A = st.column_config.ProgressColumn(
    width=110, min_value=0, max_value=1, format="%.2f", help="Probability that A is preferred"
)
COLUMNS = {
    "Chain": st.column_config.NumberColumn(width=70, format="localized"),
    "Pair": st.column_config.NumberColumn(width=70, format="localized"),
    "Round": st.column_config.NumberColumn(width=60),
    "Prompt": st.column_config.TextColumn(width=190),
    "Critique": st.column_config.TextColumn(width=250),
    "Revision": st.column_config.TextColumn(width=230),
    "Response A": st.column_config.TextColumn(width=240),
    "Response B": st.column_config.TextColumn(width=240),
    "Changed": st.column_config.ProgressColumn(width=100, min_value=0, max_value=100, format="%.0f %%"),
    "Words": st.column_config.NumberColumn(width=65, format="%+d", help="How many words longer the revision is"),
    "Label": st.column_config.TextColumn(width=120),
}
