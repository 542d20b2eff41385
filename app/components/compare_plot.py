"""Changes with their intervals, one line each: told apart from nothing where the interval leaves zero out."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
import streamlit as st

from app.components.curves import GRID

ZERO = "rgba(134,142,150,.75)"
TOLD, NOT_TOLD = "#3B5BDB", "#868E96"
ROW = 34
"""Height of a line, in pixels."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the plot."""

    name: str
    value: float
    low: float | None
    high: float | None
    words: str
    """Stands at the right."""
    whole: bool = False
    """Over everything, not a part."""

    @property
    def told(self) -> bool:
        """The interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def change_plot(changes: Sequence[Change], axis: str, key: str, *, from_zero: bool = False) -> None:
    """Draw them, the first on top; `axis` says what is measured."""
    st.plotly_chart(
        change_figure(changes, axis, from_zero=from_zero),
        key=key,
        config={"displayModeBar": False},
        alt="Change by topic with 95 % intervals",
    )


def change_figure(changes: Sequence[Change], axis: str, *, from_zero: bool = False) -> go.Figure:
    """The figure: a point and its interval a line, directly labelled."""
    chart = go.Figure()
    places = list(range(len(changes), 0, -1))
    for told, colour in ((True, TOLD), (False, NOT_TOLD)):
        own = [(place, one) for place, one in zip(places, changes, strict=True) if one.told is told]
        if own:
            chart.add_trace(_points(own, colour))
    for place, one in zip(places, changes, strict=True):
        chart.add_annotation(
            x=1, xref="paper", y=place, text=escape(one.words), showarrow=False, xanchor="left", xshift=12,
            font={"size": 13}, align="left",
        )  # fmt: skip
    chart.add_vline(x=0, line={"color": ZERO, "width": 1})
    chart.update_layout(
        height=ROW * len(changes) + 62,
        margin={"l": 10, "r": 230, "t": 6, "b": 10},
        showlegend=False,
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    names = [f"<b>{escape(one.name)}</b>" if one.whole else escape(one.name) for one in changes]
    chart.update_yaxes(
        tickvals=places, ticktext=names, tickfont={"size": 13}, showgrid=False, zeroline=False,
        range=[0.4, len(changes) + 0.6],
    )  # fmt: skip
    chart.update_xaxes(
        title=axis, gridcolor=GRID, zeroline=False, tickfont={"size": 13}, range=_range(changes, from_zero)
    )
    return chart


def _points(own: Sequence[tuple[int, Change]], colour: str) -> go.Scatter:
    ends = [
        (one.value, one.value if one.low is None else one.low, one.value if one.high is None else one.high)
        for _, one in own
    ]
    return go.Scatter(
        x=[value for value, _, _ in ends],
        y=[place for place, _ in own],
        mode="markers",
        marker={"size": [11 if one.whole else 8 for _, one in own], "color": colour},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, high - value) for value, _, high in ends],
            "arrayminus": [max(0.0, value - low) for value, low, _ in ends],
            "thickness": 1.5,
            "width": 4,
            "color": colour,
        },
        customdata=[[escape(one.name), escape(one.words)] for _, one in own],
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<extra></extra>",
    )


def _range(changes: Sequence[Change], from_zero: bool) -> list[float]:
    """Around zero, wide enough for every interval: even where nothing changed there is an axis to read."""
    reach = [abs(end) for one in changes for end in (one.value, one.low, one.high) if end is not None]
    most = max([0.02, *reach]) * 1.08
    return [-0.03 * most if from_zero else -most, most]
