"""The rows of a comparison of two versions: filtered, paged through, opened side by side."""

import pandas as pd
import streamlit as st

from app.components.notice import content_notice, empty
from app.components.open_table import open_table
from app.components.pager import page_start, pager
from app.components.prompt_kinds import KINDS
from app.resources import workspace
from db.queries.version_compare import VersionRun
from db.queries.version_pairs import (
    ChainPairLine,
    LabelPairLine,
    PairFilter,
    chain_pairs,
    label_pairs,
    pair_topics,
)

DIFFER, TOPIC, DREW = "compare.differ", "compare.topic", "compare.drew"


def pair_filter(run: VersionRun) -> PairFilter:
    """What the widgets say of a run's rows."""
    state = st.session_state
    drew = state.get(f"{DREW}.{run.id}") if run.kind == "labels" else None
    differ = state.get(f"{DIFFER}.{run.kind}", True)
    return PairFilter(run.former, run.id, bool(differ), None, state.get(f"{TOPIC}.{run.id}"), drew)


def examples(run: VersionRun) -> None:
    """The filter and a page of rows."""
    st.subheader("Examples")
    content_notice()
    with workspace().reading() as session:
        topics = pair_topics(session, run.id)
    _filter(run, topics)
    wanted = pair_filter(run)
    start = page_start("compare", wanted)
    with workspace().reading() as session:
        if run.kind == "chains":
            chains = chain_pairs(session, wanted, start)
            rows, more, last = len(chains.rows), chains.more, chains.rows[-1].after if chains.rows else 0
        else:
            labels = label_pairs(session, wanted, start)
            rows, more, last = len(labels.rows), labels.more, labels.rows[-1].id if labels.rows else 0
    if not rows:
        empty("Nothing passes this filter", "Take a condition away, or look at rows that do not differ too.")
        return
    if run.kind == "chains":
        _chain_table(run, chains.rows)
    else:
        _label_table(run, labels.rows)
    pager("compare", last, more)


def _filter(run: VersionRun, topics: list[str]) -> None:
    left, middle, right = st.columns([3, 3, 5], vertical_alignment="bottom")
    key = f"{DIFFER}.{run.kind}"
    st.session_state.setdefault(key, True)
    if run.kind == "chains":
        left.toggle("Only those that end in another text", key=key, persist_state="session")
    else:
        left.toggle("Only flips", key=key, persist_state="session")
    middle.selectbox("Topic", topics, None, placeholder="All topics", key=f"{TOPIC}.{run.id}", persist_state="session")
    if run.kind == "labels" and run.found:
        drew = [(one["before"], one["after"]) for one in run.found["principles"]]
        right.selectbox(
            "Principles, A → B",
            drew,
            None,
            format_func=" → ".join,
            placeholder="All",
            key=f"{DREW}.{run.id}",
            persist_state="session",
        )


def _chain_table(run: VersionRun, lines: tuple[ChainPairLine, ...]) -> None:
    table = pd.DataFrame(
        [
            {
                "Chain": line.after,
                "Prompts": KINDS[line.kind],
                "Topic": line.topic or "",
                "Prompt": line.prompt,
                "Drew, A → B": ", ".join(" → ".join(pair) for pair in line.drew),
                f"Last text in {run.before}": line.last_before or "",
                f"Last text in {run.after}": line.last_after or "",
                "Taken over": line.recalled,
            }
            for line in lines
        ]
    )
    widths = {
        "Chain": st.column_config.NumberColumn(width=70, format="localized"),
        "Prompts": st.column_config.TextColumn(width=90),
        "Topic": st.column_config.TextColumn(width=105),
        "Prompt": st.column_config.TextColumn(width=165),
        "Drew, A → B": st.column_config.TextColumn(width=150),
        f"Last text in {run.before}": st.column_config.TextColumn(width=165),
        f"Last text in {run.after}": st.column_config.TextColumn(width=165),
        "Taken over": st.column_config.NumberColumn(width=85, help="Answers taken over from A"),
    }
    ids = [line.after for line in lines]
    open_table(table, ids, "chain", "compare.chains", widths, "Chains under both versions; press a row to read them")


def _label_table(run: VersionRun, lines: tuple[LabelPairLine, ...]) -> None:
    table = pd.DataFrame(
        [
            {
                "Pair": line.comparison,
                "Prompts": KINDS[line.kind],
                "Topic": line.topic or "",
                "Prompt": line.prompt,
                f"Principle in {run.before}": line.principle_before,
                f"Principle in {run.after}": line.principle_after,
                f"p(A) in {run.before}": line.p_a_before,
                f"p(A) in {run.after}": line.p_a_after,
                "Flips": "yes" if line.flips else "",
            }
            for line in lines
        ]
    )
    widths = {
        "Pair": st.column_config.NumberColumn(width=70, format="localized"),
        "Prompts": st.column_config.TextColumn(width=90),
        "Topic": st.column_config.TextColumn(width=110),
        "Prompt": st.column_config.TextColumn(width=165),
        f"Principle in {run.before}": st.column_config.TextColumn(width=130),
        f"Principle in {run.after}": st.column_config.TextColumn(width=130),
        f"p(A) in {run.before}": st.column_config.ProgressColumn(width=115, min_value=0, max_value=1, format="%.2f"),
        f"p(A) in {run.after}": st.column_config.ProgressColumn(width=115, min_value=0, max_value=1, format="%.2f"),
        "Flips": st.column_config.TextColumn(width=55),
    }
    ids = [line.id for line in lines]
    open_table(table, ids, "label", "compare.labels", widths, "Labels under both versions; press a row to read them")
