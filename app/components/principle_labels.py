"""How a principle's labels split: the histogram of p_a, and apart from it those that could not be told."""

import plotly.graph_objects as go
import streamlit as st

from app.components.comparison_pair import STATES
from app.components.curves import COLOURS, GRID
from app.components.text import chips
from db.queries.principles import BINS, Split

APART = 1.12
"""Where the bar of the labels without p_a stands."""
FEW = 5
"""Labels in the highest bar up to which the axis names every count; by itself it would name fractions of one."""


def label_histogram(split: Split, key: str) -> None:
    """The histogram and the states."""
    there = [(state, split.states[state]) for state in STATES if split.states.get(state)]
    chips([(f"{count:,} {STATES[state][0]}", STATES[state][1]) for state, count in there])
    st.plotly_chart(
        figure(split), key=key, config={"displayModeBar": False}, alt="Labels by probability that A is preferred"
    )


def figure(split: Split) -> go.Figure:
    """A bar each step of p_a, and one apart."""
    width = 1 / BINS
    chart = go.Figure()
    chart.add_bar(
        x=[(place + 0.5) * width for place in range(BINS)],
        y=split.bins,
        width=width * 0.92,
        marker={"color": COLOURS[0], "opacity": 0.85},
        customdata=[[place * width, (place + 1) * width] for place in range(BINS)],
        hovertemplate="p(A) %{customdata[0]:.2f} to %{customdata[1]:.2f}: %{y:,} labels<extra></extra>",
    )
    untold = sum(count for state, count in split.states.items() if state != "labelled")
    chart.add_bar(
        x=[APART],
        y=[untold],
        width=width * 1.6,
        marker={"color": COLOURS[1], "opacity": 0.85},
        hovertemplate="could not tell: %{y:,} labels<extra></extra>",
    )
    chart.update_layout(
        height=350,
        margin={"l": 10, "r": 10, "t": 20, "b": 10},
        showlegend=False,
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    ticks = [0, 0.25, 0.5, 0.75, 1, APART]
    names = ["0<br>B", "0.25", "0.5", "0.75", "1<br>A", "could<br>not tell"]
    chart.update_xaxes(
        title="p(A)", tickvals=ticks, ticktext=names, range=[-0.03, APART + 0.09], showgrid=False, tickfont={"size": 13}
    )
    chart.update_yaxes(title="labels", gridcolor=GRID, zeroline=False, tickfont={"size": 13}, rangemode="tozero")
    if max(*split.bins, untold) <= FEW:
        chart.update_yaxes(dtick=1)
    return chart
