"""A page of chains as a table to open them from."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app.components.gates import gate_words
from app.components.open_table import open_table
from app.components.prompt_kinds import KINDS
from app.components.veil import HIDDEN, is_veiled
from db.queries.chains import ChainLine
from db.queries.reviews import Said

MARKS = {"accept": "✓", "reject": "✗", "flag": "⚑"}


def chain_list(lines: Sequence[ChainLine], said: Mapping[int, Sequence[Said]], all_runs: bool) -> None:
    """A page of chains with what people said of them; of `all_runs`, each with its run."""
    table = pd.DataFrame([_line(line, said.get(line.id, ()), all_runs) for line in lines])
    widths = {
        "Chain": st.column_config.NumberColumn(width=62, format="localized"),
        "Run": st.column_config.NumberColumn(width=50, format="%d"),
        "Prompts": st.column_config.TextColumn(width=85),
        "Topic": st.column_config.TextColumn(width=80),
        "Prompt": st.column_config.TextColumn(width=185),
        "Last text": st.column_config.TextColumn(width=185),
        "Rounds": st.column_config.NumberColumn(width=62),
        "Changed": st.column_config.NumberColumn(width=72, format="%.0f %%"),
        "Gates": st.column_config.TextColumn(width=120),
        "Verdicts": st.column_config.TextColumn(width=115),
        "State": st.column_config.TextColumn(width=70),
    }
    open_table(table, [line.id for line in lines], "chain", "chains.table", widths, "Chains; press a row to read one")


def _line(line: ChainLine, said: Sequence[Said], all_runs: bool) -> dict[str, object]:
    hidden = is_veiled(line.kind, None)
    return {
        "Chain": line.id,
        **({"Run": line.run} if all_runs else {}),
        "Prompts": KINDS[line.kind],
        "Topic": line.topic or "",
        "Prompt": HIDDEN if hidden else line.prompt,
        "Last text": HIDDEN if hidden else line.last or "",
        "Rounds": line.rounds,
        "Changed": None if line.changed is None else 100 * line.changed,
        "Gates": ", ".join(gate_words(line.hits)),
        "Verdicts": ", ".join(f"{MARKS[one.verdict]} {one.name}" for one in said),
        "State": line.state.replace("_", " ") if not line.branch else "branch",
    }
