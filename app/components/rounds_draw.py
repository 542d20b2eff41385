"""Pictures of rounds: lines with intervals, or, where there are many of them, a map of groups by round."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
import streamlit as st

from app.components.curves import GRID
from app.components.rounds_form import Choice
from app.components.rounds_go import go_to_chains
from app.components.rounds_read import Shown
from app.components.text import heading
from cai_core.runs.rounds import SHARES, Point

COLOURS = ("#3B5BDB", "#E8590C", "#0CA678", "#7048E8", "#C2255C", "#1098AD", "#B08900", "#868E96")
"""One a line; each is read on white and on near-black."""
CELL = "rgba(59,91,219,{:.2f})"
FINE = "<span style='font-size:11px'>"
LABELS = 250
"""Room for the names at the right, in pixels."""
NONE = {"principle": "none (initial response)", "topic": "no topic"}
"""What a text without a principle or a topic is called."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart."""

    name: str
    points: Sequence[Point]
    run: int


def draw(found: Sequence[Shown], choice: Choice) -> None:
    """One chart for all runs, or one a run where each has several lines; a press on a point opens its chains."""
    if choice.by is None and choice.measure not in ("gates", "classes"):
        _lines([Line(one.name, one.points, one.asked.run) for one in found], found, choice, "rounds.lines")
        return
    for one in found:
        if len(found) > 1:
            heading(one.name)
        key = f"rounds.{one.asked.run}"
        if choice.by is None and choice.measure == "classes":
            names = dict.fromkeys(point.name for point in one.points)
            lines = [Line(name, [p for p in one.points if p.name == name], one.asked.run) for name in names]
            _lines(lines, found, choice, key)
        else:
            st.plotly_chart(
                round_map(one.points, one.unit, choice.by),
                key=f"{key}.map",
                config={"displayModeBar": False},
                alt="Means by round and group",
            )


def _lines(lines: Sequence[Line], found: Sequence[Shown], choice: Choice, key: str) -> None:
    event = st.plotly_chart(
        round_lines(lines, found[0].unit, shares=choice.measure in SHARES),
        key=key,
        on_select="rerun",
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Means by round with 95 % intervals",
    )
    for point in event["selection"]["points"]:
        run, round, name = point["customdata"][:3]
        go_to_chains(int(run), choice, int(round), None, str(name))


def round_lines(lines: Sequence[Line], unit: str, *, shares: bool) -> go.Figure:
    """A line each, named at its end; moved a little apart, so that no interval hides another."""
    chart = go.Figure()
    for number, line in enumerate(lines):
        apart = 0.04 * (number - (len(lines) - 1) / 2)
        chart.add_trace(_trace(line, COLOURS[number % len(COLOURS)], apart))
    low, high = _range(lines, shares)
    if len(lines) > 1:
        _name_ends(chart, lines, high - low)
    rounds = sorted({point.round for line in lines for point in line.points})
    chart.update_layout(
        height=420,
        margin={"l": 10, "r": LABELS if len(lines) > 1 else 20, "t": 10, "b": 10},
        showlegend=False,
        clickmode="event+select",
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    chart.update_xaxes(title="Round (0: the initial response)", tickvals=rounds, showgrid=False, zeroline=False,
                       tickfont={"size": 13})  # fmt: skip
    chart.update_yaxes(title=escape(unit), range=[low, high], gridcolor=GRID, zeroline=False, tickfont={"size": 13})
    return chart


def _trace(line: Line, colour: str, apart: float) -> go.Scatter:
    own = [point for point in line.points if point.value is not None]
    values = [point.value or 0.0 for point in own]
    return go.Scatter(
        x=[point.round + apart for point in own],
        y=values,
        mode="lines+markers",
        line={"width": 2.25, "color": colour},
        marker={"size": 9, "color": colour},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [0.0 if p.high is None else p.high - value for p, value in zip(own, values, strict=True)],
            "arrayminus": [0.0 if p.low is None else value - p.low for p, value in zip(own, values, strict=True)],
            "thickness": 1.4,
            "width": 4,
            "color": colour,
        },
        customdata=[[line.run, point.round, point.name, escape(line.name), said(point)] for point in own],
        hovertemplate="<b>%{customdata[3]}</b>, round %{customdata[1]}<br>%{customdata[4]}<br>press to read its chains"
        "<extra></extra>",
        unselected={"marker": {"opacity": 0.5}},
    )


def said(point: Point) -> str:
    """'0.63 [0.58, 0.68], 160 texts of 160 prompts'."""
    if point.value is None:
        return f"no value; {point.unknown:,} texts of which nothing could be told"
    span = "" if point.low is None or point.high is None else f" [{point.low:.3g}, {point.high:.3g}]"
    unknown = f"; of {point.unknown:,} more nothing could be told" if point.unknown else ""
    return f"{point.value:.3g}{span}, {point.texts:,} texts of {point.prompts:,} prompts{unknown}"


def _range(lines: Sequence[Line], shares: bool) -> tuple[float, float]:
    """Around every interval; a share's begins at zero."""
    ends = [end for line in lines for p in line.points for end in (p.value, p.low, p.high) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    room = 0.06 * ((high - low) or 1.0)
    return (-0.02 * high if shares and high else low - room), high + room


def _name_ends(chart: go.Figure, lines: Sequence[Line], height: float) -> None:
    """Each line's name at its end, moved up where another one's stands."""
    ends = [(p.value or 0.0, p.round, n) for n, line in enumerate(lines) if (p := _last(line)) is not None]
    taken = float("-inf")
    for value, round, number in sorted(ends):
        taken = max(value, taken + 0.055 * height)
        chart.add_annotation(
            x=round + 0.12, y=taken, text=f"<b>{escape(lines[number].name)}</b>", showarrow=False, xanchor="left",
            font={"size": 13, "color": COLOURS[number % len(COLOURS)]}, align="left",
        )  # fmt: skip


def _last(line: Line) -> Point | None:
    return next((point for point in reversed(line.points) if point.value is not None), None)


def round_map(points: Sequence[Point], unit: str, by: str | None) -> go.Figure:
    """Groups down, rounds across; each cell says its mean and the interval."""
    rows = list(
        dict.fromkeys(_row(point, by) for point in sorted(points, key=lambda p: (p.group is None, p.group or "")))
    )
    rounds = sorted({point.round for point in points})
    values = [point.value for point in points if point.value is not None]
    low, high = min(values, default=0.0), max(values, default=1.0)
    chart = go.Figure()
    for point in points:
        place, value = len(rows) - rows.index(_row(point, by)), point.value
        shade = 0.0 if value is None else 0.08 + 0.42 * ((value - low) / (high - low) if high > low else 0.5)
        chart.add_shape(type="rect", x0=point.round - 0.48, x1=point.round + 0.48, y0=place - 0.46, y1=place + 0.46,
                        line={"width": 0}, fillcolor=CELL.format(shade), layer="below")  # fmt: skip
    chart.add_trace(_cells(points, rows, by))
    chart.update_layout(
        height=44 * len(rows) + 76, margin={"l": 10, "r": 20, "t": 6, "b": 10}, showlegend=False,
        plot_bgcolor="rgba(0,0,0,0)", paper_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
    chart.update_xaxes(title=f"Round (0: the initial response). Cells: {escape(unit)}, 95 % interval",
                       tickvals=rounds, showgrid=False, zeroline=False, tickfont={"size": 13},
                       range=[rounds[0] - 0.5, rounds[-1] + 0.5])  # fmt: skip
    chart.update_yaxes(tickvals=list(range(len(rows), 0, -1)), ticktext=[escape(row) for row in rows], showgrid=False,
                       zeroline=False, tickfont={"size": 13}, range=[0.5, len(rows) + 0.5])  # fmt: skip
    return chart


def _cells(points: Sequence[Point], rows: Sequence[str], by: str | None) -> go.Scatter:
    return go.Scatter(
        x=[point.round for point in points],
        y=[len(rows) - rows.index(_row(point, by)) for point in points],
        mode="text",
        text=[_cell(point) for point in points],
        textfont={"size": 12},
        customdata=[[escape(_row(point, by)), point.round, said(point)] for point in points],
        hovertemplate="<b>%{customdata[0]}</b>, round %{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    )


def _cell(point: Point) -> str:
    if point.value is None:
        return "–"
    span = "" if point.low is None or point.high is None else f"<br>{FINE}{point.low:.2f} to {point.high:.2f}</span>"
    return f"{point.value:.3g}{span}"


def _row(point: Point, by: str | None) -> str:
    """The group's name, or the gate's."""
    return point.name if by is None else point.group or NONE[by]
