"""The open principle, as a form that is always live: each field is kept as it is left."""

from collections.abc import Sequence

import streamlit as st

from app.components.changes import in_words
from app.components.constitution_choice import select_part
from app.components.draft_edit import commit, do, edit, field_key, hold, press_key
from app.components.notice import act
from app.components.text import caption, chips
from app.components.word_diff import show_diff
from cai_core.constitution.problems import HALF, Problem
from cai_core.store import drafts
from cai_core.types import Draft, Place, Principle, PrincipleKind

LEAST, MOST = 0.01, 1000.0
"""Weights that are offered; a file may hold others, which are shown and kept."""
LABELS = {
    "title": "Title",
    "critique_request": "Critique request",
    "revision_request": "Revision request",
    "comparison": "Comparison",
}
MOVES = {"up": "Up", "down": "Down", "top": "To the top"}
HELP = {
    "critique_request": "What the model is asked to find in its reply. Needs a revision request too.",
    "revision_request": "How the model is asked to rewrite its reply.",
    "comparison": "The question a feedback model answers about two replies.",
}
HIGH = 240
"""Pixels a long text is given; a short one takes what it needs."""


def principle_form(shown: Draft, key: str, problems: Sequence[Problem]) -> None:
    """Draw the form of the principle with this key."""
    place, at = ("principles", key), shown.keys.index(key)
    one = shown.now.principles[at]
    was = next((each for each in (shown.before.principles if shown.before else ()) if each.id == key), None)
    wrong = {each.field: each.text for each in problems if (each.list, each.index) == ("principles", at)}
    with st.container(border=True, key="principle-form"):
        _head(shown, place, at, one, was)
        _facts(shown, place, one, new=was is None, wrong=wrong)
        for field, text in (
            ("critique_request", one.critique_request),
            ("revision_request", one.revision_request),
            ("comparison", one.comparison),
        ):
            _text(shown, place, field, text or "", wrong)
        if HALF in wrong:
            say_wrong(wrong[HALF])
        if was is not None and was != one:
            _what_changed(shown, was, one)


def say_wrong(text: str) -> None:
    """What is to be mended, under its field."""
    chips([("to mend", "orange")], note=text)


def _head(shown: Draft, place: Place, at: int, one: Principle, was: Principle | None) -> None:
    tint = "green" if one.kind is PrincipleKind.HELPFULNESS else "violet"
    labels = [(one.kind.value, tint)]
    labels += [] if one.enabled else [("off: never drawn", "orange")]
    if shown.base:
        labels += [("new", "green")] if was is None else [("changed", "blue")] if was != one else []
    left, right = st.columns([5, 3])
    with left:
        chips(labels, title=one.title or "No title yet", note=f"{at + 1} of {len(shown.keys)}")
    with right, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        _links(shown, one)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        last = len(shown.keys) - 1
        for name, icon, to, off in (
            ("up", ":material/arrow_upward:", at - 1, at == 0),
            ("down", ":material/arrow_downward:", at + 1, at == last),
            ("top", ":material/vertical_align_top:", 0, at == 0),
        ):
            st.button(
                MOVES[name],
                icon=icon,
                type="tertiary",
                disabled=off,
                key=f"principle.{name}",
                on_click=do,
                args=(shown, drafts.move, place, to),
            )
        st.button(
            "Duplicate", icon=":material/content_copy:", type="tertiary", on_click=act, args=(_copy, shown, place)
        )
        st.button("Remove", icon=":material/delete:", type="tertiary", on_click=act, args=(_remove, shown, place))


def _links(shown: Draft, one: Principle) -> None:
    """To the Playground, as it stands unsaved; to what it did so far, where it is saved."""
    if one.id:
        query = {"draft": str(shown.id)} if shown.id else {"version": shown.base or ""}
        query["principle"] = one.id
        st.page_link("views/playground.py", label="Try", icon=":material/forum:", query_params=query)
    if shown.base and shown.before and any(each.id == one.id for each in shown.before.principles):
        record_link(shown.base, one.id)


def record_link(version: str, principle: str) -> None:
    """To a principle's record."""
    query = {"version": version, "principle": principle}
    st.page_link("views/principles.py", label="Record", icon=":material/monitoring:", query_params=query)


def _facts(shown: Draft, place: Place, one: Principle, *, new: bool, wrong: dict[str, str]) -> None:
    st.text_input(
        "Title",
        one.title,
        key=hold(field_key(shown, place, "title"), one.title),
        on_change=commit,
        args=(shown, place, "title"),
        placeholder="What it is about, in a few words",
    )
    _wrong(wrong, "title")
    kind, weight, enabled = st.columns([4, 3, 3], vertical_alignment="bottom")
    kind.selectbox(
        "Kind",
        list(PrincipleKind),
        list(PrincipleKind).index(one.kind),
        format_func=str.capitalize,
        key=hold(field_key(shown, place, "kind"), one.kind),
        on_change=commit,
        args=(shown, place, "kind"),
        help="Which axis it judges.",
    )
    weight.number_input(
        "Weight",
        min(LEAST, one.weight),
        max(MOST, one.weight),
        one.weight,
        format="%g",
        key=hold(field_key(shown, place, "weight"), one.weight),
        on_change=commit,
        args=(shown, place, "weight"),
        help="How often it is drawn, relative to the others.",
    )
    enabled.toggle(
        "Enabled",
        one.enabled,
        key=hold(field_key(shown, place, "enabled"), one.enabled),
        on_change=commit,
        args=(shown, place, "enabled"),
        help="Switched off it is kept, and never drawn.",
    )
    left, right = st.columns([4, 6], vertical_alignment="top")
    with left:
        _id(shown, place, one, new=new)
        _wrong(wrong, "id")
    known = dict.fromkeys(tag for each in shown.now.principles for tag in each.tags)
    right.multiselect(
        "Tags",
        list(known),
        list(one.tags),
        key=hold(field_key(shown, place, "tags"), list(one.tags)),
        on_change=commit,
        args=(shown, place, "tags"),
        accept_new_options=True,
        placeholder="Choose, or write a new one",
    )
    _wrong(wrong, "tags")


def _id(shown: Draft, place: Place, one: Principle, *, new: bool) -> None:
    """A new principle's id; one that is saved keeps it: draws and cases go by it."""
    st.text_input(
        "Id",
        one.id,
        key=hold(field_key(shown, place, "id"), one.id),
        on_change=commit,
        args=(shown, place, "id"),
        disabled=not new,
        placeholder="lower-case-with-dashes",
        help="Unique in its constitution; stays the same when the words change, for draws go by it.",
    )


def _wrong(wrong: dict[str, str], field: str) -> None:
    with st.container():  # there or not: what stands below is not to move while somebody types in it
        if field in wrong:
            say_wrong(wrong[field])


def _text(shown: Draft, place: Place, field: str, text: str, wrong: dict[str, str]) -> None:
    st.text_area(
        LABELS[field],
        text,
        key=hold(field_key(shown, place, field), text),
        on_change=commit,
        args=(shown, place, field),
        help=HELP[field],
        height=HIGH if len(text) > 1500 else "content",
    )
    _wrong(wrong, field)


def _what_changed(shown: Draft, was: Principle, one: Principle) -> None:
    with st.expander("What you changed here", icon=":material/difference:", type="compact"):
        for field in Principle.__slots__:
            before, after = getattr(was, field), getattr(one, field)
            if before != after:
                caption(field.replace("_", " ").capitalize())
                show_diff(in_words(before), in_words(after))


def _copy(shown: Draft, place: Place) -> None:
    select_part("principle", edit(shown, drafts.duplicate, place, press_key(shown, f"copy {place[1]}")))


def _remove(shown: Draft, place: Place) -> None:
    keys = [key for key in shown.keys if key != place[1]]
    edit(shown, drafts.remove, place)
    at = shown.keys.index(place[1])
    if keys:
        select_part("principle", keys[min(at, len(keys) - 1)])
