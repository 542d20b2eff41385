"""Which constitution's cases are shown, under which version: by two selects, or by an address that others link to."""

from dataclasses import dataclass

import streamlit as st
from sqlalchemy.orm import Session

from app.components.pager import opened
from db.queries.cases import CaseFilter, version_numbers
from db.queries.cases_runs import CasesRun, cases_runs, constitution_of_run, run_before, run_of_version

NAME, ONLY = "cases.constitution", "cases.only"
FIRST = "sandbox"
"""The constitution that is shown first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A constitution, a version, and the runs that say what its cases came to."""

    name: str
    number: int | None
    """None: it has no version yet."""
    active: CasesRun | None
    """A run on this version that is waiting or at work."""
    run: CasesRun | None
    before: CasesRun | None
    """The run on an earlier version that it is compared with."""
    pinned: bool
    """The address names the run."""

    @property
    def ref(self) -> str:
        """'name@3'."""
        return f"{self.name}@{self.number}"

    @property
    def wanted(self) -> CaseFilter:
        """What the list shows."""
        run, before = self.run, self.before
        return CaseFilter(
            self.name,
            None if run is None else run.id,
            None if before is None else before.id,
            st.session_state.get(ONLY),
            tried=self.pinned,
        )


def version_key(name: str) -> str:
    """Each constitution keeps its own choice."""
    return f"cases.version.{name}"


def leave_address() -> None:
    """Let the selects rule again."""
    for part in ("constitution", "run"):
        st.query_params.pop(part, None)


def choose(session: Session, names: list[str]) -> Shown:
    """Draw the selects; answers what they, or the address, choose."""
    _from_address(session, names)
    left, right = st.columns([2, 1])
    name = left.selectbox(
        "Constitution",
        names,
        # A first choice beside one that an address has made would be warned of.
        names.index(FIRST) if FIRST in names and NAME not in st.session_state else 0,
        key=NAME,
        persist_state="session",
        on_change=leave_address,
    )
    right.selectbox(
        "Version",
        version_numbers(session, name),
        format_func=lambda number: f"{name}@{number}",
        placeholder="None saved yet",
        key=version_key(name),
        persist_state="session",
        on_change=leave_address,
    )
    return shown(session, name)


def shown(session: Session, name: str) -> Shown:
    """What is chosen of a constitution, whether the selects are drawn or not."""
    numbers, runs = version_numbers(session, name), cases_runs(session, name)
    pinned = next((run for run in runs if run.id == opened("run")), None)
    number = pinned.version if pinned else st.session_state.get(version_key(name))
    if number not in numbers:
        number = numbers[0] if numbers else None
    run = pinned or run_of_version(runs, number or 0)
    return Shown(
        name,
        number,
        next((one for one in runs if one.active and one.version == number), None),
        run,
        run_before(runs, run) if run else None,
        pinned is not None,
    )


def _from_address(session: Session, names: list[str]) -> None:
    """`?run=ID`, or else `?constitution=name`, rules until a select is touched."""
    run = opened("run")
    name = (constitution_of_run(session, run) if run else None) or st.query_params.get("constitution", "")
    if name not in names:
        leave_address()
        return
    st.session_state[NAME] = name
    if run and (found := shown(session, name)).pinned:
        st.session_state[version_key(name)] = found.number
