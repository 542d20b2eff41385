"""What is done to all prompts that pass the filter: how many that is stands on the button, what it came to in words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from sqlalchemy.orm import Session

from app.components.notice import act
from app.components.prompt_filter import set_filter
from app.components.text import caption
from app.resources import workspace
from cai_core.store import prompt_sets
from cai_core.store.prompt_splits import read_shares
from db.queries.prompt_filter import PromptFilter
from db.queries.prompts import count_used

VERB = "prompts.verb"
VERBS = {
    "tag": ":material/label: Tag",
    "split": ":material/call_split: Split",
    "sample": ":material/casino: Sample",
    "dedupe": ":material/difference: Near duplicates",
    "delete": ":material/delete: Remove",
}
LARGEST_SEED = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Counted:
    """How many prompts pass, and how many of them a run has used."""

    prompts: int
    used: int


def verbs(wanted: PromptFilter, count: int) -> None:
    """The choice of what to do, and its fields."""
    verb = st.segmented_control("Do with all that pass", list(VERBS), format_func=VERBS.__getitem__, key=VERB)
    if verb is None:
        return
    with workspace().reading() as session:
        counts = Counted(count, count_used(session, wanted))
    with st.container(border=True):
        {"tag": _tag, "split": _split, "sample": _sample, "dedupe": _dedupe, "delete": _delete}[verb](wanted, counts)


def _press(
    on_click: Callable[..., str], *args: Any, off: bool = False, icon: str = ":material/check:"
) -> dict[str, Any]:
    """What a button is drawn with that does something to prompts."""
    return {"type": "primary", "icon": icon, "disabled": off, "on_click": act, "args": (on_click, *args)}


def _change(act_on: Callable[[Session], Any]) -> Any:
    with workspace().writing() as session:
        return act_on(session)


def _tag(wanted: PromptFilter, counts: Counted) -> None:
    tag = st.text_input("Tag", key="prompts.verb.tag", max_chars=prompt_sets.LONGEST_TAG)
    off = st.toggle("Take it off instead", key="prompts.verb.untag")
    st.button(
        f"Take it off {counts.prompts:,d} prompts" if off else f"Tag {counts.prompts:,d} prompts",
        **_press(_tagged, wanted, tag, off, off=not counts.prompts),
    )


def _tagged(wanted: PromptFilter, tag: str, off: bool) -> str:
    verb = prompt_sets.untag if off else prompt_sets.tag
    done: prompt_sets.Tagged = _change(lambda session: verb(session, wanted, tag))
    lost, same = ("lost", "did not have it") if off else ("got", "had it already")
    return f"{done.changed:,} prompts {lost} the tag {tag!r}; {done.unchanged:,} {same}."


def _split(wanted: PromptFilter, counts: Counted) -> None:
    left, right = st.columns([3, 1])
    shares = left.text_input(
        "Split or shares",
        "train=.8,dev=.1,test=.1",
        key="prompts.verb.shares",
        help="A prompt's place is drawn by a hash of its turns: the same in every set, file and workspace.",
    )
    seed = right.number_input("Seed", 0, LARGEST_SEED, key="prompts.verb.seed")
    used_too = False
    if counts.used:
        caption(
            f"Runs have used {counts.used:,} of these. They keep their split: moved, what a model was trained on "
            "could come up in its test."
        )
        used_too = st.toggle("Move them too", key="prompts.verb.used_too")
    moved = counts.prompts if used_too else counts.prompts - counts.used
    st.button(f"Split {moved:,d} prompts", **_press(_was_split, wanted, shares, int(seed), used_too, off=not moved))


def _was_split(wanted: PromptFilter, shares: str, seed: int, used_too: bool) -> str:
    read = read_shares(shares.strip())
    done: prompt_sets.Splitting = _change(
        lambda session: prompt_sets.split(session, wanted, read, seed=seed, used_too=used_too)
    )
    kept = f" {done.kept:,} would have moved and stay, for runs have used them." if done.kept else ""
    out = f" Runs had used {done.used_changed:,} of them, {done.out_of_train:,} in train." if done.used_changed else ""
    now = ", ".join(f"{name} {count:,}" for name, count in done.splits.items())
    return f"{done.changed:,} prompts moved, {done.unchanged:,} were there already.{kept}{out} Now: {now}."


def _sample(wanted: PromptFilter, counts: Counted) -> None:
    one, two, three = st.columns(3)
    count = one.number_input(
        "How many", 1, max(1, counts.prompts), min(100, max(1, counts.prompts)), key="prompts.verb.n"
    )
    seed = two.number_input("Seed", 0, LARGEST_SEED, key="prompts.verb.sample_seed")
    tag = three.text_input("Into a new tag", key="prompts.verb.sample", max_chars=prompt_sets.LONGEST_TAG)
    st.button(
        f"Draw {int(count):,d} of {counts.prompts:,d}",
        **_press(_sampled, wanted, int(count), int(seed), tag, off=not counts.prompts),
    )


def _sampled(wanted: PromptFilter, count: int, seed: int, tag: str) -> str:
    done = _change(lambda session: prompt_sets.sample(session, wanted, count, seed=seed, tag=tag))
    set_filter(tag=prompt_sets.check_tag(tag))
    return f"{done:,} prompts were drawn into {tag!r}."


def _dedupe(wanted: PromptFilter, _counts: Counted) -> None:
    if wanted.source is None:
        caption("Near duplicates are looked for within one set: choose it above.")
        return
    near = st.slider(
        "Least overlap",
        0.5,
        1.0,
        0.8,
        0.05,
        key="prompts.verb.near",
        help="Share of their runs of three words that both have (Jaccard). Looked for in the whole set.",
    )
    looked = st.session_state.get("prompts.verb.found")
    found = looked[1] if looked and looked[0] == (wanted.source, near) else None
    if found is None:
        st.button("Look for them", **_press(_look, wanted.source, near, icon=":material/search:"))
        return
    caption(
        f"{len(found.ids):,} of {found.looked_at:,} prompts are near duplicates of another that stays. "
        f"{found.across:,} pairs are in two splits. {len(found.used_pairs):,} pairs are both used by runs, and stay."
    )
    if found.used_pairs:
        caption("Both used: " + ", ".join(f"{a} and {b} ({share:.0%})" for a, b, share in found.used_pairs[:20]))
    tag = st.text_input("Tag", "near-duplicate", key="prompts.verb.dedupe_tag", max_chars=prompt_sets.LONGEST_TAG)
    with st.container(horizontal=True):
        st.button(f"Tag {len(found.ids):,d}", **_press(_tag_found, found, tag, off=not found.ids))
        st.button(
            f"Remove {len(found.ids):,d}", **_press(_remove_found, found, off=not found.ids, icon=":material/delete:")
        )


def _look(source: str, near: float) -> str:
    with st.spinner("Comparing every prompt of the set"):
        found = prompt_sets.near_duplicates(workspace(), source, near)
    st.session_state["prompts.verb.found"] = ((source, near), found)
    return f"{len(found.ids):,} of {found.looked_at:,} prompts are near duplicates. Nothing is changed yet."


def _tag_found(found: prompt_sets.Duplicates, tag: str) -> str:
    done: prompt_sets.Tagged = _change(lambda session: prompt_sets.tag_duplicates(session, found, tag))
    st.session_state.pop("prompts.verb.found", None)
    return f"{done.changed:,} near duplicates got the tag {tag!r}; {done.unchanged:,} had it already."


def _remove_found(found: prompt_sets.Duplicates) -> str:
    done: prompt_sets.Removal = _change(lambda session: prompt_sets.remove_duplicates(session, found))
    st.session_state.pop("prompts.verb.found", None)
    return f"{done.removed:,} near duplicates removed, {done.kept:,} kept."


def _delete(wanted: PromptFilter, counts: Counted) -> None:
    unused = counts.prompts - counts.used
    caption(f"{unused:,} go for good. {counts.used:,} stay, for runs have used them.")
    sure = st.toggle("They can be gone", key="prompts.verb.sure")
    st.button(
        f"Remove {unused:,d} prompts", **_press(_removed, wanted, off=not (unused and sure), icon=":material/delete:")
    )


def _removed(wanted: PromptFilter) -> str:
    done: prompt_sets.Removal = _change(lambda session: prompt_sets.remove(session, wanted))
    st.session_state["prompts.verb.sure"] = False
    return f"{done.removed:,} prompts removed; {done.kept:,} stay, for runs have used them."
