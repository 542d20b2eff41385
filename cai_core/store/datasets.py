"""Datasets: examples to train on, frozen from chains. Once frozen, nothing of one changes."""

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from cai_core.config.datasets import Recipe, dump_recipe
from cai_core.errors import DatasetError
from cai_core.store import dataset_rows, prompts
from cai_core.store.dataset_rows import LEFT_OUT, Chosen
from cai_core.store.workspace import Workspace
from cai_core.types import Example, Message, PromptKind, Role, assistant, derive_seed
from db.schema import PromptRow
from db.schema_chains import ChainRow, DatasetExampleRow, DatasetRow, RevisionRow, RunDatasetRow

CHUNK = 500
"""Examples read at a time."""
LONGEST_NAME = 80
TRAIN, HELDOUT = "train", "heldout"


def freeze(workspace: Workspace, name: str, recipe: Recipe, *, author: str = "") -> DatasetRow:
    """Freeze the examples of a recipe under a new name.

    They are chosen and hashed from one moment of the database, then written in one transaction: a process that is
    killed leaves nothing behind. Raises `DatasetError` where the name is taken, the filter cannot be used or nothing
    would train.
    """
    with workspace.reading() as session:
        _check_name(session, name)
        chosen = dataset_rows.choose(session, recipe)
        check_trains(chosen.counts)
        digest = content_hash(of_rows(session, chosen))
    with workspace.writing() as session:
        _check_name(session, name)
        row = DatasetRow(uid=uuid.uuid4().hex, name=name, hash=digest, author=author)
        row.recipe, row.counts = dump_recipe(recipe), chosen.counts
        session.add(row)
        session.flush()
        _write(session, row.id, chosen)
    return row


def _write(session: Session, dataset_id: int, chosen: Chosen) -> None:
    rows = (
        {
            "dataset_id": dataset_id,
            "position": position,
            "chain_id": chain_id,
            "round": number,
            "split": HELDOUT if heldout else TRAIN,
        }
        for position, (chain_id, number, heldout) in enumerate(chosen)
    )
    while batch := list(islice(rows, dataset_rows.BATCH)):
        session.execute(insert(DatasetExampleRow), batch)


def check_trains(counts: dict[str, Any]) -> None:
    """Raise unless something would train."""
    if counts["train"]:
        return
    held = [f"{counts['heldout']} held out"] if counts["heldout"] else []
    told = ", ".join([*(f"{n} {LEFT_OUT[reason]}" for reason, n in counts["left_out"].items()), *held])
    raise DatasetError(
        f"no chain gives anything to train on ({told or 'there is none that passes the filter'}). Take a condition "
        "away, raise the chains' max_new_tokens, or make more chains."
    )


def _check_name(session: Session, name: str) -> None:
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
        raise DatasetError(
            f"{name!r} cannot be a dataset's name: it needs 1 to {LONGEST_NAME} printable characters, no space at its "
            "ends. Choose another."
        )
    if session.scalar(select(DatasetRow.id).where(DatasetRow.name == name)) is not None:
        raise DatasetError(f"there is a dataset {name!r}, and a dataset never changes. Choose another name.")


def get(session: Session, name: str) -> DatasetRow:
    """A dataset by name."""
    row = session.scalar(select(DatasetRow).where(DatasetRow.name == name))
    if row is None:
        known = select(DatasetRow.name).order_by(DatasetRow.id.desc()).limit(20)
        raise DatasetError(
            f"there is no dataset {name!r} in this workspace. Datasets here: "
            f"{', '.join(session.scalars(known)) or 'none'}. Freeze one with `cai-studio datasets freeze`."
        )
    return row


def of_run(session: Session, run_id: int) -> DatasetRow | None:
    """The dataset that a run trains on; None where it reads its parents."""
    return session.scalar(select(DatasetRow).join(RunDatasetRow).where(RunDatasetRow.run_id == run_id))


def use(session: Session, run_id: int, name: str) -> None:
    """Say that a run trains on a dataset."""
    session.add(RunDatasetRow(run_id=run_id, dataset_id=get(session, name).id))


def examples(session: Session, dataset: DatasetRow, *, first: int = 0) -> Iterator[Example]:
    """A dataset's examples in order, from the one at place `first` on; a few hundred are in memory."""
    rows = select(DatasetExampleRow.chain_id, DatasetExampleRow.round, DatasetExampleRow.split)
    theirs = rows.where(DatasetExampleRow.dataset_id == dataset.id, DatasetExampleRow.position >= first)
    found = session.execute(theirs.order_by(DatasetExampleRow.position).execution_options(yield_per=CHUNK))
    return of_rows(session, ((chain_id, number, split == HELDOUT) for chain_id, number, split in found))


def spread(session: Session, dataset: DatasetRow, most: int, *, seed: int) -> list[Example]:
    """At most so many of a dataset's examples, evenly spread over it, in an order that the seed decides."""
    every = -(-dataset.counts["examples"] // most)
    rows = select(
        DatasetExampleRow.position, DatasetExampleRow.chain_id, DatasetExampleRow.round, DatasetExampleRow.split
    )
    theirs = rows.where(DatasetExampleRow.dataset_id == dataset.id, DatasetExampleRow.position % every == seed % every)
    found = sorted(session.execute(theirs), key=lambda row: derive_seed(seed, "spread", row.position))
    return list(of_rows(session, ((row.chain_id, row.round, row.split == HELDOUT) for row in found)))


def of_rows(session: Session, rows: Iterable[tuple[int, int, bool]]) -> Iterator[Example]:
    """The examples of (chain, round, held out), in their order."""
    rest = iter(rows)
    while batch := list(islice(rest, CHUNK)):
        found = _read(session, {chain_id for chain_id, _, _ in batch})
        for chain_id, number, heldout in batch:
            turns, kind, key = found[chain_id, number]
            yield Example(turns, kind, key, heldout)


def _read(session: Session, ids: set[int]) -> dict[tuple[int, int], tuple[tuple[Message, ...], PromptKind, str]]:
    """(turns, kind, key) of each text of these chains, by chain and round."""
    rows = (
        select(
            ChainRow.id,
            func.coalesce(RevisionRow.round, 0),
            PromptRow.turns,
            func.coalesce(RevisionRow.revision, ChainRow.response),
            PromptRow.kind,
            PromptRow.uid,
            ChainRow.sample,
            ChainRow.branch,
        )
        .select_from(ChainRow)
        .join(PromptRow, PromptRow.id == ChainRow.prompt_id)
        .outerjoin(RevisionRow, RevisionRow.chain_id == ChainRow.id)
        .where(ChainRow.id.in_(ids))
    )
    found = {}
    for chain_id, number, turns, text, kind, uid, sample, branch in session.execute(rows):
        before = tuple(Message(Role(turn["role"]), turn["content"]) for turn in turns)
        where = f"chain {uid}/{sample}{f' branch {branch}' if branch else ''}"
        key = f"{where} round {number}" if number else f"{where} response"
        found[chain_id, number] = ((*before, assistant(text or "")), PromptKind(kind), key)
    return found


def content_hash(found: Iterable[Example]) -> str:
    """SHA-256 in hex over splits and turns in order: a line of JSON, [split, [[role, text], ...]], an example."""
    digest = hashlib.sha256()
    for one in found:
        turns = [[turn.role.value, turn.content] for turn in one.turns]
        line = json.dumps([HELDOUT if one.heldout else TRAIN, turns], ensure_ascii=False, separators=(",", ":"))
        digest.update(line.encode(errors="surrogatepass") + b"\n")
    return digest.hexdigest()


def summary(session: Session, row: DatasetRow) -> dict[str, Any]:
    """A dataset as plain JSON values, for the command line."""
    runs = select(RunDatasetRow.run_id).where(RunDatasetRow.dataset_id == row.id).order_by(RunDatasetRow.run_id)
    return {
        "name": row.name,
        "uid": row.uid,
        "hash": row.hash,
        "recipe": row.recipe,
        "counts": row.counts,
        "author": row.author,
        "created_at": row.created_at.isoformat(),
        "used_by": list(session.scalars(runs)),
    }


def newest(session: Session, limit: int) -> list[DatasetRow]:
    """The newest datasets."""
    return list(session.scalars(select(DatasetRow).order_by(DatasetRow.id.desc()).limit(limit)))


def turns_to_json(example: Example) -> list[dict[str, str]]:
    """An example's turns as they are shown and exported."""
    return prompts.turns_to_json(example.turns)
