"""Where principles disagree: a map of every two of them over the pairs labelled under both."""

from collections.abc import Mapping, Sequence
from html import escape

import plotly.graph_objects as go
import streamlit as st

from app.components.shares import share_span, share_words
from app.components.text import caption, heading
from db.queries.disagreements import Both, Disagreements
from db.queries.principles import PlacedPrinciple

ENOUGH = 5
"""Pairs below which a cell is not coloured: its share would say next to nothing."""
SCALE = [[0.0, "rgba(232,89,12,.06)"], [1.0, "rgba(232,89,12,.75)"]]
INKS = ("#1F2430", "#E6E8EC")
"""Of numbers, on white and on near-black."""
Cells = Mapping[tuple[str, str], Both]


def cells(
    principles: Sequence[PlacedPrinciple], found: Disagreements, all_wordings: bool
) -> dict[tuple[str, str], Both]:
    """Every two principles that share a pair, both ways, by their ids."""
    filled: dict[tuple[str, str], Both] = {}
    for number, one in enumerate(principles):
        for other in principles[number + 1 :]:
            sides = [p.wordings if all_wordings else (p.wording,) for p in (one, other)]
            both = found.between(*sides)
            if both.n:
                filled[one.slug, other.slug] = filled[other.slug, one.slug] = both
    return filled


def disagreement_map(principles: Sequence[PlacedPrinciple], shared: Cells, key: str) -> None:
    """The map, of the principles that share a pair with another."""
    drawn = [one for one in principles if any(one.slug == slug for slug, _ in shared)]
    st.plotly_chart(
        figure(sorted(drawn, key=lambda one: one.kind), shared, INKS[st.context.theme.type == "dark"]),
        key=key,
        config={"displayModeBar": False},
        alt="Share of pairs on which two principles prefer different responses",
    )
    caption(
        "A number is how many pairs were labelled under both by the same model; the colour is the share on which they "
        f"prefer different responses, from {ENOUGH} pairs on. Blank: no pair in common."
    )


def figure(principles: Sequence[PlacedPrinciple], shared: Cells, ink: str) -> go.Figure:
    """Colour from enough pairs on, the number of pairs, in `ink`, wherever there is one."""
    slugs = [one.slug for one in principles]
    shares = [[_share(shared.get((row, column))) for column in slugs] for row in slugs]
    chart = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(range(len(slugs))),
            y=list(range(len(slugs))),
            zmin=0,
            zmax=max(0.5, *(value for row in shares for value in row if value is not None), 0.5),
            colorscale=SCALE,
            xgap=2,
            ygap=2,
            hoverinfo="skip",
            colorbar={"title": {"text": "differ"}, "tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
        )
    )
    places = [(x, y) for y, row in enumerate(slugs) for x, column in enumerate(slugs) if (row, column) in shared]
    found = [shared[slugs[y], slugs[x]] for x, y in places]
    titles = [escape(one.title) for one in principles]
    chart.add_scatter(
        x=[x for x, _ in places],
        y=[y for _, y in places],
        mode="text",
        text=[f"{both.n:,}" for both in found],
        textfont={"size": 12 if len(slugs) <= 16 else 10, "color": ink},
        customdata=[
            [titles[y], titles[x], share_words(both.differ, both.n), share_span(both.differ, both.n), both.n]
            for (x, y), both in zip(places, found, strict=True)
        ],
        hovertemplate="<b>%{customdata[0]}</b><br><b>%{customdata[1]}</b><br>prefer different responses in "
        "%{customdata[2]} (%{customdata[3]})<br>of %{customdata[4]:,} pairs<extra></extra>",
    )
    return _laid_out(chart, [escape(slug) for slug in slugs])


def _share(both: Both | None) -> float | None:
    return both.differ / both.n if both is not None and both.n >= ENOUGH else None


def _laid_out(chart: go.Figure, names: Sequence[str]) -> go.Figure:
    places = list(range(len(names)))
    style = {"tickvals": places, "ticktext": names, "showgrid": False, "zeroline": False, "tickfont": {"size": 12}}
    chart.update_layout(
        height=160 + 28 * len(names),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        showlegend=False,
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    edges = [-0.5, len(names) - 0.5]
    chart.update_xaxes(**style, tickangle=-45, range=edges)
    chart.update_yaxes(**style, range=edges[::-1])
    return chart


def newest(every: Disagreements) -> None:
    """Say what is left out."""
    if not every.whole:
        caption(f"Over the newest {every.comparisons:,} pairs that have labels under several principles.")


def several() -> None:
    """How pairs come to be labelled under several principles."""
    with st.container(border=True):
        heading("Label the same pairs under several principles")
        caption(
            "Two principles can be held against each other on pairs that were labelled under both. Set Principles "
            "above 1 in a labels run: each comparison then draws that many, and gets a label under each. A second "
            "labels run on the same comparisons does it too, where it draws another one."
        )
        st.page_link(
            "views/launch.py",
            label="Launch a labels run",
            icon=":material/arrow_forward:",
            query_params={"stage": "labels"},
        )
