"""From a figure by round back to the chains behind it."""

import streamlit as st

from app import state
from app.components.rounds_form import Choice
from db.queries.chain_filter import ChainFilter, dump_filter


def go_to_chains(run: int, choice: Choice, round: int, group: str | None, name: str) -> None:
    """Open the chains of a round, perhaps those of a group or of a gate."""
    st.switch_page("views/chains.py", query_params=chains_address(run, choice, round, group, name))


def leave_for_chains(run: int, choice: Choice, round: int, group: str | None, name: str) -> None:
    """As `go_to_chains`, from a callback."""
    st.session_state[state.GO_TO] = ("views/chains.py", chains_address(run, choice, round, group, name))


def chains_address(run: int, choice: Choice, round: int, group: str | None, name: str) -> dict[str, str]:
    """The filter of the chains page, as it stands in an address."""
    gate = name if choice.measure in ("gates", "refusal") else ""
    wanted = ChainFilter(
        run=run,
        kind="red_team",
        round=round,
        principle=group if choice.by == "principle" else None,
        topic=group if choice.by == "topic" else None,
        gate=gate or None,
        branches="without",
    )
    return dump_filter(wanted)
