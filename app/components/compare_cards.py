"""Figures in a row of cards, each with its interval in words."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from app.components.text import FAINT

Card = tuple[str, str, str]
"""A figure, what it is, and a grey note."""


def cards(figures: Sequence[Card]) -> None:
    """Cards of equal height and width."""
    for column, (figure, what, note) in zip(st.columns(len(figures), gap="small"), figures, strict=True):
        with column, st.container(border=True, height="stretch"):
            st.html(
                f'<div style="font-size:1.6rem;font-weight:600;line-height:1.25">{escape(figure)}</div>'
                f'<div style="line-height:1.4">{escape(what)}</div>'
                f'<div style="{FAINT};margin-top:.25rem">{escape(note)}</div>'
            )


def percent(value: float | None) -> str:
    """'5.3 %'; a dash where it is not known."""
    return "–" if value is None else f"{100 * value:.1f} %"


def interval(found: Mapping[str, Any], form: str = ".1f", scale: float = 100, unit: str = " %") -> str:
    """'95 %: 3.3 to 8.5 %'; empty where there is none."""
    if found["low"] is None:
        return ""
    return f"95 %: {scale * found['low']:{form}} to {scale * found['high']:{form}}{unit}"
