"""Where a model came from: every run behind it, back to the version of the constitution."""

import streamlit as st

from app.components.links import run_link, version_link
from app.components.run_badge import TITLES
from app.components.text import caption, chips
from app.resources import workspace
from db.queries.models import ModelLine, causes


def lineage(model: ModelLine) -> None:
    """The chain of causes, the first cause first."""
    if model.run is None:
        caption(f"Added by hand: {model.base}" + (f" with adapter {model.adapter}" if model.adapter else ""))
        return
    with workspace().reading() as session:
        behind = causes(session, model.run)
    for cause in behind:
        with st.container(horizontal=True, vertical_alignment="center"):
            run_link(cause.run)
            chips([(TITLES[cause.kind], "blue")], note=f"seed {cause.seed}", width="content")
            if cause.constitution:
                version_link(cause.constitution)
    chips([("this model", "green")], title=model.name, note=f"step {model.step}" if model.step is not None else "")
