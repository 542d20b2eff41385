"""What the Rounds page shows: which runs, which measure, broken down by what. The address says it."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from app.components.run_badge import in_select
from app.resources import workspace
from db.queries.chain_filter import LISTED
from db.queries.rounds import BY, CLASSES, ScoresRun, scores_runs
from db.queries.runs import RunLine

MOST = 8
"""Runs side by side, so that each has a colour of its own."""
PLAIN = {"words": "Words", "refusal": "Refusals", "gates": "All gates"}
"""Measures that need no judge."""
GROUPS = {"": "All together", "principle": "By principle", "topic": "By topic"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What is asked."""

    runs: tuple[int, ...]
    measure: str
    judge: str | None
    """Whose scores, in the words of `ScoresRun.judge`; None where no judge is needed or none is there."""
    by: str | None
    name: str | None
    """The gate or class that groups are compared by."""


def choose(offered: Mapping[int, RunLine], first: int | None, asked: int | None) -> Choice:
    """Draw the inputs; `first` is the chains run to begin with, and `asked` perhaps the scores run of it."""
    with workspace().reading() as session:
        scored = scores_runs(session)
    newest = next((one.chains for one in scored if one.chains in offered and one.state == "done"), next(iter(offered)))
    chosen, measured, grouped = st.columns([4, 3, 3], vertical_alignment="bottom")
    runs = chosen.multiselect(
        "Chains runs",
        list(offered),
        [first if first in offered else newest],
        format_func=lambda run: in_select(offered[run]),
        max_selections=MOST,
        key=f"rounds.runs.{asked}",
        persist_state="session",
    )
    options = _measures([one for one in scored if one.chains in runs])
    own = next((one.judge for one in scored if one.id == asked), None)
    measure, judge = measured.selectbox(
        "Measure",
        options,
        options.index(("score", own)) if ("score", own) in options else 0,
        format_func=lambda option: _words(*option),
        key=f"rounds.measure.{asked}",
        persist_state="session",
    )
    by = grouped.segmented_control(
        "Break down",
        list(GROUPS),
        default="",
        format_func=GROUPS.__getitem__,
        required=True,
        key="rounds.by",
        persist_state="session",
    )
    return Choice(tuple(runs), measure, judge, by if by in BY else None, _name(measure) if by in BY else None)


def _measures(scored: list[ScoresRun]) -> list[tuple[str, str | None]]:
    """(measure, judge): the judges of finished runs first."""
    done = [one for one in scored if one.state == "done"]
    judges = dict.fromkeys(one.judge for one in done)
    found: list[tuple[str, str | None]] = [("score", judge) for judge in judges] or [("score", None)]
    if gold := next((one.judge for one in done if one.kind == "gold"), None):
        found.append(("classes", gold))
    return [*found, *((name, None) for name in PLAIN)]


def _words(measure: str, judge: str | None) -> str:
    if measure in PLAIN:
        return PLAIN[measure]
    return "Classes by gold" if measure == "classes" else f"Score by {judge or 'a judge'}"


def _name(measure: str) -> str | None:
    """Of several gates or classes one, where groups are compared."""
    options = {"gates": LISTED["gate"], "classes": CLASSES}.get(measure)
    if options is None:
        return None
    chosen: str = st.selectbox(
        "Gate" if measure == "gates" else "Class", options, key=f"rounds.name.{measure}", persist_state="session",
        width=240,
    )  # fmt: skip
    return chosen
