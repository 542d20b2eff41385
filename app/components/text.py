"""The only way untrusted text reaches a page: escaped, so that no character of it is markup.

Prompts, responses, principles, names, notes and error messages all are untrusted. Streamlit's own text calls read
Markdown, fetch images and turn dollars into formulas; they get literals only, which a test holds them to.
"""

from collections.abc import Iterable
from html import escape
from typing import Literal

import streamlit as st

READABLE = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.6;max-width:72ch"
FAINT = "font-size:.875rem;line-height:1.5;opacity:.68;overflow-wrap:anywhere"
CHIP = "display:inline-block;padding:.1rem .5rem;border-radius:6px;font-size:.8125rem;line-height:1.4"

TINTS = {
    "violet": "rgba(112,72,232,.16)",
    "green": "rgba(12,166,120,.18)",
    "blue": "rgba(59,91,219,.16)",
    "orange": "rgba(232,89,12,.18)",
    "red": "rgba(224,49,49,.18)",
    "grey": "rgba(134,142,150,.20)",
}
"""See-through, so that one value suits the light theme and the dark one."""


def verbatim(text: str | None) -> None:
    """Draw a text exactly as it is; a missing one is said to be missing."""
    if text is None:
        caption("No text")
        return
    if text == "":
        caption("Empty text")
        return
    st.html(f'<div style="{READABLE}">{escape(text)}</div>')


def caption(text: str) -> None:
    """A small grey line."""
    st.html(f'<div style="{FAINT}">{escape(text)}</div>')


def inline(text: str) -> None:
    """A small grey text in a row, only as wide as it is."""
    st.html(f'<div style="{FAINT}">{escape(text)}</div>', width="content")


def heading(text: str) -> None:
    """The bold first line of a card."""
    st.html(f'<div style="font-weight:600;overflow-wrap:anywhere">{escape(text)}</div>')


def chip(text: str, tint: str = "grey") -> str:
    """A tinted label as HTML, its text escaped; for `chips`."""
    return f'<span style="{CHIP};background:{TINTS[tint]}">{escape(text)}</span>'


def _bold(text: str) -> str:
    return f'<span style="font-weight:600">{escape(text)}</span>'


def chips(
    labels: Iterable[tuple[str, str]],
    title: str = "",
    note: str = "",
    after: str = "",
    width: Literal["stretch", "content"] = "stretch",
) -> None:
    """A row: a bold title before or `after` tinted labels given as (text, tint), and a grey note."""
    parts = [_bold(title)] if title else []
    parts += [chip(text, tint) for text, tint in labels]
    parts += [_bold(after)] if after else []
    parts += [f'<span style="{FAINT}">{escape(note)}</span>'] if note else []
    row = "display:flex;flex-wrap:wrap;gap:.5rem;align-items:center"
    st.html(f'<div style="{row}">{"".join(parts)}</div>', width=width)


def figure(count: int, unit: str) -> None:
    """A large count and, small, what it counts."""
    number = f'<span style="font-size:1.7rem;font-weight:600;line-height:1.2">{count:,}</span>'
    st.html(f'<div>{number} <span style="{FAINT}">{escape(unit)}</span></div>')


def tinted(segments: Iterable[tuple[str, bool]]) -> None:
    """A text in pieces, each exactly as it is, those that are marked on green."""
    look = f"color:inherit;border-radius:3px;background:{TINTS['green']}"
    pieces = "".join(
        f'<mark style="{look}">{escape(text)}</mark>' if marked else f'<span style="opacity:.68">{escape(text)}</span>'
        for text, marked in segments
    )
    st.html(f'<div style="{READABLE}">{pieces}</div>')


def conversation(turns: Iterable[tuple[str, str]]) -> None:
    """Turns as (role, text), the role above each text where there is more than one."""
    listed = list(turns)
    for role, text in listed:
        if len(listed) > 1:
            caption(role.capitalize())
        verbatim(text)


def facts(values: Iterable[tuple[str, str]]) -> None:
    """Name and value, one a line, the names in grey."""
    rows = "".join(
        f'<div style="opacity:.68">{escape(name)}</div><div style="overflow-wrap:anywhere">{escape(value)}</div>'
        for name, value in values
    )
    grid = "display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.25rem 1.25rem;font-size:.9375rem"
    st.html(f'<div style="{grid}">{rows}</div>')


def labelled(rows: Iterable[tuple[str, str, str]]) -> None:
    """Label, tint and text, one a line, the texts in grey and below each other."""
    lines = "".join(
        f'<div>{chip(label, tint)}</div><div style="{FAINT}">{escape(said)}</div>' for label, tint, said in rows
    )
    grid = "display:grid;grid-template-columns:fit-content(16rem) 1fr;gap:.4rem .75rem;align-items:baseline"
    st.html(f'<div style="{grid}">{lines}</div>')


def exact(text: str) -> None:
    """A text to the last blank, in a fixed pitch: Streamlit's code block would strip and dedent it."""
    look = (
        "font-family:'Source Code Pro',monospace;font-size:.8125rem;line-height:1.5;white-space:pre-wrap;"
        "overflow-wrap:anywhere;max-height:18rem;overflow-y:auto;padding:.75rem 1rem;border-radius:8px;"
    )
    st.html(f'<div tabindex="0" style="{look}background:{TINTS["grey"]}">{escape(text)}</div>')


def log(text: str) -> None:
    """The tail of a log, in a fixed pitch."""
    st.code(text, language=None, wrap_lines=True, height=260)
