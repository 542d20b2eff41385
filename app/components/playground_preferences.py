"""Which of two responses each principle prefers: the averaged probability of A as a bar, both orders marked on it."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from app.components.comparison_pair import STATES
from app.components.text import TINTS, caption, chip, exact, inline
from cai_core.preferences.asks import told
from cai_core.types import AskPart, Failure, Label, Order, Principle
from db.queries.asks import AskDetail, AskedPrinciple, PartDetail

SHOWN_FIRST = {"ab": "A shown first", "ba": "B shown first"}
BAR, AHEAD, BEHIND = "rgba(59,91,219,.55)", "rgba(59,91,219,1)", "rgba(232,89,12,1)"
"""The bar, and the marks of the orders."""
ROW = "display:grid;grid-template-columns:minmax(7rem,12rem) 1fr 6.5rem;gap:1rem;align-items:center"
NUMBERS = "font-variant-numeric:tabular-nums;font-size:.875rem"


def show_preferences(ask: AskDetail) -> None:
    """A row a principle."""
    rows = [(one, _label(ask, one)) for one in ask.principles]
    with st.container(border=True):
        st.html(_legend())
        for principle, label in rows:
            left, right = st.columns([12, 1], vertical_alignment="center")
            left.html(_row(principle, label, ask.line.open))
            if not ask.line.open:
                with right, st.popover("Sent", type="tertiary", help="Exactly what was sent, in both orders"):
                    _sent(ask, principle)
        caption(_sum_up([label for _, label in rows]))


def _label(ask: AskDetail, principle: AskedPrinciple) -> Label | None:
    parts = [_noun(one) for one in ask.parts]
    return told(Principle(principle.slug, principle.title, comparison=principle.comparison), parts)


def _noun(part: PartDetail) -> AskPart:
    return AskPart(
        part.part,
        part.text,
        part.rendered,
        part.sent,
        part.finished,
        logprobs=part.logprobs,
        bounded=part.bounded,
        principle=part.principle,
        order=None if part.order is None else Order(part.order),
        failure=None if part.failure is None else Failure(part.failure),
        error=part.error,
    )


def _legend() -> str:
    ends = "<span>0 · B is preferred</span><span>½</span><span>A is preferred · 1</span>"
    axis = f'<div style="display:flex;justify-content:space-between;opacity:.68;{NUMBERS}">{ends}</div>'
    marks = f"{_mark(None, 'ab')} A shown first &nbsp; {_mark(None, 'ba')} B shown first"
    legend = f'<div style="opacity:.85;{NUMBERS}">{marks}</div>'
    return f'<div style="{ROW}">{legend}{axis}<span style="opacity:.68;{NUMBERS}">p(A), averaged</span></div>'


def _row(principle: AskedPrinciple, label: Label | None, open_: bool) -> str:
    name = f'<div style="overflow-wrap:anywhere;font-size:.9375rem">{escape(principle.title or principle.slug)}</div>'
    if label is None or label.p_a is None:
        return f'<div style="{ROW}">{name}{_track("")}{_unknown(label, open_)}</div>{_why(label)}'
    share = f"position:absolute;left:0;top:0;bottom:0;width:{label.p_a:.2%};border-radius:4px 0 0 4px;background:{BAR}"
    marks = "".join(_mark(score.p_a, score.order) for score in label.orders if score.p_a is not None)
    flag = chip("orders disagree", "orange") if label.order_disagrees else ""
    said = f'<div style="{NUMBERS}"><b>{label.p_a:.2f}</b> {_preferred(label.p_a)}</div>'
    spoken = f"{principle.title}: probability that A is preferred {label.p_a:.2f}; " + ", ".join(
        f"{SHOWN_FIRST[one.order]} {one.p_a:.2f}" for one in label.orders if one.p_a is not None
    )
    track = _track(f'<div style="{share}"></div>{marks}')
    aria = f'role="img" aria-label="{escape(spoken)}"'
    return f'<div style="{ROW}" {aria}>{name}{track}<div>{said}{flag}</div></div>'


def _preferred(p_a: float) -> str:
    return "neither" if p_a == 0.5 else "prefers A" if p_a > 0.5 else "prefers B"


def _track(inside: str) -> str:
    middle = "position:absolute;left:50%;top:-3px;bottom:-3px;width:1px;background:currentColor;opacity:.45"
    look = f"position:relative;height:14px;border-radius:4px;background:{TINTS['grey']}"
    return f'<div style="{look}">{inside}<div style="{middle}"></div></div>'


def _mark(p_a: float | None, order: str) -> str:
    """A disc for A shown first, a ring for B shown first; on the track where there is a value."""
    colour = AHEAD if order == Order.AB else BEHIND
    fill = colour if order == Order.AB else "rgba(255,255,255,.9)"
    look = f"display:inline-block;width:9px;height:9px;border-radius:50%;border:2px solid {colour};background:{fill}"
    if p_a is None:
        return f'<span style="{look};vertical-align:-1px"></span>'
    title = escape(f"{SHOWN_FIRST[order]}: {p_a:.3f}")
    return f'<span title="{title}" style="{look};position:absolute;top:.5px;left:calc({p_a:.2%} - 6.5px)"></span>'


def _unknown(label: Label | None, open_: bool) -> str:
    if label is None:
        return f'<div style="opacity:.68;{NUMBERS}">{"being asked" if open_ else "not asked"}</div>'
    return f"<div>{chip(*STATES[label.state])}</div>"


def _why(label: Label | None) -> str:
    """The reason that nothing could be told."""
    if label is None:
        return ""
    return f'<div style="opacity:.68;margin-top:.15rem;{NUMBERS}">Could not tell: {escape(label.error or "")}</div>'


def _sum_up(labels: Sequence[Label | None]) -> str:
    known = [one.p_a for one in labels if one is not None and one.p_a is not None]
    said = [
        (sum(p > 0.5 for p in known), "prefers A", "prefer A"),
        (sum(p < 0.5 for p in known), "prefers B", "prefer B"),
        (
            sum(one is not None and one.order_disagrees for one in labels),
            "changes with the order",
            "change with the order",
        ),
        (sum(one is not None and one.p_a is None for one in labels), "could not tell", "could not tell"),
    ]
    parts = [f"{count} {one if count == 1 else many}" for count, one, many in said if count]
    return f"Of {len(labels)} {'principle' if len(labels) == 1 else 'principles'}: {' · '.join(parts)}"


def _sent(ask: AskDetail, principle: AskedPrinciple) -> None:
    first, second = st.tabs(["A shown first", "B shown first"])
    for tab, order in ((first, "ab"), (second, "ba")):
        found = next((p for p in ask.parts if p.principle == principle.slug and p.order == order), None)
        with tab:
            if found is None or found.rendered is None:
                inline("It was not sent.")
                continue
            exact(found.rendered)
            caption(" · ".join(_told(found)))


def _told(part: PartDetail) -> list[str]:
    odds = " and ".join(f"{one:.3f}" for one in part.logprobs or ())
    said = [f"log-probabilities of (A) and (B): {odds}" if odds else "", f"hash {part.sent}" if part.sent else ""]
    if any(part.bounded):
        said.append("an option was not among the likeliest tokens that the server lists: its value is an upper bound")
    return [*filter(None, said), *([part.error] if part.error else [])]
