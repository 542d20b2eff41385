"""Responses side by side, and under each principle their critique and revision, with exactly what was sent for each."""

import streamlit as st

from app.components.playground_use import use_part
from app.components.text import caption, chips, exact, inline, verbatim
from app.components.word_diff import show_diff
from db.queries.asks import AskDetail, AskedPrinciple, PartDetail

TITLES = {"response": "Response", "critique": "Critique", "revision": "Revision"}
SIDE_BY_SIDE = 3
"""More columns would be too narrow to read."""


def show_samples(ask: AskDetail) -> None:
    """All samples, the same part of each in a row, so that they can be compared."""
    count = ask.line.samples
    width = count if count <= SIDE_BY_SIDE else 2 if count == 4 else SIDE_BY_SIDE
    for start in range(0, count, width):
        samples = range(start, min(start + width, count))
        _row(ask, "response", samples, width, None)
        for principle in ask.principles:
            if _is_grid(ask):
                chips([(principle.title or principle.slug, "violet")], note=principle.critique_request or "")
            _row(ask, "critique", samples, width, principle)
            _row(ask, "revision", samples, width, principle)
        if start + width < count:
            st.divider()


def _is_grid(ask: AskDetail) -> bool:
    """Whether a principle is said once above a row, instead of in each part."""
    return ask.line.samples > 1 or len(ask.principles) > 1


def _row(ask: AskDetail, part: str, samples: range, width: int, principle: AskedPrinciple | None) -> None:
    for column, sample in zip(st.columns(width), samples, strict=False):
        found = ask.find(part, sample, None if principle is None else principle.slug)
        with column, st.container(border=True, height="stretch"):
            if found is not None:
                _part(ask, found, principle)
            else:
                note = "to come" if ask.line.open else "not asked for"
                chips([], title=_name(ask, part, sample), note=note)


def _name(ask: AskDetail, part: str, sample: int) -> str:
    return f"{TITLES[part]} {sample + 1}" if ask.line.samples > 1 else TITLES[part]


def _part(ask: AskDetail, part: PartDetail, principle: AskedPrinciple | None) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        _title(ask, part, principle)
        use_part(ask, part)
    if part.error:
        caption(part.error)
    elif part.text is None and part.finished is None:
        caption("Nothing written yet." if ask.line.open else "Nothing was written.")
    elif part.part == "revision" and part.finished is not None:
        _revision(ask, part)
    else:
        verbatim(part.text)
    if part.thinking:
        with st.expander("What it thought first", icon=":material/psychology:", type="compact"):
            verbatim(part.thinking)
    with st.expander("Exactly what was sent", icon=":material/code:", type="compact"):
        _sent(part)


def _title(ask: AskDetail, part: PartDetail, principle: AskedPrinciple | None) -> None:
    labels: list[tuple[str, str]] = []
    if principle is not None and not _is_grid(ask):
        labels.append((principle.title or principle.slug, "violet"))
    if part.failure:
        labels.append(("too long", "orange") if part.failure == "too_long" else ("failed", "red"))
    elif part.finished is None:
        labels.append(("being written", "blue") if ask.line.open else ("not finished", "orange"))
    elif not part.finished:
        labels.append(("cut at the token limit", "orange"))
    # Beside others there is no room for it here; what was sent tells it too.
    tokens = f"{part.num_tokens} tokens" if part.num_tokens is not None and ask.line.samples == 1 else ""
    chips(labels, title=_name(ask, part.part, part.sample), note=tokens, width="content")


def _revision(ask: AskDetail, part: PartDetail) -> None:
    """The revision, and what it changed of the response."""
    response = ask.find("response", part.sample)
    changed, whole = st.tabs(["What changed", "Text"])
    with changed:
        show_diff(None if response is None else response.text, part.text or "")
    with whole:
        verbatim(part.text)


def _sent(part: PartDetail) -> None:
    if part.rendered is None:
        inline("It could not be rendered, so nothing was sent.")
        return
    exact(part.rendered)
    facts = [
        f"seed {part.seed}" if part.seed is not None else "",
        f"hash {part.sent}" if part.sent else "",
        f"answered in {part.num_tokens} tokens" if part.num_tokens is not None else "",
    ]
    caption(" · ".join(filter(None, facts)))
