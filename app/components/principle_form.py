"""A principle, to be edited: a form whose texts outlive a page switch until they are kept or given up."""

import streamlit as st

from app.components import draft
from app.components.notice import act
from app.components.text import caption
from cai_core.types import Constitution, Principle, PrincipleKind

EDITING = "constitutions.editing"
"""Id of the principle whose form is open; an empty one is a new principle."""
FIELDS = ("id", "title", "kind", "weight", "enabled", "tags", "critique", "revision", "comparison")


def open_form(principle_id: str) -> None:
    """Open the form of a principle; '' opens that of a new one."""
    close_form()
    st.session_state[EDITING] = principle_id


def close_form() -> None:
    """Close the form and forget its texts."""
    st.session_state.pop(EDITING, None)
    for name in FIELDS:
        st.session_state.pop(_key(name), None)


def _key(name: str) -> str:
    return f"principle.{name}"


def principle_form(base: str, constitution: Constitution, principle: Principle | None) -> None:
    """Draw the form; `principle` is None for a new one."""
    shown = principle or Principle(id="", title="")
    with st.form("principle", border=True):
        st.caption("Edit principle" if principle else "New principle")
        _names(shown, new=principle is None)
        st.text_area(
            "Critique request",
            shown.critique_request or "",
            key=_key("critique"),
            persist_state="session",
            help="What the model is asked to find in its reply. Needs a revision request too.",
        )
        st.text_area(
            "Revision request",
            shown.revision_request or "",
            key=_key("revision"),
            persist_state="session",
            help="How the model is asked to rewrite its reply.",
        )
        st.text_area(
            "Comparison",
            shown.comparison or "",
            key=_key("comparison"),
            persist_state="session",
            help="The question a feedback model answers about two replies.",
        )
        with st.container(horizontal=True):
            args = (base, constitution, principle)
            st.form_submit_button("Keep edit", type="primary", icon=":material/check:", on_click=_keep, args=args)
            st.form_submit_button("Cancel", on_click=close_form)


def _names(shown: Principle, new: bool) -> None:
    title, kind, weight, enabled = st.columns([4, 3, 2, 2], vertical_alignment="bottom")
    title.text_input("Title", shown.title, key=_key("title"), persist_state="session")
    kinds = list(PrincipleKind)
    kind.selectbox(
        "Kind",
        kinds,
        kinds.index(shown.kind),
        format_func=str.capitalize,
        key=_key("kind"),
        persist_state="session",
        help="Which axis it judges.",
    )
    weight.number_input(
        "Weight",
        0.01,
        1000.0,
        shown.weight,
        format="%g",
        key=_key("weight"),
        persist_state="session",
        help="How often it is drawn, relative to the others.",
    )
    enabled.toggle("Enabled", shown.enabled, key=_key("enabled"), persist_state="session")
    left, right = st.columns([4, 7])
    if new:
        left.text_input(
            "Id",
            key=_key("id"),
            persist_state="session",
            placeholder="lower-case-with-dashes",
            help="Unique in its constitution; stays the same when the words change.",
        )
    else:
        with left:
            caption(f"Id: {shown.id}")
    right.text_input(
        "Tags", ", ".join(shown.tags), key=_key("tags"), persist_state="session", placeholder="Separated by commas"
    )


def _keep(base: str, constitution: Constitution, principle: Principle | None) -> None:
    act(_put, base, constitution, principle)


def _put(base: str, constitution: Constitution, principle: Principle | None) -> str:
    edited = _edited(principle)
    done = draft.put_principle(base, constitution, principle.id if principle else None, edited)
    close_form()
    return done


def _edited(principle: Principle | None) -> Principle:
    def text(name: str) -> str:
        return str(st.session_state.get(_key(name)) or "").strip()

    return Principle(
        id=principle.id if principle else text("id"),
        title=text("title"),
        kind=PrincipleKind(text("kind")),
        critique_request=text("critique") or None,
        revision_request=text("revision") or None,
        comparison=text("comparison") or None,
        tags=tuple(filter(None, (tag.strip() for tag in text("tags").split(",")))),
        weight=float(st.session_state[_key("weight")]),
        enabled=bool(st.session_state[_key("enabled")]),
    )
