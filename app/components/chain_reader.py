"""One chain, read from the prompt to the last revision."""

from collections.abc import Iterator

import streamlit as st

from app.components.links import model_link, run_link, version_link
from app.components.notice import problem
from app.components.prompt_kinds import KIND_TINTS, KINDS
from app.components.text import caption, chips, conversation, inline, verbatim
from app.components.word_diff import show_diff
from db.queries.chains import ChainDetail, RoundDetail

VIEWS = ("Diff", "Side by side", "Verbatim")


def provenance(chain: ChainDetail) -> None:
    """Where a chain came from, in one line."""
    with st.container(horizontal=True, vertical_alignment="center"):
        run_link(chain.run)
        if chain.model_id is None:
            inline(f"model {chain.model}")
        else:
            model_link(chain.model_id, chain.model)
        parts = [f"seed {chain.seed}", f"{len(chain.rounds)} revisions"]
        inline(" · ".join(parts if chain.temperature is None else [*parts, f"temperature {chain.temperature:g}"]))


def show_chain(chain: ChainDetail, view: str) -> None:
    """Draw the prompt, the initial response and every round."""
    with st.container(border=True):
        where = " · ".join(filter(None, (chain.source, chain.split, chain.topic)))
        chips([(KINDS[chain.kind], KIND_TINTS[chain.kind])], title="Prompt", note=where)
        conversation(chain.turns)
    with st.container(border=True):
        chips([], title="Initial response" if chain.rounds else "Response", note=_role(chain))
        verbatim(chain.response)
    for earlier, current in _pairs(chain):
        _show_round(earlier, current, view, chain.constitution)
    if chain.error:
        problem(f"This chain ended early ({chain.state}): {chain.error}")


def _role(chain: ChainDetail) -> str:
    return "never trained on" if chain.rounds else "a plain sample: no critique, trained on as it is"


def _pairs(chain: ChainDetail) -> Iterator[tuple[str | None, RoundDetail]]:
    earlier = chain.response
    for current in chain.rounds:
        yield earlier, current
        earlier = current.revision


def _show_round(earlier: str | None, current: RoundDetail, view: str, version: str | None) -> None:
    with st.container(border=True):
        cut = [] if current.finished else [("cut at the token limit", "orange")]
        with st.container(horizontal=True, vertical_alignment="center"):
            chips([(current.principle, "violet"), *cut], title=f"Revision {current.number}", width="content")
            if version:
                version_link(version, current.principle_slug)
        if view == "Diff":
            _critique_and_diff(earlier, current)
        elif view == "Side by side":
            _side_by_side(earlier, current)
        else:
            _all_verbatim(current)


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


def _all_verbatim(current: RoundDetail) -> None:
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
