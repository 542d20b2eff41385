"""A workspace with as many rows as a large run leaves, written straight through the schema; texts of usual length."""

import random
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from cai_core.store.workspace import Workspace, open_workspace
from db import search
from db.schema import (
    ComparisonRow,
    ConstitutionVersionRow,
    LabelOrderRow,
    LabelRow,
    ModelRow,
    PrincipleRow,
    PromptRow,
    RunRow,
)
from db.schema_authoring import PersonRow
from db.schema_chains import ChainRow, ReviewRow, RevisionRow

KINDS = ("red_team", "helpful", "look_alike")
TOPICS = ("privacy", "fraud", "hacking", "theft", "gardening")
_WORDS = (
    "the a an of to and in that it is was for on with as at by from this be are or have not you they we can could "
    "would should neighbour wifi diary letter garden tomato winter window water recipe engine bicycle account password "
    "consent owner lawful harmful honest careful explain reason advice instead offer ask before after because"
)
WORDS = _WORDS.split()
RARE = "quetzal"
"""A word that one row in some thousands has, and the name of a set of prompts as rare."""
RARELY = 1e-5
POOL = [" ".join(random.Random(number).choices(WORDS, k=30)) for number in range(2_000)]
REVIEWERS = ("Ada", "Grace")
RUNS = 5
"""Of chains, one after the other."""
ROUNDS = 4
CHUNK = 20_000
PROMPTS = 10_000_000
"""Ids begin behind those of the prompts that ship."""


def filled(folder: Path, chains: int, pairs: int) -> Workspace:
    """So many chains, each of a prompt of its own and with four rounds, searchable and reviewed; and labelled pairs."""
    workspace = open_workspace(folder)
    rng = random.Random(0)
    with workspace.writing() as session:
        runs = {kind: _run(session, kind, 0) for kind in ("comparisons", "labels")}
        chain_runs = [_run(session, "chains", number) for number in range(RUNS)]
        model = session.scalars(select(ModelRow.id)).first() or 0
        principles = list(session.scalars(select(PrincipleRow.id)))
        for start in range(1, max(chains, pairs) + 1, CHUNK):
            _store(session, PromptRow, (_prompt(n, rng) for n in _part(start, max(chains, pairs))))
            _store_chains(session, _part(start, chains), chain_runs, chains, principles, rng)
        _store(session, ReviewRow, _reviews(chains, [_person(session, name) for name in REVIEWERS], rng))
        numbers = range(1, pairs + 1)
        _store(session, ComparisonRow, (_comparison(n, runs["comparisons"], model, rng) for n in numbers))
        _store(session, LabelRow, (_label(n, runs["labels"], principles, rng) for n in numbers))
        _store(session, LabelOrderRow, (_order(n, order) for n in numbers for order in ("ab", "ba")))
    return workspace


def _part(start: int, end: int) -> range:
    return range(start, min(start + CHUNK, end + 1))


def _run(session: Session, kind: str, number: int) -> int:
    version = session.scalars(select(ConstitutionVersionRow.id)).first() if kind == "chains" else None
    config = {"model": f"model-{number % 2}"}
    run = RunRow(uid=f"large-{kind}-{number}", kind=kind, state="done", config=config, seed=0, code_revision="large")
    run.constitution_version_id = version
    session.add(run)
    session.flush()
    return run.id


def _person(session: Session, name: str) -> int:
    person = PersonRow(key=f"browser:{name}", name=name)
    session.add(person)
    session.flush()
    return person.id


def _store_chains(
    session: Session, numbers: range, runs: list[int], chains: int, principles: list[int], rng: random.Random
) -> None:
    rounds = [[_round(n, r, principles, rng) for r in range(1, ROUNDS + 1)] for n in numbers]
    heads = [_chain(n, runs[(n - 1) * RUNS // chains], theirs, rng) for n, theirs in zip(numbers, rounds, strict=True)]
    _store(session, ChainRow, heads)
    _store(session, RevisionRow, (one for theirs in rounds for one in theirs))
    bodies = (
        (head["id"], search.body_of_chain([], head["response"], [(one["critique"], one["revision"]) for one in theirs]))
        for head, theirs in zip(heads, rounds, strict=True)
    )
    search.add(session, search.Index.CHAINS, bodies)


def _reviews(chains: int, people: list[int], rng: random.Random) -> Iterator[dict[str, Any]]:
    """One person has read the first half, another every third chain; one chain in twenty is flagged."""
    for person, name, theirs in zip(
        people, REVIEWERS, (range(1, chains // 2 + 1), range(1, chains + 1, 3)), strict=True
    ):
        for chain in theirs:
            verdict = rng.choices(("accept", "reject", "flag"), (60, 35, 5))[0]
            own = {"chain_id": chain, "person_id": person, "name": name}
            if chain % 10 == 0:
                yield {**own, "verdict": "flag", "current": False}
            yield {**own, "verdict": verdict, "current": True}


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


def said(rng: random.Random) -> str:
    """A text as long as a model's usually is, of two that were made before: a million take a while to make."""
    text_of_two = f"{rng.choice(POOL)} {rng.choice(POOL)}"
    return f"{RARE} {text_of_two}" if rng.random() < RARELY else text_of_two


def gates(rng: random.Random) -> int:
    """What a text ran into: a refusal one in ten times, an echo almost never."""
    return 64 * (rng.random() < 0.1) | 1 * (rng.random() < 0.02) | 2 * (rng.random() < RARELY)


def _prompt(number: int, rng: random.Random) -> dict[str, Any]:
    turns = [{"role": "user", "content": text(rng, 15)}]
    if number % 5 == 0:
        turns = [{"role": "user", "content": text(rng, 10)}, {"role": "assistant", "content": text(rng, 40)}, *turns]
    return {
        "id": PROMPTS + number,
        "uid": f"{number:016x}",
        "kind": KINDS[number % 2 if number % 3 else 2],
        "split": "test" if number % 100 == 0 else "train",
        "source": RARE if number % 5_000 == 0 else "large",
        "topic": rng.choice(TOPICS),
        "turns": turns,
    }


def _chain(number: int, run: int, rounds: list[dict[str, Any]], rng: random.Random) -> dict[str, Any]:
    own, hits = gates(rng), 0
    for one in rounds:
        hits |= one["critique_gates"] | one["revision_gates"]
    return {
        "id": number,
        "uid": f"chain-{number}",
        "run_id": run,
        "prompt_id": PROMPTS + number,
        "sample": 0,
        "branch": 0,
        "seed": number,
        "state": "done",
        "response": said(rng),
        "few_shot": 0,
        "sent": "0" * 16,
        "gates": own,
        "hits": own | hits,
        "words": 60,
        "changed": rng.random(),
    }


def _round(chain: int, number: int, principles: list[int], rng: random.Random) -> dict[str, Any]:
    texts = {"critique": said(rng), "revision": said(rng), "critique_sent": "0" * 16, "revision_sent": "0" * 16}
    found = {"critique_gates": gates(rng) & 2, "revision_gates": gates(rng), "changed": rng.random(), "longer": 3}
    own = {"chain_id": chain, "round": number, "principle_id": rng.choice(principles), "finished": True}
    return {**own, **found, **texts}


def _comparison(number: int, run: int, model: int, rng: random.Random) -> dict[str, Any]:
    texts = {"response_a": text(rng, 60), "response_b": text(rng, 60), "finished_a": True, "finished_b": True}
    own = {
        "id": number,
        "uid": f"pair-{number}",
        "run_id": run,
        "prompt_id": PROMPTS + number,
        "sample": 0,
        "model_id": model,
    }
    return {**own, "state": "done", "seed_a": number, "seed_b": number + 1, "sent": "0" * 16, **texts}


def _label(number: int, run: int, principles: list[int], rng: random.Random) -> dict[str, Any]:
    state = "unparseable" if rng.random() < 1e-3 else "labelled"
    p_a = rng.random() if state == "labelled" else None
    own = {"id": number, "run_id": run, "comparison_id": number, "principle_id": rng.choice(principles)}
    return {**own, "state": state, "p_a": p_a, "order_disagrees": rng.random() < 0.1, "few_shot": 0}


def _order(label: int, order: str) -> dict[str, Any]:
    return {"label_id": label, "order": order, "logprob_a": -0.5, "logprob_b": -1.0, "sent": "0" * 16}
