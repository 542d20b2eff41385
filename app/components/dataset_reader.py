"""One dataset: what it holds, what it was made of, and what was made of it."""

from collections.abc import Iterator

import streamlit as st

from app import state
from app.components.dataset_form import SAID, TAKES, left_out
from app.components.dataset_preview import dataset_preview
from app.components.launch_form import PREFIX
from app.components.links import model_link, run_link
from app.components.pager import open_row
from app.components.text import caption, facts
from app.resources import workspace
from cai_core.types import RunKind
from db.queries.datasets import DatasetLine, dataset_uses


def show_dataset(dataset: DatasetLine) -> None:
    """Counts, recipe, uses and preview."""
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title(f"Dataset {dataset.id:d}")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        st.button("All datasets", icon=":material/list:", on_click=open_row, args=("dataset", None))
    caption(dataset.name)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.caption("What it holds")
        facts(_holds(dataset))
        left_out(dataset.counts)
    with right, st.container(border=True, height="stretch"):
        st.caption("What it was made of")
        facts(_made_of(dataset))
        _uses(dataset)
    st.subheader("As a model will see it")
    dataset_preview(dataset)


def _holds(dataset: DatasetLine) -> Iterator[tuple[str, str]]:
    counts = dataset.counts
    yield "To train on", f"{counts['train']:,} examples"
    yield "Held out", f"{counts['heldout']:,} examples of {counts['heldout_prompts']:,} prompts"
    yield "Prompts", f"{counts['prompts']:,}"
    yield "Revisions", f"{counts['revisions']:,}"
    yield "Plain samples", f"{counts['samples']:,}"
    yield "Edited by hand", f"{counts['edited']:,}"
    yield "SHA-256", dataset.hash


def _made_of(dataset: DatasetLine) -> Iterator[tuple[str, str]]:
    recipe = dataset.recipe
    yield "Chains", ", ".join(f"{name} = {value}" for name, value in recipe["filter"].items()) or "all"
    yield "Rounds", f"up to {recipe['rounds']:d}" if recipe["rounds"] else "all"
    yield "Revisions", TAKES["last" if recipe["last_only"] else "all"]
    yield "Verdicts", SAID[recipe["verdicts"]]
    yield "Helpful samples", "all there are" if recipe["helpful_share"] is None else f"{recipe['helpful_share']:.0%}"
    yield "Prompts held out", f"{recipe['heldout']:.0%}"
    yield "Seed", f"{recipe['seed']:d}"
    yield "Frozen", f"{dataset.created_at:%Y-%m-%d %H:%M} UTC" + (f" by {dataset.author}" if dataset.author else "")


def _uses(dataset: DatasetLine) -> None:
    with workspace().reading() as session:
        uses = dataset_uses(session, dataset.id)
    for run in dataset.counts["runs"]:
        with st.container(horizontal=True, vertical_alignment="center"):
            run_link(run)
            st.caption("its chains are in it")
    for use in uses:
        with st.container(horizontal=True, vertical_alignment="center"):
            run_link(use.run)
            st.caption("trains on it")
            for model, name in use.models:
                model_link(model, name)
    if not uses:
        st.caption("Nothing was trained on it yet.")
    st.button("Train on it", icon=":material/rocket_launch:", on_click=_train_on, args=(dataset.name,))


def _train_on(name: str) -> None:
    """Open Launch with this dataset chosen."""
    for origin in ("sandbox", "defaults"):
        st.session_state[f"{PREFIX.format(kind=RunKind.SFT, origin=origin)}.dataset"] = name
    st.session_state[state.GO_TO] = ("views/launch.py", {"stage": RunKind.SFT.value})
