"""The loop as eight cards in the order of the method, with live counts."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from app.components.run_badge import state_badge
from app.components.run_progress import progress_bar
from app.components.text import caption, chips, figure
from app.components.waiting import waits_for
from app.resources import workspace
from db.queries.pipeline import Pipeline, StageCount, pipeline
from db.queries.runs import RunLine
from db.queries.waiting import Blocker


@dataclass(frozen=True, slots=True)
class Card:
    """What a stage's card says besides its counts."""

    kind: str
    title: str
    does: str
    unit: str
    page: str


CARDS = (
    Card(
        "chains", "Chains", "The model criticises and revises its replies under drawn principles.", "chains", "chains"
    ),
    Card("sft", "SL-CAI", "LoRA fine-tuning on the revisions.", "snapshots", "models"),
    Card("comparisons", "Comparisons", "Two replies to each prompt, from SL-CAI.", "pairs", "comparisons"),
    Card("labels", "Labels", "The model says which reply follows a principle better.", "labels", "comparisons"),
    Card("pm", "Preference model", "Learns those soft labels as a score.", "snapshots", "models"),
    Card("rl", "RL-CAI", "Reinforcement learning from that score.", "snapshots", "models"),
    Card("battles", "Battles", "The models against each other, on held-out prompts.", "battles", "ratings"),
)


def counts() -> Pipeline:
    """The pipeline as it stands now."""
    with workspace().reading() as session:
        return pipeline(session)


def show_pipeline() -> None:
    """Draw all cards."""
    now = counts()
    first, second = st.columns(4), st.columns(4)
    with first[0], st.container(border=True, height="stretch", vertical_alignment="distribute"):
        _figure(
            1,
            "Constitution",
            now.versions,
            f"{_of(now.versions, 'versions')} of {now.constitutions} {_of(now.constitutions, 'constitutions')}",
            "The principles, in your words.",
        )
        with st.container(horizontal=True, horizontal_alignment="right"):
            st.page_link("views/constitutions.py", label="Read and edit", icon=":material/arrow_forward:")
    for number, (column, card) in enumerate(zip([*first[1:], *second], CARDS, strict=True), start=2):
        with column, st.container(border=True, height="stretch", vertical_alignment="distribute"):
            _card(number, card, now.stages[card.kind], now.blocked)


def _of(count: int, units: str) -> str:
    return units.removesuffix("s") if count == 1 else units


def _figure(number: int, title: str, count: int, unit: str, does: str) -> None:
    """A card's head: its place in the method, its count, and what it does."""
    with st.container(gap="small"):
        chips([(str(number), "blue")], title="", note="", after=title)
        figure(count, unit)
        caption(does)


def _card(number: int, card: Card, stage: StageCount, blocked: Mapping[int, Blocker]) -> None:
    _figure(number, card.title, stage.rows, _of(stage.rows, card.unit), card.does)
    if stage.newest is not None and stage.newest.active:
        progress_bar(stage.newest, blocked.get(stage.newest.id))
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        state_badge(stage.newest.state if stage.newest else "")
        st.page_link(f"views/{card.page}.py", label="Open", icon=":material/arrow_forward:")


LINKS = {"runs": "Open the run", "launch": "Open Launch", "ratings": "Open the plane"}
"""What the link of a next step is called, by the page it opens."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do now, and where."""

    words: str
    page: str
    query: dict[str, str]


def next_step(now: Pipeline) -> NextStep:
    """The first thing that stands in the way of a rated loop."""
    newest = {card.kind: now.stages[card.kind].newest for card in CARDS}
    return (
        _blocked(now)
        or next(filter(None, (_trouble(run) for run in newest.values())), None)
        or _at_work(now)
        or next((_missing(card) for card in CARDS if newest[card.kind] is None), None)
        or NextStep("Every stage has run. See on the plane what the constitution did.", "ratings", {})
    )


def _blocked(now: Pipeline) -> NextStep | None:
    for run, blocker in now.blocked.items():
        words = f"Run {run} {waits_for(blocker)}. Read why, then resume run {blocker.run}."
        return NextStep(words, "runs", {"run": str(blocker.run)})
    return None


def _trouble(run: RunLine | None) -> NextStep | None:
    if run is None or run.active or run.state == "done":
        return None
    words = {"failed": "has failed", "lost": "was lost", "stopped": "was stopped"}[run.state]
    return NextStep(f"Run {run.id} {words}. Read why, then resume it.", "runs", {"run": str(run.id)})


def _at_work(now: Pipeline) -> NextStep | None:
    if not now.active:
        return None
    run = next((run for run in now.active if run.state == "running"), now.active[0])
    doing = "is at work. Watch it, or read what it has made so far" if run.state == "running" else "waits for its turn"
    return NextStep(f"Run {run.id} {doing}.", "runs", {"run": str(run.id)})


def _missing(card: Card) -> NextStep:
    if card.kind == "chains":
        return NextStep("Read the principles, then run the whole loop, or only its first stage.", "launch", {})
    return NextStep(f"{card.title} has not run yet. Launch it on what is there.", "launch", {"stage": card.kind})
