"""All principles of a version in one table: what each was drawn for, and what it did."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.components.open_table import ROW_HEIGHT
from app.components.principle_choice import open_principle
from app.components.shares import mean_span, mean_words, percent, share_span, share_words
from db.queries.principles import PlacedPrinciple, Record

HELP = {
    "Rounds": "Rounds of critique and revision that drew it.",
    "Found": "Critiques that name something to mend, of those that can be told.",
    "Changed": "Share of the words that its revisions changed, on average.",
    "Words": "How many words longer its revisions are, on average.",
    "Labels": "Comparisons that were labelled under it.",
    "Prefers A": "Of its labels with a preference, those that prefer response A. Which of two is A is chance.",
    "Orders disagree": "Of its labels, those whose two orders prefer different responses.",
    "Could not tell": "Labels without a probability: unparseable, too long, failed.",
}
SHARES = ("Found", "Changed", "Prefers A", "Orders disagree", "Could not tell")


def principle_table(principles: Sequence[PlacedPrinciple], found: Mapping[str, Record], key: str) -> None:
    """A row a principle; a press opens its record."""
    spans = st.toggle("Show 95 % intervals", key="principles.spans", persist_state="session")
    make = _with_spans if spans else _plain
    table = pd.DataFrame([{"Principle": one.title, **make(found[one.slug])} for one in principles])
    slugs = [one.slug for one in principles]
    own_key = f"{key}.{'spans' if spans else 'plain'}"

    def select() -> None:
        cells = st.session_state[own_key].selection.cells
        if cells and cells[0][0] < len(slugs):
            open_principle(slugs[cells[0][0]])

    st.dataframe(
        table,
        hide_index=True,
        column_config=_columns(spans),
        height=min(len(slugs), 18) * ROW_HEIGHT + 38,
        row_height=ROW_HEIGHT,
        on_select=select,
        selection_mode="single-cell",
        placeholder="–",
        key=own_key,
        alt="Principles and what they did; press a row to read its record",
    )
    st.caption("Press a row to read its record. Sort by a press on a column's name.")


def _plain(one: Record) -> dict[str, Any]:
    rounds, labels = one.rounds, one.labels
    return {
        "Rounds": rounds.drawn,
        "Found": percent(rounds.found, rounds.found + rounds.clear),
        "Changed": percent(rounds.changed, rounds.measured),
        "Words": round(rounds.longer / rounds.measured, 1) + 0.0 if rounds.measured else None,
        "Labels": labels.drawn,
        "Prefers A": percent(labels.prefers_a, labels.prefers_a + labels.prefers_b),
        "Orders disagree": percent(labels.disagree, labels.labelled),
        "Could not tell": percent(labels.seen - labels.labelled, labels.seen),
    }


def _with_spans(one: Record) -> dict[str, Any]:
    rounds, labels = one.rounds, one.labels
    told, decided, n = rounds.found + rounds.clear, labels.prefers_a + labels.prefers_b, rounds.measured
    return {
        "Rounds": rounds.drawn,
        "Found": _both(rounds.found, told),
        "Changed": _mean(rounds.changed, rounds.changed_squares, n, as_percent=True),
        "Words": _mean(rounds.longer, rounds.longer_squares, n),
        "Labels": labels.drawn,
        "Prefers A": _both(labels.prefers_a, decided),
        "Orders disagree": _both(labels.disagree, labels.labelled),
        "Could not tell": _both(labels.seen - labels.labelled, labels.seen),
    }


def _both(successes: int, n: int) -> str | None:
    return f"{share_words(successes, n)}  ({share_span(successes, n)})" if n else None


def _mean(total: float, squares: float, n: int, *, as_percent: bool = False) -> str | None:
    if not n:
        return None
    return f"{mean_words(total, n, as_percent=as_percent)}  ({mean_span(total, squares, n, as_percent=as_percent)})"


def _columns(spans: bool) -> dict[str, Any]:
    columns: dict[str, Any] = {"Principle": st.column_config.TextColumn(width=170 if spans else 230)}
    for name in HELP:
        if name in ("Rounds", "Labels"):
            columns[name] = st.column_config.NumberColumn(
                width=65 if spans else 75, format="localized", help=HELP[name]
            )
        elif spans:
            columns[name] = st.column_config.TextColumn(width=118, help=HELP[name])
        elif name in SHARES:
            columns[name] = st.column_config.ProgressColumn(
                width=105, min_value=0, max_value=100, format="%.0f %%", help=HELP[name]
            )
        else:
            columns[name] = st.column_config.NumberColumn(width=75, format="%+.1f", help=HELP[name])
    return columns
