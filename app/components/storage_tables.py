"""What takes the disk, as tables: by kind of file, by run, by table of the database."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app.components.run_badge import TITLES
from app.components.text import chips
from cai_core.store.disk import DiskUse, in_words

SHOWN = 200
"""Runs that are listed."""
COLUMNS = {
    "Run": st.column_config.NumberColumn(width=70, format="%d"),
    "Size": st.column_config.TextColumn(width=110),
    "Checkpoints": st.column_config.TextColumn(width=110),
}


def storage_tables(found: DiskUse) -> None:
    """All of it."""
    chips([], title=in_words(found.total), note=f"{found.folder} · {in_words(found.free)} are free on its disk")
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption("By kind of file")
        _sizes("Kind", {kind.capitalize(): size for kind, size in found.kinds.items() if size})
    with right:
        st.caption("The database by table, each with its indexes")
        if found.tables is None:
            st.caption("This SQLite does not tell.")
        else:
            _sizes("Table", found.tables)
    if found.runs:
        st.caption("By run, the largest first: adapters, checkpoints and logs")
        rows = [
            {
                "Run": one.run,
                "Stage": TITLES[one.kind] if one.kind else "no such run: left by another database",
                "Size": in_words(one.total),
                "Checkpoints": in_words(one.bytes.get("checkpoints", 0)),
            }
            for one in found.runs[:SHOWN]
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=COLUMNS, alt="Disk use by run")


def _sizes(name: str, sizes: Mapping[str, int]) -> None:
    rows = [{name: what, "Size": in_words(size)} for what, size in sizes.items()]
    st.dataframe(pd.DataFrame(rows, columns=[name, "Size"]), hide_index=True, column_config=COLUMNS, height=320)
