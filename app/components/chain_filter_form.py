"""What narrows the list of chains: fields that compose, kept by the session and by the page's address."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import streamlit as st
from sqlalchemy.orm import Session

from app.components.gates import WORDS
from app.components.prompt_kinds import KINDS
from app.components.run_badge import in_select
from cai_core.store import filters
from db.queries.chain_filter import BRANCHES, ChainFilter, dump_filter
from db.queries.chains import chain_choices, offered_principles
from db.queries.runs import RunLine
from db.schema import ROW_STATES, SPLITS
from db.schema_chains import VERDICTS

FIELDS = tuple(field.name for field in fields(ChainFilter))
ADDRESS = "chains.address"
"""The filter as this session last wrote it into the address."""
VERDICT_WORDS = {"accept": "Accepted", "reject": "Rejected", "flag": "Flagged", "none": "Not reviewed"}
BRANCH_WORDS = {"with": "With branches", "without": "Without branches", "only": "Branches only"}


def chains_filter() -> ChainFilter:
    """What the fields say."""
    said = {name: st.session_state.get(f"chains.{name}") for name in FIELDS}
    said["text"] = (said["text"] or "").strip()
    return ChainFilter(**{name: value for name, value in said.items() if value not in (None, "")})


def read_address() -> None:
    """Take the filter of an address that this session has not written: a link, a reload; `ReviewError` if it is none.

    An address without any, as the sidebar's, leaves the filter as it was.
    """
    given = {name: st.query_params[name] for name in FIELDS if name in st.query_params}
    if given and given != st.session_state.get(ADDRESS):
        st.session_state[ADDRESS] = given
        set_filter(filters.read(given))


def set_filter(wanted: ChainFilter) -> None:
    """Set the fields."""
    for name in FIELDS:
        st.session_state[f"chains.{name}"] = getattr(wanted, name)


def write_address(wanted: ChainFilter) -> None:
    """Put the filter into the address, to be kept over a reload and sent to others."""
    shown = dump_filter(wanted)
    st.session_state[ADDRESS] = shown
    for name in FIELDS:
        if name not in shown:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != shown[name]:
            st.query_params[name] = shown[name]


def filter_form(session: Session, runs: Mapping[int, RunLine]) -> None:
    """Draw the fields."""
    run, principle, gate, verdict, text = st.columns([3, 3, 2, 2, 3])
    run.selectbox("Run", **_select("run", list(runs), "All runs", lambda one: in_select(runs[one])))
    drawn = offered_principles(session, st.session_state.get("chains.run"))
    principle.selectbox(
        "Principle",
        **_select(
            "principle",
            list(drawn),
            "All principles",
            lambda slug: slug if drawn[slug] is None else f"{slug} · {drawn[slug]:,} rounds",
        ),
    )
    gate.selectbox("Gate", **_select("gate", list(WORDS), "Any", lambda name: WORDS[name].capitalize()))
    verdict.selectbox("Verdict", **_select("verdict", VERDICTS, "Any", VERDICT_WORDS.__getitem__))
    text.text_input("Contains", placeholder="All of these words", key="chains.text", persist_state="session")
    with st.expander("More conditions", expanded=bool(_more())):
        _rest(chain_choices(session))


def _more() -> list[str]:
    """Conditions that are set and stand further down."""
    plain = ("run", "principle", "gate", "verdict", "text")
    return [name for name in dump_filter(chains_filter()) if name not in plain]


def _rest(offered: Mapping[str, Sequence[str]]) -> None:
    first, second = st.columns(5), st.columns(5)
    first[0].selectbox("Prompts", **_select("kind", list(KINDS), "All kinds", KINDS.__getitem__))
    first[1].selectbox("Prompt set", **_select("source", offered["source"], "All sets"))
    first[2].selectbox("Split", **_select("split", SPLITS, "All splits", str.capitalize))
    first[3].selectbox("Model", **_select("model", offered["model"], "All models"))
    first[4].selectbox("Constitution", **_select("constitution", offered["constitution"], "All versions"))
    second[0].selectbox(
        "Round", **_select("round", list(range(17)), "Any round", lambda n: f"{n}" if n else "Initial response")
    )
    second[1].selectbox("Reviewer", **_select("reviewer", offered["reviewer"], "Anybody"))
    second[2].selectbox("Branches", **_select("branches", BRANCHES, "With branches", BRANCH_WORDS.__getitem__))
    second[3].selectbox(
        "State", **_select("state", ROW_STATES, "All states", lambda one: str(one).replace("_", " ").capitalize())
    )
    second[4].selectbox("Topic", **_select("topic", [], "All topics"))


def _select(name: str, options: Sequence[Any], nothing: str, words: Any = str) -> dict[str, Any]:
    """A select that may be empty; what was chosen stays on offer, and a topic is typed."""
    chosen = st.session_state.get(f"chains.{name}")
    return {
        "options": [*options, *([chosen] if chosen not in (None, "", *options) else [])],
        "index": None,
        "format_func": lambda one: words(one) if one in options else str(one),
        "placeholder": nothing,
        "key": f"chains.{name}",
        "persist_state": "session",
        "accept_new_options": name == "topic",
    }
