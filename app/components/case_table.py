"""Cases as a table to open them from: what each came to, and what it was before."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.case_choice import ONLY, Shown
from app.components.open_table import open_table
from db.queries.cases import CHANGED, NOT_RUN, RETIRED, CaseLine

STATES = {
    "pass": ("passes", "green"),
    "fail": ("fails", "red"),
    "could_not_tell": ("could not tell", "orange"),
    "unjudged": ("to be read", "blue"),
    "too_long": ("too long", "orange"),
    "failed": ("could not run", "orange"),
}
"""Words and tint of what a case came to."""
KINDS = {"prompt": "prompt", "pair": "pair"}
CHANGES = {("pass", "fail"): "now fails", ("fail", "pass"): "now passes"}
OTHERWISE = "changed"
COLOURS = {"now fails": "red", "now passes": "green", OTHERWISE: "gray"}
FILTERS = {
    **{state: words.capitalize() for state, (words, _) in STATES.items()},
    NOT_RUN: "Not run yet",
    CHANGED: "Changed since the version before",
    RETIRED: "Retired",
}


def filter_cases() -> None:
    """Draw the select that narrows the list."""
    st.selectbox(
        "Show",
        list(FILTERS),
        index=None,
        format_func=FILTERS.__getitem__,
        placeholder="All cases",
        key=ONLY,
        persist_state="session",
        width=320,
    )


def change(now: str | None, before: str | None) -> str | None:
    """What became of a case since the version before; None where nothing, or where one of them is not known."""
    if now is None or before is None or now == before:
        return None
    return CHANGES.get((before, now), OTHERWISE)


def hoped(line: CaseLine) -> str:
    """What is hoped for, in one line."""
    return line.hope or (f"{line.preferred.upper()} is preferred" if line.preferred else "")


def case_table(lines: Sequence[CaseLine], shown: Shown) -> None:
    """A page of cases."""
    table = pd.DataFrame([_row(line, compared=shown.before is not None) for line in lines])
    tags = [words for words, _ in STATES.values()]
    tints = [tint for _, tint in STATES.values()]
    columns = {
        "Case": st.column_config.NumberColumn(width=55, format="%d"),
        "Kind": st.column_config.TextColumn(width=60),
        "Prompt": st.column_config.TextColumn(width=225),
        "Principle": st.column_config.TextColumn(width=105, help="The one it is about, or the one that was drawn"),
        "Hoped for": st.column_config.TextColumn(width=145),
        "Now": st.column_config.MultiselectColumn(width=110, options=tags, color=tints),
        "Change": st.column_config.MultiselectColumn(
            width=100, options=list(COLOURS), color=list(COLOURS.values()), help="Since the version before"
        ),
        "Before": st.column_config.MultiselectColumn(width=110, options=tags, color=tints),
        "p(hoped)": st.column_config.ProgressColumn(
            width=95, min_value=0, max_value=1, format="%.2f", help="Probability of what is hoped for"
        ),
    }
    ids = [line.id for line in lines]
    open_table(table, ids, "case", f"cases.table.{shown.ref}", columns, "Cases; press a row to read one")


def _row(line: CaseLine, *, compared: bool) -> dict[str, object]:
    turned = change(line.state, line.before)
    row: dict[str, object] = {
        "Case": line.id,
        "Kind": KINDS[line.kind] + (", retired" if line.retired else ""),
        "Prompt": line.prompt,
        "Principle": line.principle or "",
        "Hoped for": hoped(line),
        "Now": [STATES[line.state][0]] if line.state else [],
    }
    if compared:
        row["Change"] = [turned] if turned else []
        row["Before"] = [STATES[line.before][0]] if line.before else []
    row["p(hoped)"] = line.p_hoped
    return row
