"""A principle, to be edited: fields whose texts outlive a page switch until they are kept or given up.

Several may be open at once. Each has a number of its own in the keys of its fields, so that no form ever shows what
was typed into another; and no field waits for a button before its text is the session's.
"""

import streamlit as st

from app.components import draft
from app.components.notice import act
from app.components.text import caption
from cai_core.types import Principle, PrincipleKind

FORMS = "constitutions.forms"
COUNT = "constitutions.forms.count"
FIELDS = ("id", "title", "kind", "weight", "enabled", "tags", "critique", "revision", "comparison")
LEAST, MOST = 0.01, 1000.0
"""Weights that are offered; a file may hold others, which are shown and kept."""


def forms() -> dict[tuple[str, str], int]:
    """The open forms: version and principle's id to the form's number; an empty id is a new principle."""
    found: dict[tuple[str, str], int] = st.session_state.setdefault(FORMS, {})
    return found


def open_form(base: str, principle_id: str) -> None:
    """Open the form of a version's principle; '' opens that of a new one."""
    st.session_state[COUNT] = st.session_state.get(COUNT, 0) + 1
    forms().setdefault((base, principle_id), st.session_state[COUNT])


def close_form(base: str, principle_id: str) -> None:
    """Close the form and forget its texts."""
    number = forms().pop((base, principle_id), 0)
    for name in FIELDS:
        st.session_state.pop(_key(number, name), None)


def move_forms(base: str, saved: str) -> None:
    """Let the forms still open on a version go on over the one that was saved from it."""
    for place in [place for place in forms() if place[0] == base]:
        forms()[(saved, place[1])] = forms().pop(place)


def _key(number: int, name: str) -> str:
    return f"principle.{number}.{name}"


def principle_form(base: str, principle: Principle | None) -> None:
    """Draw the form; `principle` is None for a new one."""
    shown = principle or Principle(id="", title="")
    number = forms()[(base, shown.id)]
    with st.container(border=True, key=f"form-{number}"):
        st.caption("Edit principle" if principle else "New principle")
        _names(number, shown)
        _texts(number, shown)
        with st.container(horizontal=True):
            st.button(
                "Keep edit",
                type="primary",
                icon=":material/check:",
                key=f"principle.{number}.keep",
                on_click=act,
                args=(_keep, base, shown.id, number),
            )
            st.button("Cancel", key=f"principle.{number}.cancel", on_click=close_form, args=(base, shown.id))


def _names(number: int, shown: Principle) -> None:
    title, kind, weight, enabled = st.columns([4, 3, 2, 2], vertical_alignment="bottom")
    title.text_input("Title", shown.title, key=_key(number, "title"), persist_state="session")
    kinds = list(PrincipleKind)
    kind.selectbox(
        "Kind",
        kinds,
        kinds.index(shown.kind),
        format_func=str.capitalize,
        key=_key(number, "kind"),
        persist_state="session",
        help="Which axis it judges.",
    )
    weight.number_input(
        "Weight",
        min(LEAST, shown.weight),
        max(MOST, shown.weight),
        shown.weight,
        format="%g",
        key=_key(number, "weight"),
        persist_state="session",
        help="How often it is drawn, relative to the others.",
    )
    enabled.toggle("Enabled", shown.enabled, key=_key(number, "enabled"), persist_state="session")
    left, right = st.columns([4, 7])
    if shown.id:
        with left:
            caption(f"Id: {shown.id}")
    else:
        left.text_input(
            "Id",
            key=_key(number, "id"),
            persist_state="session",
            placeholder="lower-case-with-dashes",
            help="Unique in its constitution; stays the same when the words change.",
        )
    tags = ", ".join(shown.tags)
    right.text_input("Tags", tags, key=_key(number, "tags"), persist_state="session", placeholder="Comma between two")


def _texts(number: int, shown: Principle) -> None:
    st.text_area(
        "Critique request",
        shown.critique_request or "",
        key=_key(number, "critique"),
        persist_state="session",
        help="What the model is asked to find in its reply. Needs a revision request too.",
    )
    st.text_area(
        "Revision request",
        shown.revision_request or "",
        key=_key(number, "revision"),
        persist_state="session",
        help="How the model is asked to rewrite its reply.",
    )
    st.text_area(
        "Comparison",
        shown.comparison or "",
        key=_key(number, "comparison"),
        persist_state="session",
        help="The question a feedback model answers about two replies.",
    )


def _keep(base: str, principle_id: str, number: int) -> str:
    if forms().get((base, principle_id)) != number:
        return "That edit is kept or given up already."
    done = draft.put_principle(base, principle_id or None, _edited(principle_id, number))
    close_form(base, principle_id)
    return done


def _edited(principle_id: str, number: int) -> Principle:
    def text(name: str) -> str:
        return str(st.session_state.get(_key(number, name)) or "").strip()

    return Principle(
        id=principle_id or text("id"),
        title=text("title"),
        kind=PrincipleKind(text("kind")),
        critique_request=text("critique") or None,
        revision_request=text("revision") or None,
        comparison=text("comparison") or None,
        tags=tuple(filter(None, (tag.strip() for tag in text("tags").split(",")))),
        weight=float(st.session_state[_key(number, "weight")]),
        enabled=bool(st.session_state[_key(number, "enabled")]),
    )
