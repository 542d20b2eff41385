"""A constitution out of files, in any format that is known: first what would come in, then all of it as a draft."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from app.components.constitution_choice import go
from app.components.notice import act, problem
from app.components.text import caption, chips
from app.resources import workspace
from cai_core.errors import CAIError
from cai_core.interchange.formats import NAMES, read
from cai_core.interchange.report import EntryState, ImportReport, ReadOptions, accepted
from cai_core.interchange.texts import decode
from cai_core.store import drafts
from cai_core.store.constitutions import newest_ref

FILES, SKIP, EDITS, SHARE = "new.files", "new.skip_refused", "new.as_edits", "new.agreement"
STATES = {
    EntryState.OK: "comes in",
    EntryState.CHANGED: "comes in, changed",
    EntryState.LEFT_OUT: "left out",
    EntryState.REFUSED: "refused",
}
COLUMNS = {
    "n": st.column_config.NumberColumn("#", width=48),
    "name": st.column_config.TextColumn("Entry", width=170),
    "state": st.column_config.TextColumn("What becomes of it", width=130),
    "note": st.column_config.TextColumn("Why", width="large"),
}


def from_files(person: int) -> None:
    """Draw the upload, the report of what would come in, and the button that begins a draft of it."""
    with st.container(border=True):
        st.file_uploader(
            "Files",
            type=["yaml", "yml", "json", "csv", "txt"],
            accept_multiple_files=True,
            key=FILES,
            help="YAML of this project, the paper's JSON (several files at once), Hugging Face's or LangChain's JSON, "
            "or a CSV of voted statements. The format is told by the content.",
        )
        if not st.session_state.get(FILES):
            st.caption("Nothing is saved by looking: you see first what would come in, what is lost and what refused.")
            return
        try:
            report = _read()
        except CAIError as error:
            problem(str(error))
            return
        _show(report)
        _ways(person, report)


def _read() -> ImportReport:
    texts = {file.name: decode(file.getvalue(), where=file.name) for file in st.session_state[FILES]}
    return read(texts, options=ReadOptions(min_agreement=float(st.session_state.get(SHARE) or 0) / 100))


def _show(report: ImportReport) -> None:
    labels = [(f"{report.accepted} {'comes' if report.accepted == 1 else 'come'} in", "green")]
    labels += [(f"{len(report.refused)} refused", "red")] if report.refused else []
    name, count = NAMES.get(report.format, report.format), len(report.entries)
    chips(labels, title=name[:1].upper() + name[1:], note="1 entry" if count == 1 else f"{count} entries")
    if report.format == "votes":
        st.slider("Least share of agreement, in every group", 0, 100, format="%d %%", key=SHARE)
    for lost in report.lost:
        caption(lost)
    rows = [{"n": one.number, "name": one.name, "state": STATES[one.state], "note": one.note} for one in report.entries]
    st.dataframe(
        pd.DataFrame(rows, columns=list(COLUMNS)),
        hide_index=True,
        column_config=COLUMNS,
        height=min(len(rows) + 1, 12) * 35 + 3,
        alt="Entries",
    )


def _ways(person: int, report: ImportReport) -> None:
    found = report.constitution
    if found is None:
        caption("No principle in it can be used, so nothing can come in.")
        return
    with workspace().reading() as session:
        taken = newest_ref(session, found.name) if found.name else None
    if taken:
        st.toggle("As edits of the constitution of that name", value=True, key=EDITS)
        caption(f"{taken} is in this workspace: what is different shows as edits of it. Else it begins as a new one.")
    if report.refused:
        st.toggle("Bring in the others, without what is refused", key=SKIP)
    st.button(
        "Begin with it",
        type="primary",
        icon=":material/edit:",
        disabled=bool(report.refused) and not st.session_state.get(SKIP),
        on_click=act,
        args=(_begin, person, report, taken),
    )


def _begin(person: int, report: ImportReport, taken: str | None) -> str:
    found = accepted(report, skip_refused=bool(st.session_state.get(SKIP)))
    as_edits = taken is not None and bool(st.session_state.get(EDITS))
    with workspace().writing() as session:
        base = taken if as_edits else None
        draft_id = drafts.start(session, person, base=base, content=replace(found, name=found.name or ""))
    go(draft=str(draft_id))
    came = "1 entry" if report.accepted == 1 else f"{report.accepted} entries"
    return f"{came} came in, as a draft. Save a version when you are done."
