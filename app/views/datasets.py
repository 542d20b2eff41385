"""Datasets: chains frozen into what a model is trained on; one in full; a new one."""

import pandas as pd
import streamlit as st

from app.components.dataset_form import dataset_form
from app.components.dataset_reader import show_dataset
from app.components.notice import empty
from app.components.open_table import open_table
from app.components.pager import opened
from app.resources import workspace
from db.queries.datasets import DatasetLine, dataset, datasets
from db.queries.runs import runs_of


def dataset_list(lines: list[DatasetLine]) -> None:
    """Every dataset, the newest first."""
    table = pd.DataFrame(
        [
            {
                "Dataset": line.name,
                "Train": line.counts["train"],
                "Held out": line.counts["heldout"],
                "Revisions": line.counts["revisions"],
                "Samples": line.counts["samples"],
                "Edited": line.counts["edited"],
                "Hash": line.hash[:12],
                "By": line.author,
                "Frozen": line.created_at,
            }
            for line in lines
        ]
    )
    columns = {
        "Dataset": st.column_config.TextColumn(width="medium"),
        "Frozen": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    }
    ids = [line.id for line in lines]
    open_table(table, ids, "dataset", "datasets.table", columns, "Datasets; press a row to open one")


def overview() -> None:
    """The list, and the form of a new one."""
    st.title("Datasets")
    with workspace().reading() as session:
        lines = datasets(session)
        there = runs_of(session, ("chains",))
        if lines:
            dataset_list(lines)
        if not there:
            empty(
                "No chains yet",
                "A dataset is frozen from chains: the revisions, and plain samples of helpful prompts.",
                "views/launch.py",
                "Launch a chains run",
                stage="chains",
            )
            return
        st.subheader("Freeze a dataset")
        dataset_form(session)


if (dataset_id := opened("dataset")) is None:
    overview()
else:
    with workspace().reading() as session:
        found = dataset(session, dataset_id)
    if found is None:
        remedy = "It may belong to another workspace."
        empty(f"There is no dataset {dataset_id}.", remedy, "views/datasets.py", "All datasets")
    else:
        show_dataset(found)
