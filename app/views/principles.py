"""Principles: what each was drawn for, found, changed and preferred, with the rows behind every figure."""

import streamlit as st

from app.components.notice import empty
from app.components.principle_against import against_table, differing_pairs
from app.components.principle_choice import Chosen, choose, neighbours
from app.components.principle_disagreement import cells, disagreement_map, newest, several
from app.components.principle_examples import show_examples
from app.components.principle_labels import label_histogram
from app.components.principle_record import (
    caps,
    label_figures,
    listed,
    round_figures,
    show_figures,
    show_principle,
)
from app.components.principle_table import principle_table
from app.components.text import caption, heading
from app.resources import workspace
from db.queries.constitutions import constitution_names
from db.queries.disagreements import disagreements
from db.queries.principles import PlacedPrinciple, label_split, records


def overview(chosen: Chosen) -> None:
    """All principles in a table, and the map of their disagreements."""
    with workspace().reading() as session:
        found = records(session, {one.slug: chosen.wordings(one) for one in chosen.principles})
        every = disagreements(session)
    if not any(one.rounds.drawn or one.labels.drawn for one in found.values()):
        empty(
            "Nothing drawn yet",
            "A chains run draws principles for its critiques and revisions, a labels run for its comparisons.",
            "views/launch.py",
            "Launch a chains run",
            stage="chains",
        )
        return
    principle_table(chosen.principles, found, f"principles.overview.{chosen.version}")
    caps(list(found.values()))
    shared = cells(chosen.principles, every, chosen.all_wordings)
    st.subheader("Where they disagree")
    if shared:
        disagreement_map(chosen.principles, shared, "principles.map")
        newest(every)
    else:
        caption("No pair is labelled under two of these principles.")
    several()


def record(chosen: Chosen, one: PlacedPrinciple) -> None:
    """One principle's record."""
    wordings = chosen.wordings(one)
    with workspace().reading() as session:
        found = records(session, {one.slug: wordings})[one.slug]
    with st.container(border=True):
        show_principle(one, chosen.version)
    if not found.rounds.drawn and not found.labels.drawn:
        empty("Never drawn", "No chains run and no labels run has drawn it yet. Count all wordings, or launch a run.")
        return
    show_figures(one.slug, round_figures(found.rounds))
    show_figures(one.slug, label_figures(found.labels))
    caps([found])
    with st.container(border=True), workspace().reading() as session:
        show_examples(session, wordings, listed(one.slug, found))
    if found.labels.drawn:
        preferences(chosen, one)


def preferences(chosen: Chosen, one: PlacedPrinciple) -> None:
    """How its labels split, and where they differ from those under each other principle."""
    with workspace().reading() as session:
        split, every = label_split(session, chosen.wordings(one)), disagreements(session)
    shared = cells(chosen.principles, every, chosen.all_wordings)
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        heading("How its labels split")
        label_histogram(split, "principles.split")
    if not any(one.slug == slug for slug, _ in shared):
        with right:
            several()
        return
    with right, st.container(border=True, height="stretch"):
        heading("Against each other principle")
        other = against_table(one, chosen.principles, shared)
        newest(every)
    with st.container(border=True), workspace().reading() as session:
        sides = [(each, chosen.wordings(each)) for each in (one, other)]
        differing_pairs(session, sides, shared[one.slug, other.slug])


def page() -> None:
    """The overview, or the record of the principle that the address names."""
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.title("Principles")
    with workspace().reading() as session:
        names = constitution_names(session)
        if not names:
            empty("No constitutions yet", "Principles are written there.", "views/constitutions.py", "Write one")
            return
        chosen = choose(session, names)
    if chosen.open is None:
        overview(chosen)
        return
    with right:
        neighbours(chosen, chosen.open)
    record(chosen, chosen.open)


page()
