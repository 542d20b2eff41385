"""Previous and next: through keyset pages, and from one row to the next."""

from collections.abc import Container, Iterable

import streamlit as st

from app import state


def page_start(page: str, question: object) -> int:
    """The id that the current keyset page begins after; another question begins at the start."""
    key = state.pager(page)
    if st.session_state.get(f"{key}.question") != question:
        st.session_state[f"{key}.question"] = question
        st.session_state[key] = [0]
    stack: list[int] = st.session_state[key]
    return stack[-1]


def pager(page: str, last: int, more: bool) -> None:
    """Buttons to the previous and the next keyset page; `last` is the last id on this one."""
    stack: list[int] = st.session_state[state.pager(page)]
    if len(stack) == 1 and not more:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous page",
            icon=":material/arrow_back:",
            disabled=len(stack) == 1,
            key=f"{page}.back",
            on_click=_back,
            args=(page,),
        )
        st.button(
            "Next page",
            icon=":material/arrow_forward:",
            disabled=not more,
            key=f"{page}.on",
            on_click=_on,
            args=(page, last),
        )
        st.caption(f"Page {len(stack):d}")


def _back(page: str) -> None:
    stack = st.session_state[state.pager(page)]
    if len(stack) > 1:
        stack.pop()


def _on(page: str, last: int) -> None:
    # A repeated press carries the same id: it goes to the same page, not past it.
    stack = st.session_state[state.pager(page)]
    if last not in stack:
        stack.append(last)


def open_row(name: str, row_id: int | None) -> None:
    """Put a row into the address, or take it out."""
    if row_id is None:
        st.query_params.pop(name, None)
    else:
        st.query_params[name] = str(row_id)


def opened(name: str) -> int | None:
    """The row that the address names; None for none, or for what is no number."""
    value = st.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None


def run_from_address(page: str, runs: Container[int], others: Iterable[str]) -> None:
    """Let `?run=ID`, which other pages link to, set a page's filter by run once, and lift its `others`."""
    run = opened("run")
    if run is None:
        return
    st.query_params.pop("run", None)
    if run in runs:
        # Else the rows that the link promises might all be hidden by what was last looked for here.
        for name in others:
            st.session_state.pop(f"{page}.{name}", None)
        st.session_state[f"{page}.run"] = run


def reader_buttons(name: str, beside: tuple[int | None, int | None], key: str) -> None:
    """Back to the list, previous and next, the latter with the arrow keys."""
    before, after = beside
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        st.button("All", icon=":material/list:", key=f"{key}.all", on_click=open_row, args=(name, None))
        st.button(
            "Previous",
            icon=":material/arrow_back:",
            shortcut="Left",
            disabled=before is None,
            key=f"{key}.before",
            on_click=open_row,
            args=(name, before),
        )
        st.button(
            "Next",
            icon=":material/arrow_forward:",
            shortcut="Right",
            disabled=after is None,
            key=f"{key}.after",
            on_click=open_row,
            args=(name, after),
        )
