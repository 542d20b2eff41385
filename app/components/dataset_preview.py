"""A dataset's examples as a model will see them, the tokens that carry loss tinted."""

import json
from typing import Any

import streamlit as st

from app.components.notice import act, content_notice, problem
from app.components.text import caption, chips, tinted
from app.resources import workspace
from cai_core.runs import warm_queue
from cai_core.types import Ask, AskKind, user
from db.queries.asks import AskDetail, ask_detail
from db.queries.datasets import DatasetLine
from db.queries.models import model_names

MODEL, LENGTH, ROWS, SEED, ASKED = "preview.model", "preview.length", "preview.rows", "preview.seed", "preview.asked"
EVERY = 0.5
"""Seconds between two looks at a preview that is under way."""
START: dict[str, int] = {LENGTH: 1024, ROWS: 4, SEED: 0}


def dataset_preview(dataset: DatasetLine) -> None:
    """The model, the limit, the button, and what was found."""
    with workspace().reading() as session:
        models = model_names(session, weights=True)
    for key, value in START.items():
        st.session_state.setdefault(key, value)
    if st.session_state.get(MODEL) not in models:
        st.session_state[MODEL] = "sandbox" if "sandbox" in models else next(iter(models), None)
    one, two, three, four, five = st.columns([4, 2, 2, 2, 3], vertical_alignment="bottom")
    one.selectbox("Model", models, None, key=MODEL, persist_state="session")
    two.number_input("Max length", 16, 131072, key=LENGTH, persist_state="session", help="In tokens.")
    three.number_input("Examples", 1, 32, key=ROWS, persist_state="session")
    four.number_input("Seed", 0, key=SEED, persist_state="session", help="Which examples.")
    five.button(
        "Preview",
        icon=":material/visibility:",
        width="stretch",
        disabled=not models,
        on_click=act,
        args=(_ask, dataset.name),
    )
    _found(dataset)


def _ask(name: str) -> None:
    number = {key: int(st.session_state.get(key) or value) for key, value in START.items()}
    asked: dict[str, int] = st.session_state.setdefault(ASKED, {})
    asked[name] = warm_queue.ask(
        workspace(),
        Ask(
            AskKind.PREVIEW,
            str(st.session_state.get(MODEL)),
            (user(f"dataset {name}"),),
            seed=number[SEED],
            samples=number[ROWS],
            dataset=name,
            max_length=number[LENGTH],
        ),
    )


def _found(dataset: DatasetLine) -> None:
    """What is known; looked at again while it is under way."""
    ask_id = st.session_state.get(ASKED, {}).get(dataset.name)
    if ask_id is None:
        caption("Shows examples token by token as training would, and how many are too long. It takes seconds.")
        return
    with workspace().reading() as session:
        waits = (first := ask_detail(session, ask_id)) is not None and first.line.open

    def look() -> None:
        with workspace().reading() as session:
            found = ask_detail(session, ask_id)
        if found is None:
            return
        _show(found, dataset)
        if waits:
            warm_queue.kick(workspace())
            if not found.line.open:
                st.rerun()

    st.fragment(look, run_every=EVERY if waits else None)()


def _show(found: AskDetail, dataset: DatasetLine) -> None:
    if found.line.open:
        with workspace().reading() as session:
            said = warm_queue.waits_for(session, found.line.id)
        chips([("preparing", "blue")], note=said)
        return
    lengths = found.find("lengths")
    if found.error or lengths is None or lengths.text is None:
        problem(found.error or "the preview was stopped.")
        return
    _lengths(json.loads(lengths.text), dataset)
    content_notice()
    for part in found.parts:
        if part.part == "example" and part.text is not None:
            _row(json.loads(part.text))


def _lengths(told: dict[str, Any], dataset: DatasetLine) -> None:
    fits = told["too_long"] == 0
    of = "" if told["looked_at"] == dataset.counts["examples"] else f" of {dataset.counts['examples']:,}"
    chips(
        [("all fit", "green") if fits else (f"{told['too_long']:,} too long, left out", "orange")],
        note=f"of {told['looked_at']:,}{of} examples looked at, at most {told['limit']:,} tokens; median "
        f"{told['median']:g}, longest {told['longest']:,}; {told['loss_tokens']:,} tokens carry loss",
    )
    chips([("carries loss", "green"), ("context only", "grey")])


def _row(seen: dict[str, Any]) -> None:
    with st.container(border=True):
        marks = [("held out", "blue")] if seen["heldout"] else []
        marks += [("too long", "orange")] if seen["too_long"] else []
        chips(marks, title=seen["key"], note=f"{seen['tokens']:,} tokens")
        tinted(seen["segments"])
