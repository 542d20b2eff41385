"""A workspace with as many rows as a large run leaves, written straight through the schema; texts of usual length."""

import random
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from cai_core.store.workspace import Workspace, open_workspace
from db.schema import (
    ChainRow,
    ComparisonRow,
    LabelOrderRow,
    LabelRow,
    ModelRow,
    PrincipleRow,
    PromptRow,
    RevisionRow,
    RunRow,
)

KINDS = ("red_team", "helpful", "look_alike")
TOPICS = ("privacy", "fraud", "hacking", "theft", "gardening")
_WORDS = (
    "the a an of to and in that it is was for on with as at by from this be are or have not you they we can could "
    "would should neighbour wifi diary letter garden tomato winter window water recipe engine bicycle account password "
    "consent owner lawful harmful honest careful explain reason advice instead offer ask before after because"
)
WORDS = _WORDS.split()
RARE = "quetzal"
"""A word that one row in ten thousand has."""
ROUNDS = 4
CHUNK = 20_000
PROMPTS = 10_000_000
"""Ids begin behind those of the prompts that ship."""


def filled(folder: Path, rows: int) -> Workspace:
    """`rows` prompts; of each a chain, two of three with revisions, and a comparison with its label."""
    workspace = open_workspace(folder)
    rng = random.Random(0)
    with workspace.writing() as session:
        runs = [_run(session, kind) for kind in ("chains", "comparisons", "labels")]
        model = session.scalars(select(ModelRow.id)).first() or 0
        principles = list(session.scalars(select(PrincipleRow.id)))
        _store(session, PromptRow, (_prompt(n, rng) for n in range(1, rows + 1)))
        _store(session, ChainRow, (_chain(n, runs[0], rng) for n in range(1, rows + 1)))
        revised = (n for n in range(1, rows + 1) if n % 3)
        _store(session, RevisionRow, (_round(n, r, principles, rng) for n in revised for r in range(1, ROUNDS + 1)))
        _store(session, ComparisonRow, (_comparison(n, runs[1], model, rng) for n in range(1, rows + 1)))
        _store(session, LabelRow, (_label(n, runs[2], principles, rng) for n in range(1, rows + 1)))
        _store(session, LabelOrderRow, (_order(n, order) for n in range(1, rows + 1) for order in ("ab", "ba")))
    return workspace


def _run(session: Session, kind: str) -> int:
    run = RunRow(uid=f"large-{kind}", kind=kind, state="done", config={}, seed=0, code_revision="large")
    session.add(run)
    session.flush()
    return run.id


def _store(session: Session, table: type, rows: Iterable[dict[str, Any]]) -> None:
    ahead = iter(rows)
    while part := list(islice(ahead, CHUNK)):
        session.execute(insert(table), part)


def text(rng: random.Random, length: int) -> str:
    """So many words."""
    said = rng.choices(WORDS, k=length)
    if rng.random() < 1e-4:
        said[0] = RARE
    return " ".join(said)


def _prompt(number: int, rng: random.Random) -> dict[str, Any]:
    turns = [{"role": "user", "content": text(rng, 15)}]
    if number % 5 == 0:
        turns = [{"role": "user", "content": text(rng, 10)}, {"role": "assistant", "content": text(rng, 40)}, *turns]
    return {
        "id": PROMPTS + number,
        "uid": f"{number:016x}",
        "kind": KINDS[number % 2 if number % 3 else 2],
        "split": "train",
        "source": "large",
        "topic": rng.choice(TOPICS),
        "turns": turns,
    }


def _chain(number: int, run: int, rng: random.Random) -> dict[str, Any]:
    said = {"response": text(rng, 60), "few_shot": 0, "sent": "0" * 16}
    return {
        "id": number,
        "run_id": run,
        "prompt_id": PROMPTS + number,
        "sample": 0,
        "seed": number,
        "state": "done",
        **said,
    }


def _round(chain: int, number: int, principles: list[int], rng: random.Random) -> dict[str, Any]:
    said = {"critique": text(rng, 60), "revision": text(rng, 60), "critique_sent": "0" * 16, "revision_sent": "0" * 16}
    return {"chain_id": chain, "round": number, "principle_id": rng.choice(principles), "finished": True, **said}


def _comparison(number: int, run: int, model: int, rng: random.Random) -> dict[str, Any]:
    said = {"response_a": text(rng, 60), "response_b": text(rng, 60), "finished_a": True, "finished_b": True}
    own = {
        "id": number,
        "uid": f"pair-{number}",
        "run_id": run,
        "prompt_id": PROMPTS + number,
        "sample": 0,
        "model_id": model,
    }
    return {**own, "state": "done", "seed_a": number, "seed_b": number + 1, "sent": "0" * 16, **said}


def _label(number: int, run: int, principles: list[int], rng: random.Random) -> dict[str, Any]:
    state = "unparseable" if rng.random() < 1e-3 else "labelled"
    p_a = rng.random() if state == "labelled" else None
    own = {"id": number, "run_id": run, "comparison_id": number, "principle_id": rng.choice(principles)}
    return {**own, "state": state, "p_a": p_a, "order_disagrees": rng.random() < 0.1, "few_shot": 0}


def _order(label: int, order: str) -> dict[str, Any]:
    return {"label_id": label, "order": order, "logprob_a": -0.5, "logprob_b": -1.0, "sent": "0" * 16}
