"""Removing a run, a model or a dataset: what goes and what needs it is shown before the button can be pressed."""

import streamlit as st

from app.components.notice import act, empty
from app.components.text import caption, chips
from app.resources import workspace
from cai_core.store import removal
from cai_core.store.removal import Plan, Thing
from db.queries.removable import removable

KIND, WHICH, ALONG, SURE = "storage.kind", "storage.which", "storage.along", "storage.sure"
KINDS = ("run", "model", "dataset")
SHOWN = 30
"""Needs that are named; the others are counted."""


def remove_things() -> None:
    """The choice, the plan, and the button."""
    with st.container(border=True):
        left, right = st.columns([1, 3])
        kind = left.segmented_control("Remove a", list(KINDS), default="run", required=True, key=KIND) or "run"
        with workspace().reading() as session:
            offered = dict(removable(session, kind))
            if not offered:
                empty("Nothing of this kind is here.", "There is nothing to remove.")
                return
            chosen = right.selectbox(
                "Which", list(offered), index=None, format_func=offered.__getitem__, key=f"{WHICH}.{kind}"
            )
            if chosen is None:
                return
            found = removal.plan(session, Thing(kind, chosen))
        _show(found)
        along = bool(found.needs) and st.toggle("Take along all that needs it", key=f"{ALONG}.{kind}.{chosen}")
        sure = st.toggle("It can be gone for good", key=f"{SURE}.{kind}.{chosen}")
        st.button(
            "Remove",
            type="primary",
            icon=":material/delete:",
            disabled=not sure or bool(found.running) or (bool(found.needs) and not along),
            on_click=act,
            args=(_remove, found, along),
        )


def _show(found: Plan) -> None:
    chips([(f"{count:,} {what}", "grey") for what, count in found.rows.items()], title="Goes")
    if found.rows.get("reviews"):
        caption("Reviews are people's work, and cannot be made again by any run.")
    if found.models:
        caption(f"Models: {', '.join(found.models)}")
    if found.running:
        caption(f"Run {', '.join(map(str, found.running))} is at work: stop it first.")
    if found.needs:
        chips([(f"{len(found.needs)} need it", "orange")], note="It is not removed unless they go along.")
        for need in found.needs[:SHOWN]:
            caption(f"{need.thing} ({need.name}) {need.why}")
        if len(found.needs) > SHOWN:
            st.caption(f"and {len(found.needs) - SHOWN:d} more")


def _remove(found: Plan, along: bool) -> str:
    """Only what was shown goes: what came to need it meanwhile stops it."""
    removal.remove(workspace(), found.target, found.things if along else ())
    st.session_state.pop(f"{WHICH}.{found.target.kind}", None)
    gone = ", ".join(f"{count:,} {what}" for what, count in found.rows.items())
    return f"{found.target} is removed: {gone}."
