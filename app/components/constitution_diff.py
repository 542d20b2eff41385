"""What differs between any two versions of a constitution; the address names them: `?diff=name@2..name@5`."""

import re

import streamlit as st

from app.components.changes import changes_in_words, show_changes
from app.components.text import caption, chips
from app.resources import workspace
from cai_core.constitution.diff import diff_constitutions
from cai_core.store.constitutions import load_version

DIFF = "diff"
"""The part of the address."""


def show_diff_of(name: str, old: int, new: int) -> None:
    """Show what one version of a constitution changed of another from now on."""
    st.query_params[DIFF] = f"{name}@{old}..{name}@{new}"


def chosen_diff(name: str, newest: int) -> tuple[int, int]:
    """The numbers of the two versions that the address names, else of the newest and the one before it."""
    pattern = rf"{re.escape(name)}@(\d{{1,9}})\.\.{re.escape(name)}@(\d{{1,9}})"
    asked = re.fullmatch(pattern, st.query_params.get(DIFF, ""))
    numbers = (int(asked[1]), int(asked[2])) if asked else ()
    if len(numbers) == 2 and all(1 <= number <= newest for number in numbers):
        return numbers[0], numbers[1]
    return max(1, newest - 1), newest


def version_diff(name: str, newest: int) -> None:
    """Two selects, and what differs between what they say."""
    old, new = chosen_diff(name, newest)
    numbers = list(range(newest, 0, -1))
    left, right, swap = st.columns([4, 4, 1], vertical_alignment="bottom")

    def named(number: int) -> str:
        return f"{name}@{number}"

    left.selectbox("From", numbers, format_func=named, key=_hold(name, "from", old), on_change=_choose, args=(name,))
    right.selectbox("To", numbers, format_func=named, key=_hold(name, "to", new), on_change=_choose, args=(name,))
    swap.button(
        "Swap",
        icon=":material/swap_horiz:",
        type="tertiary",
        key="history.swap",
        on_click=show_diff_of,
        args=(name, new, old),
    )
    _show(name, old, new)


def _key(name: str, side: str) -> str:
    return f"history.{side}.{name}"


def _hold(name: str, side: str, number: int) -> str:
    """Let a select show what the address says; answers its key."""
    key = _key(name, side)
    if st.session_state.get(key) != number:
        st.session_state[key] = number
    return key


def _choose(name: str) -> None:
    show_diff_of(name, st.session_state[_key(name, "from")], st.session_state[_key(name, "to")])


def _show(name: str, old: int, new: int) -> None:
    with workspace().reading() as session:
        changes = diff_constitutions(
            load_version(session, f"{name}@{old}")[1], load_version(session, f"{name}@{new}")[1]
        )
    with st.container(border=True, key="version-diff"):
        if changes.is_empty:
            caption(f"{name}@{old} and {name}@{new} say the same.")
            return
        chips([], title=f"{name}@{old} → {name}@{new}", note=changes_in_words(changes))
        query = {"a": f"{name}@{old}", "b": f"{name}@{new}"}
        st.page_link(
            "views/compare.py",
            label="What that does to the same data",
            icon=":material/difference:",
            query_params=query,
        )
        show_changes(changes)
