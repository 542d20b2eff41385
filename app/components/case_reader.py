"""One case: what it says, what it came to in one run, and its history over versions."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.components.case_choice import Shown
from app.components.case_table import STATES
from app.components.comparison_pair import p_a_bar, pair
from app.components.links import run_link, version_link
from app.components.open_table import open_table
from app.components.text import caption, chips, conversation, inline, verbatim
from app.components.word_diff import show_diff
from cai_core.preferences.labels import sigmoid
from db.queries.case_detail import CaseDetail, CaseOrder, ResultDetail, ResultLine

TINTS = {"prompt": "blue", "pair": "violet"}
KINDS = {"prompt": "a prompt", "pair": "two responses"}
SHOWN_FIRST = {"prompt": {"ab": "Revision shown first", "ba": "Response shown first"},
               "pair": {"ab": "A shown first", "ba": "B shown first"}}  # fmt: skip


def show_case(case: CaseDetail) -> None:
    """What the case says."""
    by = f"by {case.author} · " if case.author else ""
    labels = [(KINDS[case.kind], TINTS[case.kind]), (case.principle or "whichever principle is drawn", "violet")]
    if case.retired_at:
        labels.append((f"retired {case.retired_at:%Y-%m-%d}", "orange"))
    with st.container(border=True):
        chips(labels, title="Case", note=f"of {case.constitution} · {by}{case.created_at:%Y-%m-%d %H:%M}")
        conversation(case.turns)
    if case.kind == "pair":
        pair("Response A", case.response_a, "Response B", case.response_b)
    with st.container(border=True):
        hoped = f"Response {(case.preferred or '').upper()} is preferred" if case.kind == "pair" else ""
        chips([(hoped, "green")] if hoped else [], title="Hoped for")
        if case.hope:
            verbatim(case.hope)
        elif not hoped:
            st.caption("Nothing is said: the revision is to be read.")


def show_result(case: CaseDetail, result: ResultDetail) -> None:
    """What it came to, and why."""
    line = result.line
    words, tint = STATES[line.state]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            chips([(words, tint)], title="Result", width="content")
            run_link(line.run)
            version_link(f"{case.constitution}@{line.version}", result.principle or "")
            judge = "" if result.judge == line.model else f" · judged by {result.judge}"
            inline(f"{line.model}{judge} · {line.at:%Y-%m-%d %H:%M}")
        if result.principle_title and case.principle is None:
            caption(f"Drawn: {result.principle_title}")
        if result.error:
            caption(_sentence(result.error))
        _preference(case.kind, result)
    if case.kind == "prompt" and result.response is not None:
        _texts(result)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")


def _preference(kind: str, result: ResultDetail) -> None:
    """Which of two responses is preferred: in all, and in each order."""
    if result.line.p_a is not None:
        names = ("A", "B") if kind == "pair" else ("Revision", "Response")
        p_a_bar(result.line.p_a, *names)
    said = [f"{SHOWN_FIRST[kind][one.order]}: {_of_order(kind, one)}" for one in result.orders]
    if said:
        caption(" · ".join(said))
    if any(one.bounded for one in result.orders):
        caption("An option was not among the likeliest tokens that the server lists: its value is an upper bound.")


def _of_order(kind: str, order: CaseOrder) -> str:
    p_a = sigmoid(order.logprob_a - order.logprob_b)
    return f"p(A) {p_a:.2f}" if kind == "pair" else f"p(the revision is better) {p_a:.2f}"


def _texts(result: ResultDetail) -> None:
    with st.container(border=True):
        chips([], title="Response")
        verbatim(result.response)
    if result.revision is None:
        return
    with st.container(border=True):
        chips([(result.principle or "", "violet")] if result.principle else [], title="Revision")
        left, right = st.columns([2, 3], gap="medium")
        with left:
            st.caption("Critique")
            verbatim(result.critique)
        with right:
            st.caption("Word diff from the response")
            show_diff(result.response, result.revision)


def history(case: CaseDetail, results: Sequence[ResultLine]) -> None:
    """What it came to over versions and runs, the newest first."""
    if not results:
        return
    st.subheader("History")
    table = pd.DataFrame(
        [
            {
                "Version": f"{case.constitution}@{line.version}",
                "Run": line.run,
                "Model": line.model,
                "Result": [STATES[line.state][0]],
                "p(hoped)": _hoped(line.p_a, case.preferred),
                "When": line.at,
            }
            for line in results
        ]
    )
    columns = {
        "Version": st.column_config.TextColumn(width=160),
        "Run": st.column_config.NumberColumn(width=70, format="%d"),
        "Model": st.column_config.TextColumn(width=140),
        "Result": st.column_config.MultiselectColumn(
            width=130, options=[words for words, _ in STATES.values()], color=[tint for _, tint in STATES.values()]
        ),
        "p(hoped)": st.column_config.ProgressColumn(
            width=110, min_value=0, max_value=1, format="%.2f", help="Probability of what is hoped for"
        ),
        "When": st.column_config.DatetimeColumn(width=150, format="YYYY-MM-DD HH:mm"),
    }
    ids = [line.id for line in results]
    open_table(table, ids, "result", f"cases.history.{case.id}", columns, "Results of this case; press one to read it")


def _hoped(p_a: float | None, preferred: str | None) -> float | None:
    """The probability of what is hoped for."""
    return p_a if p_a is None or preferred != "b" else 1 - p_a


def to_show(results: Sequence[ResultLine], asked: int | None, shown: Shown) -> int | None:
    """The result that is drawn: the one the address names, else of the run that the list shows, else the newest."""
    of_run = shown.run.id if shown.run else None
    wanted = [line.id for line in results if line.id == asked]
    wanted += [line.id for line in results if line.run == of_run]
    return next(iter([*wanted, *(line.id for line in results)]), None)
