"""Models: bases and snapshots, where each came from, and how to add one."""

import pandas as pd
import streamlit as st

from app.components.lineage import lineage
from app.components.model_import import import_form
from app.components.notice import empty
from app.components.open_table import open_table
from app.components.pager import open_row, opened
from app.components.run_badge import TITLES
from app.components.run_results import flat
from app.components.text import caption, chips, facts
from app.resources import workspace
from cai_core.store.provenance import human_judgement
from db.queries.models import ModelLine, models


def model_list(lines: list[ModelLine]) -> None:
    """Every model, the newest first."""
    table = pd.DataFrame(
        [
            {
                "Model": line.name,
                "Kind": line.kind,
                "From": f"run {line.run}, {TITLES[line.run_kind]}"
                if line.run_kind
                else "server"
                if line.endpoint
                else "added",
                "Step": line.step,
                "Snapshot": ("last" if line.final else "on the way") if line.run else "",
                "Base": line.base,
                "Since": line.created_at,
            }
            for line in lines
        ]
    )
    columns = {
        "Model": st.column_config.TextColumn(width="medium"),
        "Step": st.column_config.NumberColumn(width=70, format="%d"),
        "Since": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    }
    open_table(table, [line.id for line in lines], "model", "models.table", columns, "Models; press a row to open one")


def read(model: ModelLine) -> None:
    """One model: what it is, and every run behind it."""
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f"Model {model.id:d}")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        st.button("All models", icon=":material/list:", on_click=open_row, args=("model", None))
    chips([(model.kind, "blue")], title=model.name, note=f"base {model.base}")
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.caption("Where it came from, the first cause first")
        lineage(model)
        st.caption("Where human judgement entered")
        with workspace().reading() as session:
            facts(human_judgement(session, model.run))
    with right, st.container(border=True, height="stretch"):
        st.caption("What it is")
        where = (
            [("Server", model.base)] if model.endpoint else [("Base", model.base), ("Adapter", model.adapter or "none")]
        )
        facts(
            [
                *where,
                *flat(model.endpoint or {}),
                *flat(model.facts),
                *[("Remark", remark) for remark in model.facts.get("remarks", [])],
            ]
        )


with workspace().reading() as session:
    lines = models(session)

if (model_id := opened("model")) is not None:
    found = next((line for line in lines if line.id == model_id), None)
    if found is None:
        empty(f"There is no model {model_id}.", "It may belong to another workspace.", "views/models.py", "All models")
    else:
        read(found)
    st.stop()

st.title("Models")
if lines:
    model_list(lines)
else:
    empty("No models yet", "Add one below; training runs add the snapshots they save.")
st.subheader("Add a model")
caption("It is checked in a process of its own before it is added: template, option tokens and memory, or its server.")
import_form()
