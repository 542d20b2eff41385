"""Which version of which constitution is shown: by two selects, or by an address that other pages link to."""

import streamlit as st
from sqlalchemy.orm import Session

from app.components.text import caption
from db.queries.constitutions import VersionLine, versions

NAME = "constitutions.name"
FIRST = "sandbox"
"""The constitution that is shown first."""


def _version_key(name: str) -> str:
    return f"constitutions.version.{name}"


def choose(ref: str) -> None:
    """Show 'name@3' from now on."""
    name = ref.rpartition("@")[0]
    st.session_state[NAME], st.session_state[_version_key(name)] = name, ref
    leave_address()


def leave_address() -> None:
    """Let the selects rule again."""
    for part in ("version", "principle"):
        st.query_params.pop(part, None)


def chosen_version(session: Session, names: list[str]) -> tuple[list[VersionLine], str]:
    """Draw the selects; answers all versions of the constitution, the newest first, and the one to show."""
    _from_address(session, names)
    left, right = st.columns(2)
    name = left.selectbox(
        "Constitution",
        names,
        # A first choice beside one that an address has made would be warned of.
        names.index(FIRST) if FIRST in names and NAME not in st.session_state else 0,
        key=NAME,
        persist_state="session",
        on_change=leave_address,
    )
    lines = versions(session, name)
    chosen = right.selectbox(
        "Version",
        [line.name for line in lines],
        key=_version_key(name),
        persist_state="session",
        on_change=leave_address,
    )
    return lines, chosen


def _from_address(session: Session, names: list[str]) -> None:
    """`?version=name@3` rules until a select is touched."""
    asked = st.query_params.get("version", "")
    name = asked.rpartition("@")[0]
    if not asked:
        return
    if name in names and any(line.name == asked for line in versions(session, name)):
        st.session_state[NAME], st.session_state[_version_key(name)] = name, asked
    else:
        leave_address()
        caption(f"There is no version {asked} here; it may belong to another workspace.")
