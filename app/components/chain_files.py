"""Files: what an upload would bring in, then all of it; and chains, prompts and datasets written to files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import streamlit as st

from app.components.dataset_form import FIELDS, conditions, in_address
from app.components.notice import act, problem
from app.components.text import caption, chips
from app.resources import workspace
from cai_core.errors import CAIError, DataFileError, PromptError
from cai_core.interchange.rows import Export, Reading, Refused, read_rows
from cai_core.store import filters
from cai_core.store.chain_exports import DATASET_FORMATS, ITEMS, OWN, export_chains, export_dataset
from cai_core.store.chain_files import ChainWishes, import_chains
from cai_core.store.import_report import ImportReport, set_name
from cai_core.store.prompt_exports import FORMATS, export_prompts
from cai_core.store.prompt_files import Wishes, import_prompts
from cai_core.types import PromptKind
from db.queries.chain_filter import ChainFilter, dump_filter

CHAINS, PROMPTS, DATASET = "Chains", "Prompts", "Dataset"
CHAIN_FORMATS = ("cai-chain", "paper-chains", "cai-conversation")
FILE, SET, KIND = "files.upload", "files.set", "files.kind"
WHAT, FORMAT, ENDING, NAME = "files.what", "files.format", "files.ending", "files.dataset"
ONLY, FROM, OF_SET = "files.only", "files.from", "files.of_set"
INPUTS = "files.inputs"
WRITTEN = "files.written"
ENDINGS = (".jsonl", ".parquet", ".csv", ".json", ".jsonl.gz")
MOST_DOWN = 20 * 2**20
"""Bytes of a file that a page offers for download."""
COLUMNS = {"row": st.column_config.NumberColumn("Row", width=80), "reason": st.column_config.TextColumn("Why")}


def upload() -> None:
    """Draw the upload, what its rows would become, and the button that brings them in."""
    with st.container(border=True):
        st.file_uploader(
            "A file of chains or prompts",
            key=FILE,
            help="JSON Lines, JSON, CSV, Parquet or plain lines, also in gzip. Its format is told from its rows.",
        )
        if (file := st.session_state.get(FILE)) is None:
            st.caption(
                "Nothing is saved by looking: you see first what would come in. For larger files than fit here use the "
                "command line: cai-studio import chains FILE, or import prompts FILE."
            )
            return
        try:
            _look(read_rows(file.getvalue(), name=file.name))
        except CAIError as error:
            problem(str(error))


def _look(reading: Reading) -> None:
    chains = reading.format in CHAIN_FORMATS
    left, right = st.columns(2)
    left.text_input("Prompt set", key=SET, placeholder=set_name(reading))
    kinds = ["as the file says", *PromptKind]
    right.selectbox("What the prompts are for", kinds, key=KIND, disabled=reading.format == "cai-chain")
    report = _bring(reading, chains, dry_run=True)
    counted = [(f"{report.accepted:,} would come in", "green"), (f"{report.duplicates:,} are here", "grey")]
    counted += [(f"{report.refused_count:,} cannot be used", "red")] if report.refused_count else []
    chips(counted, title=CHAINS if chains else PROMPTS, note=reading.format)
    for note in report.notes:
        caption(note)
    if report.refused:
        rows = [{"row": one.row, "reason": one.reason} for one in report.refused]
        st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=COLUMNS, height=200, alt="Rows set aside")
    st.button(
        "Import",
        type="primary",
        icon=":material/upload:",
        disabled=not report.accepted,
        on_click=act,
        args=(_import, reading, chains),
    )


def _bring(reading: Reading, chains: bool, *, dry_run: bool) -> ImportReport:
    source, said = str(st.session_state.get(SET) or "").strip(), st.session_state.get(KIND)
    kind = PromptKind(said) if said in list(PromptKind) else None
    if chains:
        wishes = ChainWishes(source, kind or PromptKind.RED_TEAM)
        return import_chains(workspace(), reading, wishes, dry_run=dry_run)
    try:
        return import_prompts(workspace(), reading, Wishes(source, kind), dry_run=dry_run)
    except PromptError as error:
        if "--kind" in str(error):
            raise PromptError("the file does not say what its prompts are for. Choose it above.") from None
        raise


def _import(reading: Reading, chains: bool) -> str:
    report = _bring(reading, chains, dry_run=False)
    what = "chains" if chains else "prompts"
    return f"{report.accepted:,} {what} came in; {report.duplicates:,} were here, {report.refused_count:,} set aside."


def download(datasets: list[str], sources: list[str]) -> None:
    """Draw the choice of what to write, of these datasets and prompt sets, and the file that was written."""
    _take_from_address()
    with st.container(border=True):
        what = st.segmented_control("What", (CHAINS, PROMPTS, DATASET), default=CHAINS, required=True, key=WHAT)
        formats = {CHAINS: tuple(ITEMS), PROMPTS: FORMATS, DATASET: DATASET_FORMATS}[what]
        left, right, third = st.columns(3)
        format = left.selectbox("Format", formats, key=f"{FORMAT}.{what}")
        endings = ENDINGS[:1] if format == "cai-chain" else ENDINGS
        ending = right.selectbox("Kind of file", endings, key=f"{ENDING}.{len(endings)}")
        name = third.selectbox("Dataset", datasets, key=NAME) if what == DATASET else None
        if what == PROMPTS:
            third.selectbox("Of the set", sources, None, placeholder="All sets", key=OF_SET)
        if what == CHAINS:
            st.text_input(
                "Only chains with",
                key=ONLY,
                placeholder="All chains; or verdict=accept&gate=cut, or an address of the Chains page",
                help="Any condition of the Chains page, as its address writes it.",
            )
        if format == OWN:
            st.checkbox(
                "With the exact input of every call",
                key=INPUTS,
                help="Built again by the models' tokenizers and held against the hash of then; takes a few seconds "
                "more, and for many thousand chains some minutes.",
            )
        if what == DATASET and not datasets:
            st.caption("No dataset is frozen yet: freeze one from chains first.")
        st.button(
            "Write",
            icon=":material/download:",
            disabled=what == DATASET and not name,
            on_click=act,
            args=(_write, what, format, ending, name),
        )
        _offer()


def _take_from_address() -> None:
    """Let the conditions in the page's address, as the Chains page writes them, fill the field once."""
    given = in_address({name: value for name, value in st.query_params.items() if name in FIELDS})
    if given and st.session_state.get(FROM) != given:
        st.session_state[FROM] = st.session_state[ONLY] = given
        st.session_state[WHAT] = CHAINS


def _write(what: str, format: str, ending: str, name: str | None) -> str:
    path = workspace().exports / f"{what.lower()}-{format}{ending}"
    export = _export(what, format, path, name or "")
    st.session_state[WRITTEN] = (str(path), export)
    return f"{export.rows:,} rows are in {path.name}, in the workspace's exports."


def _export(what: str, format: str, path: Path, name: str) -> Export:
    if what == PROMPTS:
        return export_prompts(workspace(), path, format=format, source=st.session_state.get(OF_SET) or "")
    if what == DATASET:
        return export_dataset(workspace(), name, path, format=format)
    only = filters.read(conditions(str(st.session_state.get(ONLY) or "")))
    if format == OWN and st.session_state.get(INPUTS):
        return _with_inputs(path, only)
    return export_chains(workspace(), path, only, format=format)


def _with_inputs(path: Path, only: ChainFilter) -> Export:
    """By the command line, in a process of its own: tokenizers are not for the app's to load."""
    words = ["export", "chains", str(path), "--inputs", "--json", f"--workspace={workspace().folder}"]
    words += [f"--filter={name}={value}" for name, value in dump_filter(only).items()]
    paths = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cai_core.cli", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    if done.returncode:
        why = done.stderr.strip().removeprefix("error: ")
        raise DataFileError(why or "writing ended without a word. Try again, or use the command line.")
    said = json.loads(done.stdout)
    left_out = tuple(Refused(one["chain"], one["reason"]) for one in said["left_out"])
    return Export(said["rows"], left_out, said["left_out_count"], tuple(said["lost"]))


def _offer() -> None:
    if WRITTEN not in st.session_state:
        return
    file, export = st.session_state[WRITTEN]
    path = Path(file)
    for lost in export.lost:
        caption(f"Not in the file: {lost}")
    if export.left_out_count:
        caption(f"Left out: {export.left_out_count:,}, for example {export.left_out[0].reason}")
    if path.is_file() and path.stat().st_size <= MOST_DOWN:
        st.download_button("Download", path.read_bytes(), file_name=path.name, icon=":material/save:")
    else:
        caption(f"It is too large to download here; it lies at {path}.")
