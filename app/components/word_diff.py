"""What a revision changed, word by word: struck through and underlined, so that colour is not needed to read it."""

from html import escape

import streamlit as st

from app.components.text import READABLE, TINTS, caption, verbatim
from cai_core.chains.word_diff import Op, word_diff

LOOKS = {
    Op.DELETE: ("del", f"background:{TINTS['red']};text-decoration:line-through;opacity:.8;border-radius:3px"),
    Op.INSERT: (
        "ins",
        f"background:{TINTS['green']};text-decoration:underline;text-decoration-thickness:1px;"
        "text-underline-offset:3px;border-radius:3px",
    ),
}


def diff_html(old: str, new: str) -> str:
    """The diff as HTML; every run of text is escaped."""
    return "".join(_run(op, text) for op, text in word_diff(old, new))


def _run(op: Op, text: str) -> str:
    if op not in LOOKS:
        return escape(text)
    tag, look = LOOKS[op]
    return f'<{tag} style="{look}">{escape(text)}</{tag}>'


def show_diff(old: str | None, new: str) -> None:
    """Draw what turned `old` into `new`; without an old text, the new one."""
    if old is None:
        verbatim(new)
        return
    if old == new:
        caption("Nothing changed.")
    st.html(f'<div style="{READABLE}">{diff_html(old, new)}</div>')
