"""The figures that the Rounds page shows, and the runs that have none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st
from sqlalchemy.orm import Session

from app.components.notice import empty
from app.components.rounds_form import Choice
from app.resources import workspace
from cai_core.errors import RunError
from cai_core.runs import rounds
from cai_core.runs.rounds import Point
from db.queries.rounds import RoundQuestion, scores_runs

FRESH_SECONDS = 60
"""How long sums over many rows are kept before they are added up again."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One chains run's figures."""

    name: str
    asked: RoundQuestion
    points: tuple[Point, ...]
    unit: str


def read(session: Session, choice: Choice) -> tuple[list[Shown], list[int]]:
    """The figures of each chosen run, and the runs that the judge has not scored."""
    asked: list[RoundQuestion] = []
    lacking: list[int] = []
    for run in choice.runs:
        try:
            asked.append(rounds.question(session, run, choice.measure, by=choice.by, judge=choice.judge))
        except RunError:
            lacking.append(run)
    names = rounds.run_names(session, [one.run for one in asked])
    shown = [Shown(names[one.run], one, _points(session, one), rounds.unit(session, one)) for one in asked]
    if choice.name is not None:
        shown = [replace(one, points=tuple(p for p in one.points if p.name == choice.name)) for one in shown]
    return [one for one in shown if one.points], lacking


def _points(session: Session, asked: RoundQuestion) -> tuple[Point, ...]:
    how_far = [one.done for one in scores_runs(session, asked.run) if one.id == asked.scores]
    return _kept(session, str(workspace().folder), asked, how_far)


@st.cache_data(ttl=FRESH_SECONDS, max_entries=64, show_spinner="Adding up …")
def _kept(_session: Session, folder: str, asked: RoundQuestion, how_far: list[int]) -> tuple[Point, ...]:
    """A workspace's points, which a rerun of the page does not add up again."""
    return rounds.curve(_session, asked).points


def say_lacking(lacking: Sequence[int], choice: Choice) -> None:
    """Which runs have no scores yet, and the way to make them."""
    for run in lacking:
        empty(
            f"The chains of run {run} have no scores by {choice.judge or 'a judge'}",
            "A scores run has a judge look at the initial response and at every revision.",
            "views/launch.py",
            "Launch a scores run",
            stage="scores",
            parent=str(run),
        )
