"""What a run would ask of its models, said before it starts."""

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from app.components.notice import act
from app.components.text import chips
from app.resources import workspace
from cai_core.runs import warm_queue
from cai_core.runs.estimate import Estimate, estimate, time_samples
from cai_core.types import RunKind
from db.queries.asks import AskLine, ask_detail

TIMED = "launch.timed"
"""Ids of the asks whose answers are timed."""
EVERY = 0.5
"""Seconds between two looks at them."""


def launch_estimate(kind: RunKind, values: Mapping[str, Any], parents: Iterable[int]) -> None:
    """One line: rows, calls, tokens, time and money as far as they are known."""
    parents = tuple(parents)
    with workspace().reading() as session:
        found = estimate(session, kind, values, parents, workspace().folder)
    if found is None:
        return
    with st.container(key="launch-estimate"):
        chips([], title="Before it starts", note=" · ".join(in_words(found)))
        if found.untimed:
            st.button(
                "Time a few samples",
                icon=":material/timer:",
                key="launch.time",
                on_click=act,
                args=(_time, kind, dict(values), parents),
                help="Nothing is known of the pace yet: the models write a few answers, which are timed.",
            )
        _follow()


def _time(kind: RunKind, values: dict[str, Any], parents: tuple[int, ...]) -> None:
    st.session_state[TIMED] = time_samples(workspace(), kind, values, parents)


def _follow() -> None:
    """While samples are timed: say so, and draw the page anew once they are."""
    asked: list[int] = st.session_state.get(TIMED, [])

    def still() -> list[AskLine]:
        with workspace().reading() as session:
            found = [ask_detail(session, one) for one in asked]
        return [one.line for one in found if one is not None and one.line.open]

    def tick() -> None:
        warm_queue.kick(workspace())
        if not still():
            st.rerun()
        chips([("at work", "blue")], note="a few samples are written to time them")

    if still():
        st.fragment(tick, run_every=EVERY)()


def in_words(found: Estimate) -> list[str]:
    """The estimate, a part each."""
    parts = [
        f"{found.rows:,} rows",
        f"{found.requests:,} calls",
        f"about {short(found.prompt_tokens)} tokens in",
        f"at most {short(found.completion_tokens_at_most)} out",
    ]
    if found.cost_at_most is not None:
        parts.append(f"cost at most {found.cost_at_most:,.2f}")
    if found.seconds is not None and found.paced_by is not None:
        parts.append(f"about {duration(found.seconds)} at the pace of run {found.paced_by}")
    elif found.seconds is not None:
        few = f"the pace of {found.timed_calls} sampled calls, a few at a time (a run is mostly faster)"
        parts.append(f"about {duration(found.seconds)} at {few}")
    return parts


def short(count: int) -> str:
    """'640', '12.3 k', '4.1 M'."""
    for size, unit in ((1_000_000, " M"), (1_000, " k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return f"{count}"


def duration(seconds: float) -> str:
    """'40 s', '12 min', '3.5 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
