"""A run's metrics over its steps: one small chart a metric, each run labelled at its line's end."""

from collections.abc import Mapping, Sequence
from html import escape

import plotly.graph_objects as go
import streamlit as st

from db.queries.runs import MetricPoint

COLOURS = ("#3B5BDB", "#E8590C", "#0CA678", "#7048E8")
"""One a run that is overlaid; readable on white and on near-black."""
UNITS = {
    "loss": "nats",
    "heldout_loss": "nats per token",
    "tokens_per_second": "tokens",
    "token_accuracy": "share of tokens",
    "kl": "nats per token",
    "reward": "preference-model score",
    "reward_std": "preference-model score",
    "zero_spread": "share of prompts",
    "length": "tokens",
    "cut": "share of responses",
    "unscored": "responses",
    "entropy": "nats per token",
}
GRID = "rgba(134,142,150,.22)"


def curves(runs: Mapping[str, Sequence[MetricPoint]], key: str) -> None:
    """Two charts a row, one for each metric that any of the runs has."""
    names = sorted({point.name for points in runs.values() for point in points})
    for start in range(0, len(names), 2):
        for column, name in zip(st.columns(2, gap="medium"), names[start : start + 2], strict=False):
            with column, st.container(border=True):
                st.plotly_chart(
                    figure(name, runs),
                    key=f"{key}.{name}",
                    config={"displayModeBar": False},
                    alt="A metric over training steps",
                )


def figure(name: str, runs: Mapping[str, Sequence[MetricPoint]]) -> go.Figure:
    """One metric over steps."""
    chart = go.Figure()
    for number, (label, points) in enumerate(runs.items()):
        own = [point for point in points if point.name == name]
        if own:
            _add(chart, label if len(runs) > 1 else "", own, COLOURS[number % len(COLOURS)])
    unit = UNITS.get(name.rsplit("/", 1)[-1], "")
    words = name.replace("_", " ").replace("kl", "KL").replace("heldout", "held-out")
    return _laid_out(chart, f"{words} ({unit})" if unit else words, room=90 if len(runs) > 1 else 16)


def _add(chart: go.Figure, label: str, points: Sequence[MetricPoint], colour: str) -> None:
    x, y = [point.step for point in points], [point.value for point in points]
    hover = "step %{x}: %{y:.4g}<extra>" + escape(label) + "</extra>"
    mode = "lines" if len(points) > 1 else "markers"
    chart.add_scatter(x=x, y=y, mode=mode, line={"width": 1.75, "color": colour}, hovertemplate=hover)
    if label:
        chart.add_annotation(
            x=x[-1], y=y[-1], text=escape(label), showarrow=False, xanchor="left", xshift=6, font={"color": colour}
        )


def _laid_out(chart: go.Figure, title: str, room: int) -> go.Figure:
    chart.update_layout(
        title={"text": escape(title), "font": {"size": 14}, "x": 0, "xanchor": "left", "y": 0.97},
        height=230,
        margin={"l": 10, "r": room, "t": 40, "b": 10},
        showlegend=False,
        hovermode="x unified",
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    chart.update_xaxes(title="step", gridcolor=GRID, zeroline=False, tickfont={"size": 13})
    chart.update_yaxes(gridcolor=GRID, zeroline=False, tickfont={"size": 13}, nticks=5)
    return chart
