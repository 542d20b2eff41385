"""The open few-shot, as what it is: a conversation, what was found in it, and what came of it."""

from collections.abc import Sequence

import streamlit as st

from app.components.constitution_choice import select_part
from app.components.draft_edit import NO_NEWS, commit, committed, do, edit, field_key, hold, press_key
from app.components.few_shot_list import KINDS, places, shot_at
from app.components.notice import act
from app.components.principle_form import say_wrong
from app.components.text import caption, chips
from cai_core.constitution.problems import Problem
from cai_core.store import drafts
from cai_core.types import ComparisonShot, CritiqueRevisionShot, Draft, Place, Role

LABELS = {
    "critique_request": "Critique request",
    "critique": "Critique",
    "revision_request": "Revision request",
    "revision": "Revision",
    "comparison": "Comparison",
    "response_a": "Response A",
    "response_b": "Response B",
    "reasoning": "Reasoning",
}
ROLES = {Role.SYSTEM: "System", Role.USER: "User", Role.ASSISTANT: "Assistant"}
TURNS = {
    "add": "Add two turns",
    "drop": "Remove the last two",
    "system": "Begin with a system turn",
    "without_system": "Without the system turn",
}
HIGH = 240
"""Pixels a long text is given; a short one takes what it needs."""


def few_shot_form(shown: Draft, place: Place, problems: Sequence[Problem]) -> None:
    """Draw the form of the few-shot at a place."""
    shot, keys = shot_at(shown, place), shown.shot_keys[place[0]]
    at = keys.index(place[1])
    wrong = {(one.field, one.turn): one.text for one in problems if (one.list, one.index) == (place[0], at)}
    with st.container(border=True, key="shot-form"):
        chips([(KINDS[place[0]], "violet")], note=f"{at + 1} of {len(keys)}")
        _buttons(shown, place, at, len(keys))
        _conversation(shown, place, shot, wrong)
        if isinstance(shot, CritiqueRevisionShot):
            for field in ("critique_request", "critique", "revision_request", "revision"):
                _text(shown, place, field, getattr(shot, field), wrong)
        else:
            _comparison(shown, place, shot, wrong)


def _buttons(shown: Draft, place: Place, at: int, count: int) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Up",
            icon=":material/arrow_upward:",
            type="tertiary",
            disabled=at == 0,
            key="shot.up",
            on_click=do,
            args=(shown, drafts.move, place, at - 1),
        )
        st.button(
            "Down",
            icon=":material/arrow_downward:",
            type="tertiary",
            disabled=at == count - 1,
            key="shot.down",
            on_click=do,
            args=(shown, drafts.move, place, at + 1),
        )
        st.button(
            "Duplicate", icon=":material/content_copy:", type="tertiary", on_click=act, args=(_copy, shown, place)
        )
        st.button("Remove", icon=":material/delete:", type="tertiary", on_click=act, args=(_remove, shown, place))


def _conversation(
    shown: Draft,
    place: Place,
    shot: CritiqueRevisionShot | ComparisonShot,
    wrong: dict[tuple[str, int | None], str],
) -> None:
    """Its turns, each in a field; two more or fewer at a time, so that the roles go on alternating."""
    turns, system = shot.conversation, shot.conversation[0].role is Role.SYSTEM
    for number, turn in enumerate(turns):
        field = "system turn" if turn.role is Role.SYSTEM else f"turn {number - system}"
        st.text_area(
            ROLES[turn.role],
            turn.content,
            key=hold(field_key(shown, place, field), turn.content),
            on_change=_commit_turn,
            args=(shown, place, field, number),
            height=HIGH if len(turn.content) > 1500 else "content",
        )
        _wrong(wrong, ("conversation", number))
    _wrong(wrong, ("conversation", None))
    count, other = len(turns), "without_system" if system else "system"
    with st.container(horizontal=True, gap="small"):
        for name, verb, wanted, off in (
            ("add", drafts.add_turns, count + 2, False),
            ("drop", drafts.drop_turns, count - 2, count - system <= 2),
            (other, drafts.place_system, not system, False),
        ):
            st.button(
                TURNS[name],
                type="tertiary",
                disabled=off,
                key=f"shot.{name}",
                on_click=do,
                args=(shown, verb, place, wanted),
            )


def _commit_turn(shown: Draft, place: Place, field: str, number: int) -> None:
    text = committed(shown, place, field)
    if text is not NO_NEWS:
        do(shown, drafts.put_turn, place, number, text)


def _comparison(shown: Draft, place: Place, shot: ComparisonShot, wrong: dict[tuple[str, int | None], str]) -> None:
    _text(shown, place, "comparison", shot.comparison, wrong)
    for column, field in zip(st.columns(2), ("response_a", "response_b"), strict=True):
        with column:
            _text(shown, place, field, getattr(shot, field), wrong)
    if shot.reasoning is not None:
        _text(shown, place, "reasoning", shot.reasoning, wrong)
    caption("Answer: the response that is preferred")
    st.segmented_control(
        "Answer",
        ("A", "B"),
        default=shot.answer,
        key=hold(field_key(shown, place, "answer"), shot.answer),
        required=True,
        on_change=commit,
        args=(shown, place, "answer"),
        label_visibility="collapsed",
    )


def _text(shown: Draft, place: Place, field: str, text: str, wrong: dict[tuple[str, int | None], str]) -> None:
    st.text_area(
        LABELS[field],
        text,
        key=hold(field_key(shown, place, field), text),
        on_change=commit,
        args=(shown, place, field),
        height=HIGH if len(text) > 1500 else "content",
    )
    _wrong(wrong, (field, None))


def _wrong(wrong: dict[tuple[str, int | None], str], at: tuple[str, int | None]) -> None:
    with st.container():  # there or not: what stands below is not to move while somebody types in it
        if at in wrong:
            say_wrong(wrong[at])


def _copy(shown: Draft, place: Place) -> None:
    key = edit(shown, drafts.duplicate, place, press_key(shown, f"copy {place}"))
    select_part("shot", f"{place[0]}:{key}")


def _remove(shown: Draft, place: Place) -> None:
    found = places(shown)
    at = found.index(place)
    edit(shown, drafts.remove, place)
    rest = [one for one in found if one != place]
    if rest:
        select_part("shot", ":".join(rest[min(at, len(rest) - 1)]))
