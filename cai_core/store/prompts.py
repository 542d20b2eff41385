"""Prompts: rows to nouns and back, and the draw of a run's inputs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from cai_core.errors import PromptError
from cai_core.types import Conversation, Message, Prompt, PromptKind, Role, Split, derive_seed
from db import search
from db.schema import PromptRow, RunPromptRow

CHUNK = 500
"""Rows to a statement: SQLite takes 32,766 parameters."""


def to_noun(row: PromptRow) -> Prompt:
    """A row as a noun."""
    turns = tuple(Message(Role(turn["role"]), turn["content"]) for turn in row.turns)
    kind, split = PromptKind(row.kind), Split(row.split)
    return Prompt(row.uid, turns, kind, split, row.source, row.topic, tuple(row.tags), row.extra)


def turns_to_json(turns: Conversation) -> list[dict[str, str]]:
    """A conversation as it is stored and exported."""
    return [{"role": turn.role.value, "content": turn.content} for turn in turns]


def add(session: Session, prompts: Iterable[Prompt], *, run_id: int | None = None) -> int:
    """Add those that are new by uid, a chunk in memory at a time; return how many they were.

    `run_id` is the run that wrote them, if one did.
    """
    added = 0
    for chunk in chunks(prompts):
        fresh: dict[str, Prompt] = {}
        for prompt in chunk:
            fresh.setdefault(prompt.uid, prompt)
        for uid in ids_by_uid(session, list(fresh)):
            del fresh[uid]
        if fresh:
            session.execute(insert(PromptRow), [{**_row(prompt), "run_id": run_id} for prompt in fresh.values()])
            ids = ids_by_uid(session, list(fresh))
            search.add(session, search.Index.PROMPTS, [(ids[uid], search_body(one)) for uid, one in fresh.items()])
        added += len(fresh)
    return added


def chunks(prompts: Iterable[Prompt]) -> Iterator[list[Prompt]]:
    """Lists of `CHUNK` prompts in order, the last shorter."""
    rest = iter(prompts)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _row(prompt: Prompt) -> dict[str, Any]:
    return {
        "uid": prompt.uid,
        "kind": prompt.kind.value,
        "split": prompt.split.value,
        "source": prompt.source,
        "topic": prompt.topic,
        "turns": turns_to_json(prompt.turns),
        "tags": list(prompt.tags),
        "extra": dict(prompt.extra),
    }


def search_body(prompt: Prompt) -> str:
    """The text that a prompt is found by."""
    return search.body_of_turns(turns_to_json(prompt.turns))


def ids_by_uid(session: Session, uids: Sequence[str]) -> dict[str, int]:
    """The row id of each uid that is stored."""
    found: dict[str, int] = {}
    for start in range(0, len(uids), CHUNK):
        chosen = select(PromptRow.uid, PromptRow.id).where(PromptRow.uid.in_(uids[start : start + CHUNK]))
        for uid, row_id in session.execute(chosen):
            found[uid] = row_id
    return found


def draw(
    session: Session, wanted: Mapping[PromptKind, int], *, split: Split, source: str, seed: int
) -> tuple[list[int], dict[str, int]]:
    """Row ids for a run's inputs: of each kind the first so many in an order that only seed and uids decide.

    Beside them, how many there are of each kind: fewer than wanted where the workspace has no more.
    """
    ids: list[int] = []
    found: dict[str, int] = {}
    for kind, count in wanted.items():
        chosen = select(PromptRow.uid, PromptRow.id).where(PromptRow.kind == kind.value, PromptRow.split == split.value)
        if source:
            chosen = chosen.where(PromptRow.source == source)
        pairs = [(uid, row_id) for uid, row_id in session.execute(chosen)] if count else []
        drawn = sorted(pairs, key=lambda pair: (derive_seed(seed, "draw", pair[0]), pair[0]))[:count]
        found[kind.value] = len(drawn)
        ids += [row_id for _, row_id in drawn]
    if not ids:
        raise PromptError(_nothing(session, wanted, split, source))
    return ids, found


def fix_inputs(session: Session, run_id: int, ids: Sequence[int]) -> None:
    """Make these prompts a run's inputs for good."""
    rows = [{"run_id": run_id, "position": n, "prompt_id": row_id} for n, row_id in enumerate(ids)]
    session.execute(insert(RunPromptRow), rows)


def _nothing(session: Session, wanted: Mapping[PromptKind, int], split: Split, source: str) -> str:
    asked = ", ".join(f"{count} {kind}" for kind, count in wanted.items())
    where = f"source {source!r}" if source else "any source"
    return (
        f"no prompts to run on: asked for {asked} in split {split} from {where}. Sources here: {sources(session)}. "
        "Raise the numbers, name another source, or import prompts."
    )


def ids_of_run(session: Session, run_id: int) -> list[int]:
    """Row ids of a run's inputs in order."""
    chosen = select(RunPromptRow.prompt_id).where(RunPromptRow.run_id == run_id).order_by(RunPromptRow.position)
    return list(session.scalars(chosen))


def count_by_kind(session: Session, run_id: int) -> dict[str, int]:
    """How many of a run's inputs are of each kind."""
    chosen = select(PromptRow.kind, func.count()).join(RunPromptRow, RunPromptRow.prompt_id == PromptRow.id)
    found = dict(iter(session.execute(chosen.where(RunPromptRow.run_id == run_id).group_by(PromptRow.kind))))
    return {kind.value: found.get(kind.value, 0) for kind in PromptKind}


def sources_of_run(session: Session, run_id: int) -> set[str]:
    """The prompt sets that a run's inputs come from."""
    chosen = select(PromptRow.source).join(RunPromptRow, RunPromptRow.prompt_id == PromptRow.id)
    return set(session.scalars(chosen.where(RunPromptRow.run_id == run_id).distinct()))


def sources(session: Session) -> str:
    """The names of the prompt sets, for a sentence."""
    return ", ".join(sorted(session.scalars(select(PromptRow.source).distinct()))) or "none"


def read(session: Session, ids: Sequence[int]) -> list[tuple[int, Prompt]]:
    """Prompts by row id, in the order of the ids, each with its own."""
    found = {row.id: to_noun(row) for row in session.scalars(select(PromptRow).where(PromptRow.id.in_(ids)))}
    return [(row_id, found[row_id]) for row_id in ids]


def of_run(session: Session, run_id: int) -> list[tuple[int, Prompt]]:
    """A run's inputs in order, each with its row id."""
    ids = ids_of_run(session, run_id)
    return [one for start in range(0, len(ids), CHUNK) for one in read(session, ids[start : start + CHUNK])]
