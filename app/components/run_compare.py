"""Two runs side by side: settings that differ, results, curves on the same axes."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.curves import curves
from app.components.run_badge import in_select, run_title
from app.components.run_findings import findings
from app.components.run_results import plain
from app.components.text import caption
from app.resources import workspace
from db.queries.runs import RunDetail, metrics, run_detail, runs_of


def compare(run: RunDetail) -> None:
    """Choose another run of the same stage, and see both."""
    with workspace().reading() as session:
        others = {line.id: line for line in runs_of(session, (run.line.kind,)) if line.id != run.line.id}
        if not others:
            st.caption("No other run of this stage yet. Clone this one with changes to have something to compare.")
            return
        chosen = st.selectbox("With", list(others), format_func=lambda i: in_select(others[i]), key="runs.compare")
        other = run_detail(session, chosen)
        if other is None:
            return
        both = {run_title(r.line.id, r.line.kind): metrics(session, r.line.id) for r in (run, other)}
    st.subheader("Settings that differ")
    _table(differences(run, other), (run, other), "The same settings, seed and constitution.")
    st.subheader("Results")
    _table(results(run, other), (run, other), "Neither has results yet.")
    if any(both.values()):
        st.subheader("Curves")
        curves(both, "compare")


def differences(one: RunDetail, other: RunDetail) -> list[tuple[str, str, str]]:
    """(setting, its value in one, its value in the other) where they differ; seed and constitution included."""
    sides = [{"seed": r.line.seed, "constitution version": r.constitution, **r.config} for r in (one, other)]
    names = dict.fromkeys([*sides[0], *sides[1]])
    rows = [(name, plain(sides[0].get(name)), plain(sides[1].get(name))) for name in names]
    return [row for row in rows if row[1] != row[2]]


def results(one: RunDetail, other: RunDetail) -> list[tuple[str, str, str]]:
    """(result, its value in one, its value in the other)."""
    sides = [dict(findings(r.result)) for r in (one, other)]
    names = dict.fromkeys([*sides[0], *sides[1]])
    return [(name, sides[0].get(name, "–"), sides[1].get(name, "–")) for name in names]


def _table(rows: Sequence[tuple[str, str, str]], runs: tuple[RunDetail, RunDetail], nothing: str) -> None:
    if not rows:
        caption(nothing)
        return
    names = [run_title(r.line.id, r.line.kind) for r in runs]
    st.dataframe(pd.DataFrame(rows, columns=["", *names]), hide_index=True, alt="Two runs side by side")
