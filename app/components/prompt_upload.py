"""Prompts out of a file: first what would come in and what is set aside, then all of it in one transaction."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app.components.notice import act, problem
from app.components.prompt_kinds import KINDS
from app.components.text import caption, chips
from app.resources import workspace
from cai_core.errors import CAIError
from cai_core.interchange.rows import FORMATS, read_rows
from cai_core.store.prompt_files import ImportReport, Wishes, import_prompts, set_name
from cai_core.store.prompt_splits import read_shares
from cai_core.types import PromptKind

FILE, SET, KIND, SPLIT, SEED, NEAR, FORMAT = (
    f"prompts.upload.{name}" for name in ("file", "set", "kind", "split", "seed", "near", "format")
)
COUNT = "prompts.upload.count"
"""How many files came in: each next upload has a key of its own, and begins empty."""
LARGEST = 2_000
"""Megabytes of a file."""
SHOWN = 200
"""Refused rows that are listed."""


def upload_prompts() -> None:
    """Draw the upload, the wishes, the report of a dry run, and the button that brings all of it in."""
    with st.container(border=True):
        file = st.file_uploader(
            "File of prompts",
            key=f"{FILE}.{st.session_state.get(COUNT, 0)}",
            max_upload_size=LARGEST,
            help="JSON Lines, a JSON list, CSV, Parquet or plain lines, as it is or in gzip: prompts, hh-rlhf "
            "transcripts, chat messages, TRL's types, HarmBench, XSTest, MT-Bench. The format is told by the content.",
        )
        if file is None:
            st.caption("Nothing is saved by looking: you see first what would come in, and what is set aside and why.")
            return
        values = _wishes()
        content = file.getvalue()
        try:
            report = _dry_run(file.file_id, content, file.name, values)
        except CAIError as error:
            problem(str(error))
            return
        _show(report)
        st.button(
            "Bring them in",
            type="primary",
            icon=":material/download:",
            disabled=not report.accepted,
            on_click=act,
            args=(_bring_in, content, file.name, values),
        )


def _wishes() -> dict[str, Any]:
    one, two, three = st.columns(3)
    source = one.text_input("Set", key=SET, placeholder="The file's name")
    kind = two.selectbox(
        "Kind", list(KINDS), index=None, format_func=KINDS.__getitem__, placeholder="As the file says", key=KIND
    )
    format = three.selectbox("Format", list(FORMATS), index=None, placeholder="Told from its columns", key=FORMAT)
    four, five, six = st.columns(3)
    split = four.text_input(
        "Split",
        key=SPLIT,
        placeholder="As the file says, or train",
        help="train, dev or test; or shares such as train=.8,dev=.1,test=.1, drawn by a hash of each prompt.",
    )
    seed = five.number_input("Split seed", 0, 2**53 - 1, key=SEED)
    near = six.number_input(
        "Set aside near duplicates from",
        0.0,
        1.0,
        step=0.05,
        value=None,
        placeholder="None are set aside",
        key=NEAR,
        help="Overlap of their runs of three words with an earlier prompt of the file or the set: 0.8, say.",
    )
    return {
        "source": source.strip(),
        "kind": kind,
        "split": split.strip(),
        "seed": int(seed),
        "near": near or None,
        "format": format,
    }


def _import(content: bytes, name: str, values: Mapping[str, Any], *, dry_run: bool) -> ImportReport:
    kind = None if values["kind"] is None else PromptKind(values["kind"])
    shares = read_shares(values["split"]) if values["split"] else None
    wishes = Wishes(values["source"], kind, shares, values["seed"], values["near"])
    reading = read_rows(content, format=values["format"], name=name)
    return import_prompts(workspace(), reading, wishes, dry_run=dry_run)


@st.cache_data(max_entries=8, ttl=600, show_spinner="Reading the file")
def _dry_run(file_id: str, _content: bytes, name: str, values: Mapping[str, Any]) -> ImportReport:
    return _import(_content, name, values, dry_run=True)


def _show(report: ImportReport) -> None:
    labels = [(f"{report.accepted:,} come in", "green")]
    labels += [(f"{report.duplicates:,} are there already", "grey")] if report.duplicates else []
    labels += [(f"{report.near_duplicates:,} near duplicates", "orange")] if report.near_duplicates else []
    labels += [(f"{report.refused_count:,} cannot be used", "red")] if report.refused_count else []
    chips(labels, title=report.format)
    for note in report.notes:
        caption(note)
    if report.refused:
        rows = [{"Row": one.row, "Why": one.reason} for one in report.refused[:SHOWN]]
        columns = {"Row": st.column_config.NumberColumn(width=80), "Why": st.column_config.TextColumn(width="large")}
        st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=columns, alt="Rows that cannot be used")


def _bring_in(content: bytes, name: str, values: Mapping[str, Any]) -> str:
    report = _import(content, name, values, dry_run=False)
    st.session_state[COUNT] = st.session_state.get(COUNT, 0) + 1
    _dry_run.clear()
    source = values["source"] or set_name(read_rows(content, format=values["format"], name=name))
    st.query_params["source"] = source
    return (
        f"{report.accepted:,} prompts came in as {source!r}. {report.duplicates:,} were there already, "
        f"{report.near_duplicates:,} are near duplicates and stay out, {report.refused_count:,} rows cannot be used."
    )
