"""Two responses side by side, and what a label says of them."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.components.links import run_link, version_link
from app.components.notice import problem
from app.components.text import TINTS, caption, chips, heading, verbatim
from db.queries.comparisons import ComparisonDetail, LabelDetail

STATES = {
    "labelled": ("labelled", "green"),
    "tie": ("tie", "grey"),
    "order_inconsistent": ("changes with the order", "orange"),
    "unparseable": ("unparseable", "orange"),
    "too_long": ("too long", "orange"),
    "failed": ("failed", "red"),
    "unlabelled": ("not labelled", "grey"),
}
"""Words and tint of a label's state."""


def pair(name_a: str, text_a: str | None, name_b: str, text_b: str | None, better: str | None = None) -> None:
    """Both responses; the better one, 'a' or 'b', is said to be."""
    for column, side, name, text in zip(st.columns(2), "ab", (name_a, name_b), (text_a, text_b), strict=True):
        with column, st.container(border=True, height="stretch"):
            chips([("preferred", "green")] if better == side else [], title=name)
            verbatim(text)


def preferred(p_a: float | None) -> str | None:
    """Which response a soft label prefers; an even one prefers none."""
    if p_a is None or p_a == 0.5:
        return None
    return "a" if p_a > 0.5 else "b"


def preferred_by_all(labels: Sequence[LabelDetail]) -> str | None:
    """Which response every label of the newest run prefers; None where one of them differs or cannot tell."""
    sides = {preferred(label.p_a) for label in labels if label.run == labels[0].run}
    return sides.pop() if len(sides) == 1 else None


def show_comparison(comparison: ComparisonDetail) -> None:
    """The pair and each of its labels."""
    better = preferred_by_all(comparison.labels)
    pair("Response A", comparison.response_a, "Response B", comparison.response_b, better)
    if comparison.error:
        problem(f"No pair was made ({comparison.state}): {comparison.error}")
    for label in comparison.labels:
        with st.container(border=True):
            _show_label(label)
    if not comparison.labels:
        st.caption("Not labelled yet. Launch a labels run on this run's comparisons.")


def _show_label(label: LabelDetail) -> None:
    tags = [STATES[label.state], (label.principle, "violet")]
    if label.disagrees:
        tags.append(("orders disagree", "orange"))
    with st.container(horizontal=True, vertical_alignment="center"):
        chips(tags, title="AI label", note=label.principle_kind, width="content")
        run_link(label.run)
        if label.constitution:
            version_link(label.constitution, label.principle_slug)
    if label.p_a is not None:
        p_a_bar(label.p_a)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.caption("Principle, as the feedback model read it")
        verbatim(label.comparison)
    with right:
        _show_orders(label)
    if label.error:
        problem(label.error)


def _show_orders(label: LabelDetail) -> None:
    st.caption("Log-odds for A, natural logarithm")
    shown = {"ab": "A shown first", "ba": "B shown first"}
    for order in label.orders:
        caption(f"{shown[order.order]}: {order.log_odds:+.2f}  (A {order.logprob_a:.2f}, B {order.logprob_b:.2f})")
        if order.bounded:
            caption("An option was not among the likeliest tokens that the server lists: its value is an upper bound.")
    if len(label.orders) == 2:
        mean = sum(order.log_odds for order in label.orders) / 2
        heading(f"Mean of both: {mean:+.2f}")


def p_a_bar(p_a: float, name_a: str = "A", name_b: str = "B") -> None:
    """The probability that A is preferred, as a bar that grows from B's end to A's."""
    middle = "position:absolute;left:50%;top:-3px;bottom:-3px;width:1px;background:currentColor;opacity:.4"
    share = f"width:{p_a:.1%};height:100%;border-radius:4px 0 0 4px;background:rgba(59,91,219,.75)"
    track = f"position:relative;flex:1;height:10px;border-radius:4px;background:{TINTS['grey']}"
    row = "display:flex;align-items:center;gap:.75rem;font-variant-numeric:tabular-nums;font-size:.9375rem"
    st.html(
        f'<div style="{row}" role="img" aria-label="probability that {escape(name_a)} is preferred: {p_a:.2f}">'
        f"<span>{escape(name_a)} {p_a:.2f}</span>"
        f'<div style="{track}"><div style="{share}"></div><div style="{middle}"></div></div>'
        f"<span>{escape(name_b)} {1 - p_a:.2f}</span></div>"
    )
