"""Queues: each chain once, in an order that is said, after the one that was read."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session

from db.queries.chain_filter import ChainFilter, filtered
from db.queries.reviews import Queue, before_in, left_in, next_in, standing
from db.schema import Base, PrincipleRow, PromptRow, RunRow
from db.schema_authoring import PersonRow
from db.schema_chains import ChainRow, ReviewRow, RevisionRow

ALL = ChainFilter()
CHANGED = {1: 0.5, 2: 0.9, 3: None, 4: 0.5, 5: 0.1, 6: 0.9}
HITS = {1: 0, 2: 64, 3: None, 4: 3, 5: 0, 6: 0}


@pytest.fixture
def session() -> Iterator[Session]:
    """Six chains; person 1 has spoken of 1 and 4, person 2 has flagged 4 and 5 and taken a word on 6 back."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        opened.add(PromptRow(id=1, uid="p", kind="red_team", split="train", source="s", turns=[]))
        opened.add(RunRow(id=1, uid="r", kind="chains", state="done", config={}, seed=0, code_revision=""))
        opened.add_all(PersonRow(id=n, key=str(n), name=name) for n, name in ((1, "Ada"), (2, "Bob")))
        for n in CHANGED:
            own = {"id": n, "uid": str(n), "sample": n, "seed": 0, "changed": CHANGED[n], "hits": HITS[n]}
            opened.add(ChainRow(**own, run_id=1, prompt_id=1, state="done"))
        opened.flush()
        said = [(1, 1, "accept"), (4, 1, "reject"), (4, 2, "flag"), (5, 2, "flag"), (6, 2, "none")]
        for chain, person, verdict in said:
            opened.add(ReviewRow(chain_id=chain, person_id=person, name="AB"[person - 1], verdict=verdict))
        opened.flush()
        yield opened


def walk(session: Session, queue: Queue) -> list[int]:
    """A queue from its first to its last."""
    found: list[int] = []
    here = next_in(session, ALL, queue, None)
    while here is not None and here not in found:
        found.append(here)
        here = next_in(session, ALL, queue, here)
    return found


@pytest.mark.parametrize(
    ("queue", "order"),
    [
        (Queue(), [1, 2, 3, 4, 5, 6]),
        (Queue("unreviewed", 1), [2, 3, 5, 6]),
        (Queue("unreviewed", 2), [1, 2, 3, 6]),
        (Queue("flagged"), [4, 5]),
        (Queue("gates"), [2, 4]),
        (Queue("changed"), [6, 2, 4, 1, 5]),
    ],
)
def test_a_queue_has_its_chains_in_its_order(session: Session, queue: Queue, order: list[int]) -> None:
    assert walk(session, queue) == order
    assert left_in(session, ALL, queue) == len(order)
    if queue.kind != "unreviewed":
        back = [before_in(session, ALL, queue, chain) for chain in order]
        assert back == [None, *order[:-1]]


def test_a_seed_draws_an_order_of_all(session: Session) -> None:
    orders = {seed: walk(session, Queue("random", seed=seed)) for seed in range(6)}
    assert all(sorted(order) == sorted(CHANGED) for order in orders.values())
    assert walk(session, Queue("random", seed=3)) == orders[3]
    assert len({tuple(order) for order in orders.values()}) > 1


def test_what_was_passed_over_comes_again_and_the_last_one_is_the_end(session: Session) -> None:
    mine = Queue("unreviewed", 1)
    assert next_in(session, ALL, mine, 6) == 2
    for chain in (2, 3, 5):
        session.add(ReviewRow(chain_id=chain, person_id=1, name="A", verdict="accept"))
    session.flush()
    assert next_in(session, ALL, mine, 6) is None
    assert next_in(session, ALL, mine, 3) == 6


def test_after_a_chain_that_is_none_of_the_queue_the_next_one_is_found(session: Session) -> None:
    assert next_in(session, ALL, Queue("flagged"), 1) == 4
    assert next_in(session, ALL, Queue("gates"), 3) == 4
    assert next_in(session, ALL, Queue("all"), 99) is None


def test_what_stands_is_told_by_chain(session: Session) -> None:
    found = standing(session, [1, 4, 6])
    assert {chain: [(said.name, said.verdict) for said in row] for chain, row in found.items()} == {
        1: [("A", "accept")],
        4: [("A", "reject"), ("B", "flag")],
    }


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (ChainFilter(verdict="flag"), "ix_reviews_standing"),
        (ChainFilter(reviewer="A"), "ix_reviews_reviewer"),
        (ChainFilter(verdict="accept", reviewer="A"), "ix_reviews_reviewer"),
    ],
)
def test_what_stands_is_looked_up_in_an_index_of_its_own(session: Session, wanted: ChainFilter, index: str) -> None:
    """Which SQLite takes only where the condition of the index stands in the query word for word."""
    rows = filtered(select(ChainRow.id), wanted)
    asked = rows.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    plan = " ".join(str(step.detail) for step in session.execute(text(f"EXPLAIN QUERY PLAN {asked}")))

    assert f"INDEX {index} (" in plan


def test_a_gate_in_a_round_is_one_that_this_round_ran_into(session: Session) -> None:
    """By its critique or by its revision; a chain that ran into it elsewhere does not pass."""
    session.add(PrincipleRow(id=1, uid="u", slug="s", kind="harmlessness", title="t", tags=[]))
    for chain, round_, critique, revision in ((2, 1, 0, 64), (2, 2, 0, 0), (4, 2, 1, 2)):
        own = {"chain_id": chain, "round": round_, "critique_gates": critique, "revision_gates": revision}
        session.add(RevisionRow(**own, principle_id=1, revision="", finished=True))
    session.flush()
    for gate, round_, expected in (("refusal", 1, [2]), ("refusal", 2, []), ("preamble", 2, [4]), ("echo", 2, [4])):
        rows = filtered(select(ChainRow.id), ChainFilter(gate=gate, round=round_))
        assert list(session.scalars(rows)) == expected, (gate, round_)
