"""Models on the helpfulness × harmlessness plane, with 95 % intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go
import streamlit as st

from app.components.curves import GRID
from app.components.plane_labels import SHIFT, corners
from cai_core.types import Rating


@dataclass(frozen=True, slots=True)
class RatedModel:
    """A model's place on the plane, and where it came from."""

    name: str
    family: str
    """'helpful', 'sl-cai', 'rl-cai' or 'other'."""
    helpfulness: Rating
    harmlessness: Rating
    run: int | None
    colour: str


FAMILIES = {
    "helpful": ("#E8590C", "square"),
    "sl-cai": ("#4C6EF5", "circle"),
    "rl-cai": ("#0CA678", "diamond"),
    "other": ("#868E96", "triangle-up"),
}
"""Colour and marker shape; the shape alone tells them apart, and each colour is read on white and on black."""
JOINED = "rl-cai"
"""The family whose snapshots a dotted line joins."""
FAINT = "rgba(134,142,150,.55)"


def rating_plane(models: Sequence[RatedModel], key: str, height: int = 520) -> int | None:
    """Draw the plane; answers the run of a pressed point."""
    event = st.plotly_chart(
        plane(models, height),
        key=key,
        on_select="rerun",
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Helpfulness and harmlessness Elo of each model with 95 % intervals",
    )
    points = event["selection"]["points"]
    run = points[0]["customdata"][0] if points else None
    return int(run) if run is not None else None


def plane(models: Sequence[RatedModel], height: int = 520) -> go.Figure:
    """The figure: one trace a family, each point labelled."""
    chart = go.Figure()
    for family, (colour, shape) in FAMILIES.items():
        own = [model for model in models if model.family == family]
        if own:
            chart.add_trace(_trace(own, colour, shape, joined=family == JOINED and len(own) > 1))
    for model, side in zip(models, _sides(models, height), strict=True):
        chart.add_annotation(**_label(model, *side))
    chart.update_layout(
        height=height,
        margin={"l": 10, "r": 40, "t": 20, "b": 10},
        showlegend=False,
        clickmode="event+select",
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    style = {"gridcolor": GRID, "zeroline": True, "zerolinecolor": FAINT, "zerolinewidth": 1, "tickfont": {"size": 13}}
    chart.update_xaxes(title="Helpfulness, Elo points (→ more helpful)", **style)
    chart.update_yaxes(title="Harmlessness, Elo points (↑ less harmful)", **style)
    return chart


def _sides(models: Sequence[RatedModel], height: int) -> list[tuple[float, float]]:
    """Where each label stands; what a line joins are the snapshots of RL, in their order."""
    joined = [number for number, model in enumerate(models) if model.family == JOINED]
    places = [(model.helpfulness, model.harmlessness) for model in models]
    return corners(places, [model.name for model in models], [joined], height) if models else []


def _label(model: RatedModel, right: float, above: float) -> dict[str, object]:
    return {
        "x": model.helpfulness.mid,
        "y": model.harmlessness.mid,
        "text": f"<b>{escape(model.name)}</b>",
        "showarrow": False,
        "xanchor": "left" if right > 0 else "right",
        "yanchor": "bottom" if above > 0 else "top",
        "xshift": right * SHIFT[0],
        "yshift": above * SHIFT[1],
        "font": {"size": 14, "color": FAMILIES[model.family][0]},
    }


def _trace(models: Sequence[RatedModel], colour: str, shape: str, joined: bool) -> go.Scatter:
    x, y = [m.helpfulness for m in models], [m.harmlessness for m in models]
    return go.Scatter(
        x=[r.mid for r in x],
        y=[r.mid for r in y],
        mode="lines+markers" if joined else "markers",
        line={"dash": "dot", "width": 1.25, "color": colour},
        marker={"size": 12, "symbol": shape, "color": [m.colour for m in models]},
        error_x=_bars(x, colour),
        error_y=_bars(y, colour),
        customdata=[[m.run, *_words(m)] for m in models],
        hovertemplate="<b>%{customdata[1]}</b><br>helpfulness %{customdata[2]}<br>harmlessness %{customdata[3]}"
        "%{customdata[4]}<extra></extra>",
        unselected={"marker": {"opacity": 0.35}},
    )


def _bars(ratings: Sequence[Rating], colour: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [r.high - r.mid for r in ratings],
        "arrayminus": [r.mid - r.low for r in ratings],
        "thickness": 1.4,
        "width": 5,
        "color": colour,
    }


def _words(model: RatedModel) -> tuple[str, str, str, str]:
    press = "" if model.run is None else "<br>press to open its run"
    return escape(model.name), elo(model.helpfulness), elo(model.harmlessness), press


def elo(rating: Rating) -> str:
    """'+120 [+95, +146]'."""
    return f"{rating.mid:+.0f} [{rating.low:+.0f}, {rating.high:+.0f}]"
