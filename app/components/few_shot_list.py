"""A constitution's few-shot examples, to be read."""

import streamlit as st

from app.components.text import caption, conversation, verbatim
from cai_core.types import ComparisonShot, Conversation, CritiqueRevisionShot, FewShots


def few_shot_list(shots: FewShots) -> None:
    """Every example, by what it is an example of."""
    st.subheader("Critique and revision")
    for critique in shots.critique_revision:
        _critique_revision(critique)
    st.subheader("Comparison")
    for comparison in (*shots.comparison, *shots.comparison_with_reasoning):
        _comparison(comparison)


def _turns(turns: Conversation) -> None:
    conversation((turn.role.value, turn.content) for turn in turns)


def _texts(*texts: tuple[str, str | None]) -> None:
    for name, text in texts:
        if text is not None:
            caption(name)
            verbatim(text)


def _critique_revision(shot: CritiqueRevisionShot) -> None:
    with st.container(border=True):
        left, right = st.columns(2, gap="medium")
        with left:
            _turns(shot.conversation)
        with right:
            _texts(("Critique request", shot.critique_request), ("Critique", shot.critique))
            _texts(("Revision request", shot.revision_request), ("Revision", shot.revision))


def _comparison(shot: ComparisonShot) -> None:
    with st.container(border=True):
        left, right = st.columns(2, gap="medium")
        with left:
            _turns(shot.conversation)
            _texts(("Comparison", shot.comparison), ("Reasoning", shot.reasoning), ("Answer", shot.answer))
        with right:
            _texts(("Response A", shot.response_a), ("Response B", shot.response_b))
