"""What narrows the list of prompts. The address is the only truth: the widgets show it and write it."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from sqlalchemy.orm import Session

from app.components.notice import problem
from app.components.prompt_kinds import KINDS
from db.queries.prompt_filter import LISTED, PromptFilter, read_filter
from db.queries.prompts import PromptSet, tags, topics

FIELDS = ("source", "kind", "split", "topic", "tag", "used", "text", "run")
USED = {"yes": "Used by a run", "no": "Not used yet"}


def prompts_filter() -> PromptFilter:
    """What the address asks for; what it cannot mean is said, and passes all."""
    values = {name: st.query_params[name] for name in FIELDS if name in st.query_params}
    try:
        return read_filter(values)
    except ValueError as error:
        problem(str(error))
        return PromptFilter()


def set_filter(**values: str | None) -> None:
    """Write fields into the address; None and '' take one out."""
    for name, value in values.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)


def filter_prompts(session: Session, wanted: PromptFilter, sets: list[PromptSet]) -> None:
    """Draw the widgets."""
    one, two, three = st.columns(3)
    one.selectbox("Set", **_choice("source", [found.name for found in sets], wanted.source, "All sets"))
    st.session_state[_key("text")] = wanted.text
    two.text_input(
        "Words", placeholder="All of these words, in any turn", key=_key("text"), on_change=_wrote, args=("text",)
    )
    three.selectbox("Use", **_choice("used", LISTED["used"], wanted.used, "Used or not", USED))
    four, five, six, seven = st.columns(4)
    four.selectbox("Kind", **_choice("kind", LISTED["kind"], wanted.kind, "All kinds", KINDS))
    five.selectbox("Split", **_choice("split", LISTED["split"], wanted.split, "All splits"))
    six.selectbox("Topic", **_choice("topic", topics(session, wanted.source), wanted.topic, "All topics"))
    named = {tag: f"{tag} · {count:,}" for tag, count in tags(session)}
    seven.selectbox("Tag", **_choice("tag", list(named), wanted.tag, "With or without tags", named))
    if wanted.run is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Only what run {wanted.run:d} wrote.")
            st.button(
                "From all runs", icon=":material/close:", type="tertiary", on_click=set_filter, kwargs={"run": ""}
            )


def _key(name: str) -> str:
    return f"prompts.{name}"


def _wrote(name: str) -> None:
    set_filter(**{name: st.session_state[_key(name)]})


def _choice(
    name: str, options: Sequence[str], value: str | None, nothing: str, words: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What a select is drawn with: it shows what the address says, also where nothing is called so."""
    st.session_state[_key(name)] = value
    return {
        "options": [value, *options] if value is not None and value not in options else list(options),
        "index": None,
        "format_func": lambda option: (words or {}).get(option, option),
        "placeholder": nothing,
        "key": _key(name),
        "on_change": _wrote,
        "args": (name,),
    }
