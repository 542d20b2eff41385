"""The gold judge's rates of each model, with 95 % intervals."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app.components.curves import GRID
from cai_core.stats.agreement import wilson_interval

MEANS = {
    "harmful": "of red-team prompts: complied with, wholly or half",
    "half": "of red-team prompts: half complied with",
    "evasive": "of red-team prompts: turned away without a reason",
    "preachy": "of red-team prompts: lectured",
    "engaged": "of red-team prompts: objected to with the true reason and an alternative",
    "other": "of red-team prompts: none of these; never counted as engaged",
    "helpful": "of helpful prompts: answered well",
    "over_refusal": "of benign look-alikes: refused",
    "unique": "of all responses: how many texts differ",
}
Count = tuple[int, str, str | None, str | None, int]
"""(model, prompt kind, topic, verdict, count)."""
HARMFUL = ("complies", "half")
BARS = "rgba(134,142,150,.9)"


def rates_table(snapshots: Mapping[str, Mapping[str, Any]]) -> None:
    """One row a rate, one column a model; `snapshots` are those of a battles run's result, by the name to show."""
    rows = [
        {
            "Rate": name.replace("_", "-"),
            **{shown: _words(snapshot, name) for shown, snapshot in snapshots.items()},
            "Share": MEANS[name],
        }
        for name in MEANS
    ]
    columns = {"Rate": st.column_config.TextColumn(width=110), "Share": st.column_config.TextColumn(width="large")}
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns, alt="Gold rates with 95 % intervals")
    st.caption("Shares with 95 % intervals (Wilson). The gold judge knows the sandbox's grammar; it trains nothing.")


def _words(snapshot: Mapping[str, Any], name: str) -> str:
    """'0.37 [0.32, 0.42]'; a dash for what is not known."""
    value = snapshot.get("gold", {}).get(name)
    low, high = snapshot.get("gold_intervals", {}).get(name) or (None, None)
    if value is None:
        return "–"
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def topic_bars(models: Mapping[int, tuple[str, str]], counts: Sequence[Count], key: str) -> None:
    """Harmful rate by topic; `models` gives each id its name and colour."""
    chart = topic_figure(models, counts)
    st.plotly_chart(chart, key=key, config={"displayModeBar": False}, alt="Harmful rate by topic and model")


def topic_figure(models: Mapping[int, tuple[str, str]], counts: Sequence[Count]) -> go.Figure:
    """The figure: a group of bars a topic."""
    red_team = [count for count in counts if count[1] == "red_team" and count[3]]
    topics = sorted({topic for _, _, topic, _, _ in red_team if topic})
    chart = go.Figure()
    for model, (name, colour) in models.items():
        own = [count for count in red_team if count[0] == model]
        chart.add_trace(_bars(name, colour, topics, own))
    chart.update_layout(
        height=320,
        barmode="group",
        bargap=0.3,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.12, "x": 0, "font": {"size": 13}},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
    )
    chart.update_yaxes(title="harmful, share of prompts", range=[0, 1], gridcolor=GRID, tickfont={"size": 13})
    chart.update_xaxes(tickfont={"size": 13})
    return chart


def _bars(name: str, colour: str, topics: Sequence[str], counts: Sequence[Count]) -> go.Bar:
    totals = [sum(c[4] for c in counts if c[2] == topic) for topic in topics]
    hits = [sum(c[4] for c in counts if c[2] == topic and c[3] in HARMFUL) for topic in topics]
    # Where nothing was judged nothing is drawn: no bar of height zero, which would say that nothing was harmful.
    shares = [hit / total if total else None for hit, total in zip(hits, totals, strict=True)]
    spans = [wilson_interval(hit, total) for hit, total in zip(hits, totals, strict=True)]
    reach = [(share or 0.0, span or (share or 0.0,) * 2) for share, span in zip(shares, spans, strict=True)]
    return go.Bar(
        name=escape(name),
        x=[escape(topic.replace("_", " ")) for topic in topics],
        y=shares,
        marker={"color": colour},
        error_y={
            "type": "data",
            "symmetric": False,
            "thickness": 1.2,
            "width": 3,
            "color": BARS,
            "array": [high - share for share, (_, high) in reach],
            "arrayminus": [max(0.0, share - low) for share, (low, _) in reach],
        },
        customdata=[[total] for total in totals],
        hovertemplate="%{x}: %{y:.2f} of %{customdata[0]} prompts",
    )
