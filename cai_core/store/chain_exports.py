"""Chains and datasets to a file: our own format with all that is known, or one that trainers and others read."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from cai_core.errors import DataFileError, RunError
from cai_core.interchange.rows import (
    About,
    Export,
    Item,
    ReadChain,
    ReadExample,
    ReadPair,
    ReadPrompt,
    ReadRecord,
    ReadStep,
    Refused,
    Style,
    write_rows,
)
from cai_core.store import datasets
from cai_core.store.chain_records import Records
from cai_core.store.workspace import Workspace
from cai_core.types import RowState, RunKind, assistant
from db.queries.chain_filter import ChainFilter, filtered
from db.schema import PromptRow, RunRow
from db.schema_chains import ChainRow

OWN = "cai-chain"
DATASET_FORMATS = ("language-modeling", "prompt-completion", "chat", "prompt-only")
"""Those of `interchange.rows.WRITERS` that an example fits."""


def export_chains(
    workspace: Workspace,
    path: Path,
    wanted: ChainFilter,
    *,
    format: str = OWN,
    style: Style = Style.CONVERSATIONAL,
    runs: Sequence[int] = (),
    with_inputs: Callable[[Session, ReadRecord], ReadRecord] | None = None,
) -> Export:
    """Write the chains that pass a filter, of all runs or of some, to `path` whole or not at all.

    They stand in an order that no workspace decides: by the uids of run and prompt, sample and branch. The report
    numbers chains by their row ids. `with_inputs` may add the exact inputs of a chain's calls. `DataFileError` where
    the format or the file cannot be, or no chain passes.
    """
    if format not in ITEMS:
        raise DataFileError(f"chains cannot be written as {format!r}. Formats that hold them: {', '.join(ITEMS)}.")
    with workspace.reading() as session:
        _check_runs(session, runs)
        # The ids alone are held, eight bytes each; the rows are read some at a time at the same moment.
        ids = array("q", session.scalars(_ordered(wanted, runs)))
        if not ids:
            raise DataFileError("no chain passes the filter, so there is nothing to write. Take a condition away.")
        records: Iterable[ReadRecord] = Records(session).read(ids)
        if with_inputs is not None:
            records = (with_inputs(session, record) for record in records)
        export = write_rows(path, map(ITEMS[format], records), format=format, style=style)
    lost = () if format == OWN else (f"runs, seeds, gates, verdicts and scores: only {OWN} holds them",)
    return replace(export, lost=(*export.lost, *lost))


def export_dataset(
    workspace: Workspace,
    name: str,
    path: Path,
    *,
    format: str = "prompt-completion",
    style: Style = Style.CONVERSATIONAL,
    split: str = "",
) -> Export:
    """Write a dataset's examples in its order, all or those of one split ('train', 'heldout'); numbered from 1."""
    if format not in DATASET_FORMATS:
        accepted = ", ".join(DATASET_FORMATS)
        raise DataFileError(f"a dataset cannot be written as {format!r}. Formats that hold it: {accepted}.")
    if split not in ("", datasets.TRAIN, datasets.HELDOUT):
        raise DataFileError(f"the split {split!r} is none of a dataset's: {datasets.TRAIN} or {datasets.HELDOUT}.")
    with workspace.reading() as session:
        rows = _examples(session, name, split)
        return write_rows(path, rows, format=format, style=style)


def _examples(session: Session, name: str, split: str) -> Iterator[Item]:
    wanted = {"": (True, False), datasets.TRAIN: (False,), datasets.HELDOUT: (True,)}[split]
    found = datasets.examples(session, datasets.get(session, name))
    for number, one in enumerate(found, start=1):
        if one.heldout in wanted:
            yield ReadExample(number, one.turns, About(kind=one.kind))


def _check_runs(session: Session, runs: Sequence[int]) -> None:
    made = select(RunRow.id).where(RunRow.id.in_(runs), RunRow.kind == RunKind.CHAINS)
    if wrong := set(runs) - set(session.scalars(made)):
        raise RunError(f"runs {sorted(wrong)} are no chains runs of this workspace. `cai-studio runs list` shows them.")


def _ordered(wanted: ChainFilter, runs: Sequence[int]) -> Select[int]:
    rows = filtered(select(ChainRow.id), wanted).join(RunRow, RunRow.id == ChainRow.run_id)
    rows = rows.where(ChainRow.run_id.in_(runs)) if runs else rows
    return rows.order_by(RunRow.uid, PromptRow.uid, ChainRow.sample, ChainRow.branch)


def _prompt(record: ReadRecord) -> Item | Refused:
    return ReadPrompt(record.number, record.turns, record.about)


def _example(record: ReadRecord) -> Item | Refused:
    """The conversation with the last revision, or with the response of a plain sample."""
    if isinstance(last := _last(record), Refused):
        return last
    return ReadExample(record.number, (*record.turns, assistant(last)), record.about)


def _pair(record: ReadRecord) -> Item | Refused:
    """The last revision as chosen, the initial response as rejected."""
    if isinstance(last := _last(record), Refused):
        return last
    if not record.chain.rounds:
        return Refused(record.number, "a plain sample has no revision to prefer")
    if last == record.chain.response:
        return Refused(record.number, "the last revision is the initial response, word for word")
    rejected = assistant(record.chain.response or "")
    return ReadPair(record.number, record.turns, (assistant(last),), (rejected,), record.about)


def _steps(record: ReadRecord) -> Item | Refused:
    """Critiques and revisions with what asked for them."""
    if isinstance(last := _last(record), Refused):
        return last
    if not record.chain.rounds:
        return Refused(record.number, "a plain sample has no critique and revision")
    steps: list[ReadStep] = []
    for one in record.chain.rounds:
        asked = one.principle.critique_request, one.principle.revision_request
        if one.critique is None or asked[0] is None or asked[1] is None:
            return Refused(record.number, f"round {one.number} has no critique")
        steps.append(ReadStep(asked[0], one.critique, asked[1], one.revision, one.principle.id))
    return ReadChain(record.number, record.turns, record.chain.response or "", tuple(steps), record.about)


def _last(record: ReadRecord) -> str | Refused:
    chain = record.chain
    if chain.state is not RowState.DONE or chain.response is None:
        return Refused(record.number, f"the chain is {chain.state.replace('_', ' ')}: {chain.error or 'no response'}")
    return chain.rounds[-1].revision if chain.rounds else chain.response


def _whole(record: ReadRecord) -> Item | Refused:
    return record


ITEMS: dict[str, Callable[[ReadRecord], Item | Refused]] = {
    OWN: _whole,
    "preference": _pair,
    "hh-rlhf": _pair,
    "prompt-completion": _example,
    "language-modeling": _example,
    "chat": _example,
    "prompt-only": _prompt,
    "cai-conversation": _steps,
}
"""The formats that chains are written in, and what of a chain each holds."""
