"""The prompt sets in numbers, and a page of prompts as a table to open them from."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.open_table import ROW_HEIGHT, open_table
from app.components.prompt_filter import set_filter
from app.components.prompt_kinds import KINDS
from db.queries.prompts import PromptLine, PromptSet
from db.schema import SPLITS


def set_table(sets: Sequence[PromptSet]) -> None:
    """Every set with its counts; a pressed row narrows the list to it."""
    table = pd.DataFrame(
        [
            {
                "Set": one.name,
                "Prompts": one.count,
                **{title: one.kinds.get(kind, 0) for kind, title in KINDS.items()},
                **{split.capitalize(): one.splits.get(split, 0) for split in SPLITS},
            }
            for one in sets
        ]
    )
    numbers = [name for name in table.columns if name != "Set"]
    key = f"prompts.sets.{len(sets)}"

    def select() -> None:
        cells = st.session_state[key].selection.cells
        if cells and cells[0][0] < len(sets):
            set_filter(source=sets[cells[0][0]].name)

    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "Set": st.column_config.TextColumn(width="medium"),
            **{name: st.column_config.NumberColumn(width=90, format="localized") for name in numbers},
        },
        height=min(len(sets), 8) * ROW_HEIGHT + 38,
        row_height=ROW_HEIGHT,
        on_select=select,
        selection_mode="single-cell",
        key=key,
        alt="Prompt sets; press a row to see its prompts",
    )


def prompt_table(lines: Sequence[PromptLine], all_sets: bool) -> None:
    """A page of prompts; of `all_sets`, each with its own."""
    table = pd.DataFrame(
        [
            {
                "Prompt": line.id,
                **({"Set": line.source} if all_sets else {}),
                "Kind": KINDS[line.kind],
                "Split": line.split,
                "Topic": line.topic or "",
                "Tags": list(line.tags),
                "Turns": line.turns,
                "Last turn": line.prompt,
            }
            for line in lines
        ]
    )
    widths = {
        "Prompt": st.column_config.NumberColumn(width=80, format="localized"),
        "Set": st.column_config.TextColumn(width=110),
        "Kind": st.column_config.TextColumn(width=90),
        "Split": st.column_config.TextColumn(width=60),
        "Topic": st.column_config.TextColumn(width=110),
        "Tags": st.column_config.ListColumn(width=120),
        "Turns": st.column_config.NumberColumn(width=60),
        "Last turn": st.column_config.TextColumn(width="large"),
    }
    open_table(
        table, [line.id for line in lines], "prompt", "prompts.table", widths, "Prompts; press a row to read one"
    )
