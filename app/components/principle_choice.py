"""Which version's principles are shown, and which of them is open: the address says it, selects change it."""

from dataclasses import dataclass

import streamlit as st
from sqlalchemy.orm import Session

from app.components.text import caption
from db.queries.constitutions import VersionLine, versions
from db.queries.principles import PlacedPrinciple, principles_of

NAME, SCOPE = "principles.name", "principles.scope"
FIRST = "sandbox"
"""The constitution that is shown first."""
SCOPES = ("This wording", "All wordings of its id")
SCOPE_HELP = (
    "A principle that is edited keeps its id and gets another wording. What one wording did counts wherever it was "
    "drawn from: versions that say the same share it."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is shown."""

    version: str
    """'name@3'."""
    principles: list[PlacedPrinciple]
    open: PlacedPrinciple | None
    """The one whose record is read; None: the overview of all."""
    all_wordings: bool

    def wordings(self, one: PlacedPrinciple) -> tuple[int, ...]:
        """Row ids that count as a principle."""
        return one.wordings if self.all_wordings else (one.wording,)


def open_principle(slug: str | None) -> None:
    """Put a principle into the address, or take it out."""
    if slug is None:
        st.query_params.pop("principle", None)
    else:
        st.query_params["principle"] = slug


def neighbours(chosen: Chosen, one: PlacedPrinciple) -> None:
    """Back to all, to the one before and to the next, as they stand in the version."""
    slugs = [p.slug for p in chosen.principles]
    place = slugs.index(one.slug)
    before, after = slugs[place - 1] if place else None, slugs[place + 1] if place + 1 < len(slugs) else None
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        st.button("All", icon=":material/list:", key="principles.all", on_click=open_principle, args=(None,))
        st.button(
            "Previous",
            icon=":material/arrow_back:",
            shortcut="Left",
            disabled=before is None,
            key="principles.before",
            on_click=open_principle,
            args=(before,),
        )
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            shortcut="Right",
            disabled=after is None,
            key="principles.after",
            on_click=open_principle,
            args=(after,),
        )


def choose(session: Session, names: list[str]) -> Chosen:
    """Draw the selects; answers what they, or the address, choose."""
    _from_address(session, names)
    left, middle, right = st.columns([3, 2, 3])
    name = left.selectbox(
        "Constitution",
        names,
        # A first choice beside one that an address has made would be warned of.
        names.index(FIRST) if FIRST in names and NAME not in st.session_state else 0,
        key=NAME,
        persist_state="session",
        on_change=_leave_address,
    )
    lines = versions(session, name)
    version = middle.selectbox(
        "Version",
        [line.name for line in lines],
        key=_version_key(name),
        persist_state="session",
        on_change=_leave_version,
    )
    scope = right.segmented_control(
        "Count", SCOPES, default=SCOPES[0], required=True, key=SCOPE, help=SCOPE_HELP, persist_state="session"
    )
    return _chosen(session, lines, version, scope == SCOPES[1])


def _chosen(session: Session, lines: list[VersionLine], version: str, all_wordings: bool) -> Chosen:
    found = principles_of(session, next(line.id for line in lines if line.name == version))
    slug = st.query_params.get("principle", "")
    shown = next((one for one in found if one.slug == slug), None)
    if slug and shown is None:
        caption(f"{version} has no principle {slug}. These are those it has.")
    return Chosen(version, found, shown, all_wordings)


def _version_key(name: str) -> str:
    return f"principles.version.{name}"


def _leave_address() -> None:
    for part in ("version", "principle"):
        st.query_params.pop(part, None)


def _leave_version() -> None:
    """Let the selects rule again; the same principle is read in another version."""
    st.query_params.pop("version", None)


def _from_address(session: Session, names: list[str]) -> None:
    """`?version=name@3` rules until a select is touched."""
    asked = st.query_params.get("version", "")
    name = asked.rpartition("@")[0]
    if not asked:
        return
    if name in names and any(line.name == asked for line in versions(session, name)):
        st.session_state[NAME], st.session_state[_version_key(name)] = name, asked
    else:
        _leave_address()
        caption(f"There is no version {asked} here; it may belong to another workspace.")
