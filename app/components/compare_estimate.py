"""How much of a comparison will be recalled, said before it starts."""

import streamlit as st

from app.components.text import chips
from app.resources import workspace
from cai_core.errors import CAIError
from cai_core.runs.compare import VersionComparison
from cai_core.runs.compare_estimate import Expected, expected
from cai_core.types import RunKind

FRESH_FOR = 60
"""Seconds for which an estimate stands: prompts may be imported and runs finished meanwhile."""


def compare_estimate(wanted: VersionComparison) -> None:
    """One line: what B takes over from A and what it asks; or what is wrong."""
    try:
        found = _expected(str(workspace().folder), wanted)
    except CAIError as error:
        chips([("not yet", "orange")], note=str(error))
        return
    parts = [in_words(found[kind], name) for kind, name in NAMES.items() if kind in found]
    chips([], title="Before it starts", note=" · ".join(parts) or "Nothing is asked for.")


NAMES = {RunKind.CHAINS: "chains", RunKind.LABELS: "labels"}


def in_words(found: Expected, name: str) -> str:
    """'under B, 253 of 300 chains are taken over whole, and at most 258 answers asked for'."""
    asked = f"and at most {found.asked:,} answers asked for" if found.asked else "and nothing is asked for"
    return f"under B, {found.recalled:,} of {found.rows:,} {name} are taken over whole, {asked}"


@st.cache_data(show_spinner=False, max_entries=64, ttl=FRESH_FOR)
def _expected(folder: str, wanted: VersionComparison) -> dict[RunKind, Expected]:
    with workspace().reading() as session:
        return expected(session, wanted)
