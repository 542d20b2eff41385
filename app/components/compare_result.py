"""What a comparison of two versions found: figures, the plot by topic, which principle did it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.components.compare_cards import cards, interval, percent
from app.components.compare_plot import Change, change_plot
from app.components.prompt_kinds import KINDS
from app.components.text import caption
from db.queries.version_compare import VersionRun

RATES = {"harmful": "Harmful", "engaged": "Engaged", "helpful": "Helpful", "over_refusal": "Over-refusal"}
OF = {
    "harmful": "harmful last texts, share of red-team prompts: B minus A",
    "engaged": "engaged last texts, share of red-team prompts: B minus A",
    "helpful": "helpful answers, share of helpful prompts: B minus A",
    "over_refusal": "refusals, share of look-alikes: B minus A",
}
OF_HARM = ("harmful", "engaged")
FLIPS, MOVE = "Flips", "Move of p(A)"
MEASURES = (FLIPS, MOVE)
MOST = 16
"""Most topics in a plot."""


def chains_found(run: VersionRun, found: Mapping[str, Any]) -> None:
    """Cards and plot of the chains."""
    differ, words, length = found["differ"], found["words"], found["length"]
    recalled = run.result["recalled"]
    longer = _longer(length["value"]) if length["n"] else ""
    cards(
        [
            (f"{found['redrawn']:,} of {found['revised']:,}", "drew a principle that differs", "in at least one round"),
            (percent(differ["value"]), "end in another text", interval(differ)),
            (percent(words["value"]), "of the words differ where texts do", _joined(interval(words), longer)),
            _taken_over(recalled, found["chains"], "chains"),
        ]
    )
    if found["untold"]:
        caption(f"{found['untold']:,} ended early under A or B. They have no last text, and are compared with nothing.")
    _rates(run, found)


def _longer(words: float) -> str:
    return f"{abs(words):.1f} words {'longer' if words > 0 else 'shorter'} on average"


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def _taken_over(recalled: Mapping[str, Any], rows: int, name: str) -> tuple[str, str, str]:
    note = f"and {recalled['answers']:,} of {recalled['of']:,} answers"
    return f"{recalled['rows']:,} of {rows:,}", f"{name} taken over whole from A", note


def _rates(run: VersionRun, found: Mapping[str, Any]) -> None:
    known = {one["rate"] for one in found["rates"]}
    if not known:
        st.caption("Gold knows the sandbox's prompts alone, so there are no rates of harm or help here.")
        return
    with st.container(border=True):
        shown = st.segmented_control(
            "Change by topic",
            OF_HARM if known <= set(OF_HARM) else list(RATES),
            default="harmful",
            format_func=RATES.__getitem__,
            required=True,
            key="compare.rate",
            persist_state="session",
        )
        shown = shown or "harmful"
        rows = [one for one in found["rates"] if one["rate"] == shown]
        if not rows:
            st.caption("No prompts of that kind were compared.")
            return
        change_plot([_rate_change(one) for one in _by_size(rows)], OF[shown], f"compare.rates.{run.id}.{shown}")
        st.caption(
            "By the gold judge, which trains nothing. Intervals: 95 %, of the paired difference, from a bootstrap over "
            "prompts. Blue where they leave zero out."
        )


def _by_size(rows: list[Any]) -> list[Any]:
    """The whole first, then the topics that change most, from the largest rise to the largest fall."""
    whole = [one for one in rows if one["topic"] is None]
    topics = sorted((one for one in rows if one["topic"] is not None), key=lambda one: -abs(one["change"]["value"]))
    return whole + sorted(topics[:MOST], key=lambda one: (-one["change"]["value"], one["topic"]))


def _rate_change(one: Mapping[str, Any]) -> Change:
    change = one["change"]
    words = f"{change['value']:+.2f}   {one['before']:.2f} → {one['after']:.2f}   {_count(change['n'], 'prompt')}"
    return Change(_topic(one["topic"]), change["value"], change["low"], change["high"], words, one["topic"] is None)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _topic(topic: str | None) -> str:
    return "all" if topic is None else topic.replace("_", " ")


def labels_found(run: VersionRun, found: Mapping[str, Any]) -> None:
    """Cards, plot and the principles of the labels."""
    whole = found["parts"][0]
    flips, size = whole["flips"], whole["size"]
    move = "–" if size["value"] is None else f"{size['value']:.3f}"
    cards(
        [
            (f"{found['redrawn']:,} of {found['pairs']:,}", "pairs drew a principle that differs", ""),
            (percent(flips["value"]), f"flip: {flips['count']:,} of {flips['n']:,}", interval(flips)),
            (move, "is how far p(A) moves on average", interval(size, ".3f", 1, "")),
            _taken_over(run.result["recalled"], found["pairs"], "labels"),
        ]
    )
    if any(found["untold"].values()):
        caption(_untold(found["untold"]))
    with st.container(border=True):
        shown = st.segmented_control(
            "By topic", MEASURES, default=FLIPS, required=True, key="compare.measure", persist_state="session"
        )
        _label_plot(run, found, shown or FLIPS)
    _principles(found)


def _untold(untold: Mapping[str, int]) -> str:
    parts = [f"{untold[side]:,} {words}" for side, words in SIDES.items() if untold[side]]
    return f"Without a p(A): {', '.join(parts)}. They count as no flip."


SIDES = {"before": "under A", "after": "under B", "both": "under both"}


def _label_plot(run: VersionRun, found: Mapping[str, Any], shown: str) -> None:
    parts = [one for one in found["parts"] if one["flips"]["n"]]
    several = len({one["kind"] for one in parts if one["kind"]}) > 1
    name = "flips" if shown == FLIPS else "shift"
    # Of one kind of prompt, the kind's line would say what the whole says.
    wholes = [one for one in parts if one["topic"] is None and (several or one["kind"] is None)]
    topics = [one for one in parts if one["topic"] is not None and one[name]["value"]]
    most = sorted(topics, key=lambda one: -abs(one[name]["value"]))[:MOST]
    lines = [*wholes, *sorted(most, key=lambda one: -one[name]["value"])]
    changes = [_label_change(one, name, several) for one in lines]
    axis = "flips, share of pairs" if shown == FLIPS else "p(A): B minus A"
    change_plot(changes, axis, f"compare.labels.{run.id}.{name}", from_zero=shown == FLIPS)
    st.caption(
        "A label flips where p(A) crosses one half. Intervals: 95 %, Wilson's for the shares, else from a bootstrap "
        "over prompts. Topics in which nothing changes are left out."
    )


def _label_change(one: Mapping[str, Any], name: str, several: bool) -> Change:
    value = one[name]
    words = f"{value['value']:.2f}   {value.get('count', 0):,} of {value['n']:,}" if name == "flips" else ""
    words = words or f"{value['value']:+.3f}   {_count(value['n'], 'pair')}"
    kind = f"{KINDS[one['kind']]}: " if several and one["kind"] else ""
    title = _topic(one["topic"]) if one["topic"] else "all"
    whole = one["topic"] is None
    return Change(f"{kind}{title}", value["value"], value["low"], value["high"], words, whole)


def _principles(found: Mapping[str, Any]) -> None:
    """Which principle did it: the one before, the one after, how many pairs, how many flips."""
    if not found["principles"]:
        st.caption("No pair drew a principle that differs, and no p(A) moved.")
        return
    st.subheader("Which principle did it")
    table = pd.DataFrame(
        [
            {
                f"Principle in {found['before']}": one["before"],
                f"Principle in {found['after']}": one["after"] + (" (reworded)" if one["reworded"] else ""),
                "Pairs": one["pairs"],
                "Flips": one["flips"],
                "Flip share": one["flips"] / one["pairs"],
                "Mean move of p(A)": one["shift"],
            }
            for one in found["principles"]
        ]
    )
    columns = {
        f"Principle in {found['before']}": st.column_config.TextColumn(width=220),
        f"Principle in {found['after']}": st.column_config.TextColumn(width=220),
        "Pairs": st.column_config.NumberColumn(width=80, format="localized"),
        "Flips": st.column_config.NumberColumn(width=80, format="localized"),
        "Flip share": st.column_config.ProgressColumn(width=140, min_value=0, max_value=1, format="%.2f"),
        "Mean move of p(A)": st.column_config.NumberColumn(width=150, format="%+.3f"),
    }
    st.dataframe(table, hide_index=True, column_config=columns, alt="Flips by principle before and after")
