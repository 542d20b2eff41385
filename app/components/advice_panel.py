"""Advice beside what is written: what blocks, then what may be looked at again; a line each, and nothing to press."""

from collections.abc import Iterable

import streamlit as st

from app.components.few_shot_tokens import few_shot_tokens
from app.components.text import caption, chips, labelled
from app.components.to_mend import mend_in_words, shot_name
from cai_core.constitution.advice import Advice, Severity, advise
from cai_core.types import Constitution

FIELDS = {
    "half": "both halves",
    "critique_request": "critique request",
    "revision_request": "revision request",
    "response_a": "response A",
    "response_b": "response B",
    "critique_revision": "few-shots",
    "comparison_with_reasoning": "few-shots",
}
OTHERS = ("Of the few-shots", "Of single principles and few-shots")
SHOWN = 12
"""Lines of one kind; more are counted."""


def advice_panel(constitution: Constitution, principle_id: str | None, key: str) -> None:
    """What keeps it from being saved, then advice for this principle, then for the constitution as a whole.

    Without a principle, the others' advice stands last, behind a press. `key` tells several panels apart.
    """
    found = advise(constitution)
    blocks = [one for one in found if one.severity is Severity.BLOCKS]
    advice = [one for one in found if one.severity is Severity.ADVICE]
    here = [one for one in advice if principle_id is not None and _id(constitution, one) == principle_id]
    whole = [one for one in advice if one.list is None]
    rest = [one for one in advice if one.list is not None and (principle_id is None or one.list != "principles")]
    with st.container(border=True, key=f"advice-{key}", gap="small"):
        chips([(f"{len(blocks)} to mend", "red")] if blocks else [], title="Advice", note=_note(principle_id))
        _blocks(constitution, blocks)
        _lines(constitution, here, "grey", named=False)
        _lines(constitution, whole, "violet", named=True)
        if not (blocks or here or whole or rest):
            caption("Nothing to say.")
        if rest:
            with st.expander(
                OTHERS[principle_id is None], icon=":material/list:", type="compact", key=f"advice.rest.{key}"
            ):
                _lines(constitution, rest, "grey", named=True)
        tokens = st.expander(
            "What the few-shots take of the context",
            icon=":material/calculate:",
            type="compact",
            key=f"advice.tokens.{key}",
            on_change="rerun",
        )
        if tokens.open:
            with tokens:
                few_shot_tokens(constitution.few_shots, key)


def _note(principle_id: str | None) -> str:
    return "for this principle and the whole" if principle_id is not None else "for the whole"


def _id(constitution: Constitution, one: Advice) -> str | None:
    return constitution.principles[one.index].id if one.list == "principles" else None


def _blocks(constitution: Constitution, advice: Iterable[Advice]) -> None:
    """A line each entry: an entry that has just begun lacks everything."""
    entries: dict[str, list[tuple[str, str]]] = {}
    for one in advice:
        entries.setdefault(_place(constitution, one) or "constitution", []).append((one.field, one.text))
    rows = [(place, "red", mend_in_words(found)) for place, found in list(entries.items())[:SHOWN]]
    if rows:
        labelled(rows)
    if len(entries) > SHOWN:
        caption(f"and {len(entries) - SHOWN} more.")


def _lines(constitution: Constitution, advice: Iterable[Advice], tint: str, *, named: bool) -> None:
    """A line each: its field, and what is to be said."""
    listed = list(advice)
    rows = []
    for one in listed[:SHOWN]:
        place = _place(constitution, one) if named else ""
        field = FIELDS.get(one.field, one.field.replace("_", " "))
        rows.append((" · ".join(filter(None, [place, field])) or "principle", tint, one.text))
    if rows:
        labelled(rows)
    if len(listed) > SHOWN:
        caption(f"and {len(listed) - SHOWN} more.")


def _place(constitution: Constitution, one: Advice) -> str:
    if one.list is None:
        return "constitution" if one.field in ("", "principles") else ""
    if one.list == "principles":
        principle = constitution.principles[one.index] if one.index < len(constitution.principles) else None
        return (principle.id or principle.title if principle else "") or f"principle {one.index + 1}"
    return shot_name(one.list, one.index)
