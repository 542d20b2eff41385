"""One prompt: its turns, where it came from, and all that was made of it."""

from collections.abc import Callable

import streamlit as st

from app.components.links import chain_link, comparison_link, run_link
from app.components.prompt_kinds import KIND_TINTS, KINDS
from app.components.run_results import plain
from app.components.text import caption, chips, conversation, facts, inline
from db.queries.prompts import PromptDetail, Uses

SHOWN = 12
"""Uses of each kind that are linked to."""


def show_prompt(prompt: PromptDetail) -> None:
    """Draw the turns verbatim, and beside them the rest."""
    labels = [(KINDS[prompt.kind], KIND_TINTS[prompt.kind]), (prompt.split, "grey")]
    labels += [(tag, "violet") for tag in prompt.tags]
    chips(labels, title=prompt.source, note=prompt.topic or "")
    left, right = st.columns([3, 2], gap="medium")
    with left, st.container(border=True):
        conversation(prompt.turns)
    with right:
        with st.container(border=True):
            _origin(prompt)
        with st.container(border=True):
            _uses(prompt)


def _origin(prompt: PromptDetail) -> None:
    st.caption("Where it came from")
    if prompt.run is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            run_link(prompt.run)
            inline("wrote it")
    facts(
        [
            ("Set", prompt.source),
            ("Came in", f"{prompt.created_at:%Y-%m-%d %H:%M}"),
            ("Id everywhere", prompt.uid),
            *((name, plain(value)) for name, value in prompt.extra.items()),
        ]
    )


def _uses(prompt: PromptDetail) -> None:
    st.caption("What used it")
    if not any(uses.count for uses in (prompt.runs, prompt.chains, prompt.comparisons, prompt.responses)):
        caption("No run has used it: it can be moved to another split, or removed.")
        return
    _row("Runs", prompt.runs, run_link)
    _row("Chains", prompt.chains, chain_link)
    _row("Comparisons", prompt.comparisons, comparison_link)
    if prompt.responses.count:
        caption(f"{prompt.responses.count:,} answers in battles")


def _row(name: str, uses: Uses, link: Callable[[int], None]) -> None:
    if not uses.count:
        return
    more = f", the newest {SHOWN}" if uses.count > SHOWN else ""
    caption(f"{name}: {uses.count:,}{more}")
    with st.container(horizontal=True):
        for one in uses.shown[:SHOWN]:
            link(one.id)
