"""One round of a chain: principle, critique and revision, and all that is known of them."""

from collections.abc import Sequence

import streamlit as st

from app.components.gates import gate_chips
from app.components.links import version_link
from app.components.text import caption, chips, verbatim
from app.components.word_diff import show_diff
from db.queries.chains import RoundDetail, ScoreDetail

EDITED = {"critique": "critique edited", "revision": "revision edited", "principle": "principle chosen"}


def show_round(
    earlier: str | None, current: RoundDetail, view: str, version: str | None, scores: Sequence[ScoreDetail]
) -> None:
    """Draw a round; `earlier` is what it revised."""
    with st.container(horizontal=True, vertical_alignment="center"):
        chips([(current.principle, "violet"), *_marks(current)], title=f"Revision {current.number}", width="content")
        if version:
            version_link(version, current.principle_slug)
        chips(score_chips(scores), note=words_of(current.words), width="content")
    VIEWS[view](earlier, current)
    if current.written is not None:
        with st.expander("A preamble was taken off; what the model wrote"):
            verbatim(current.written)


def score_chips(scores: Sequence[ScoreDetail]) -> list[tuple[str, str]]:
    """What judges make of a text."""
    return [(f"{one.judge}: {_value(one)}", "blue") for one in scores]


def words_of(count: int | None) -> str:
    """A text's length."""
    return "" if count is None else f"{count:,} words"


def _value(score: ScoreDetail) -> str:
    value = "could not tell" if score.value is None else f"{score.value:.2f}"
    return f"{score.verdict} ({value})" if score.verdict else value


def _marks(current: RoundDetail) -> list[tuple[str, str]]:
    edited = [(EDITED[current.edited] + " by hand", "blue")] if current.edited else []
    skipped = [("skipped: the critique found nothing", "grey")] if current.skipped else []
    cut = [] if current.finished or current.revision_gates is not None else [("cut at the token limit", "orange")]
    hit = gate_chips(current.critique_gates, "critique") + gate_chips(current.revision_gates, "revision")
    return [*edited, *skipped, *cut, *hit]


def _critique_and_diff(earlier: str | None, current: RoundDetail) -> None:
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.caption("Critique")
        _critique(current)
    with right:
        st.caption("Word diff from the previous response")
        show_diff(earlier, current.revision)


def _side_by_side(earlier: str | None, current: RoundDetail) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption("Before")
        verbatim(earlier)
    with right:
        st.caption("After")
        verbatim(current.revision)


def _all_verbatim(_earlier: str | None, current: RoundDetail) -> None:
    parts = (
        ("Critique request", current.critique_request),
        ("Critique", current.critique),
        ("Revision request", current.revision_request),
        ("Revision", current.revision),
    )
    for name, text in parts:
        if text is not None:
            caption(name)
            verbatim(text)


def _critique(current: RoundDetail) -> None:
    if current.critique is None:
        st.caption("Left out on purpose: this run revises directly.")
    else:
        verbatim(current.critique)


VIEWS = {"Diff": _critique_and_diff, "Side by side": _side_by_side, "Verbatim": _all_verbatim}
