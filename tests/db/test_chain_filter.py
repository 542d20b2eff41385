"""Each condition of the filter of chains against the same said in Python, alone and in pairs."""

import re
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from db import search
from db.queries.chain_filter import LISTED, ChainFilter, dump_filter, filtered, read_filter
from db.schema import (
    Base,
    ConstitutionRow,
    ConstitutionVersionRow,
    PrincipleRow,
    PromptRow,
    RunRow,
)
from db.schema_authoring import PersonRow
from db.schema_chains import GATES, ChainRow, ReviewRow, RevisionRow

CHAINS = range(1, 13)
SAID = {1: ("Ada", "accept"), 2: ("Ada", "reject"), 3: ("Bob", "flag"), 4: ("Bob", "none"), 5: ("Bob", "accept")}
REFUSAL = 1 << GATES.index("refusal")
CUT = 1 << GATES.index("cut")


def of(n: int) -> dict[str, Any]:
    """What chain n is, worked out from its number."""
    rounds = n % 4
    return {
        "run": 1 + n % 2,
        "source": ("hh", "xstest")[n % 3 == 0],
        "split": ("train", "dev", "test")[n % 3],
        "kind": ("red_team", "helpful")[n % 5 == 0],
        "topic": "privacy" if n % 4 == 1 else None,
        "rounds": {r: ("kind", "calm")[(n + r) % 2] for r in range(1, rounds + 1)},
        "gates": REFUSAL if n % 6 == 0 else 0,
        "critique_gates": {r: CUT for r in range(1, rounds + 1) if r == 2},
        "state": "failed" if n == 7 else "done",
        "text": f"the word{n} of a chain" + (" shared" if n % 2 else ""),
        "branch": 1 if n > 10 else 0,
    }


RUNS = {1: ("sandbox", "mine", 1), 2: ("big", "mine", 2)}
CONDITIONS: list[tuple[ChainFilter, Callable[[int], bool]]] = [
    (ChainFilter(run=1), lambda n: of(n)["run"] == 1),
    (ChainFilter(source="hh"), lambda n: of(n)["source"] == "hh"),
    (ChainFilter(split="dev"), lambda n: of(n)["split"] == "dev"),
    (ChainFilter(kind="helpful"), lambda n: of(n)["kind"] == "helpful"),
    (ChainFilter(topic="privacy"), lambda n: of(n)["topic"] == "privacy"),
    (ChainFilter(model="big"), lambda n: of(n)["run"] == 2),
    (ChainFilter(constitution="mine"), lambda n: True),
    (ChainFilter(constitution="mine@2"), lambda n: of(n)["run"] == 2),
    (ChainFilter(constitution="mine@x"), lambda n: False),
    (ChainFilter(principle="kind"), lambda n: "kind" in of(n)["rounds"].values()),
    (ChainFilter(principle="kind", round=2), lambda n: of(n)["rounds"].get(2) == "kind"),
    (ChainFilter(round=3), lambda n: 3 in of(n)["rounds"]),
    (ChainFilter(gate="refusal"), lambda n: n % 6 == 0),
    (ChainFilter(gate="cut"), lambda n: 2 in of(n)["rounds"]),
    (ChainFilter(gate="cut", round=2), lambda n: 2 in of(n)["rounds"]),
    (ChainFilter(gate="cut", round=1), lambda n: False),
    (ChainFilter(gate="refusal", round=0), lambda n: n % 6 == 0),
    (ChainFilter(verdict="accept"), lambda n: n in (1, 5)),
    (ChainFilter(verdict="none"), lambda n: n not in (1, 2, 3, 5)),
    (ChainFilter(verdict="accept", reviewer="Bob"), lambda n: n == 5),
    (ChainFilter(verdict="none", reviewer="Ada"), lambda n: n not in (1, 2)),
    (ChainFilter(reviewer="Bob"), lambda n: n in (3, 5)),
    (ChainFilter(state="failed"), lambda n: n == 7),
    (ChainFilter(text="WORD3"), lambda n: n == 3),
    (ChainFilter(text="shared chain"), lambda n: n % 2 == 1),
    (ChainFilter(text="* ( )"), lambda n: False),
    (ChainFilter(branches="without"), lambda n: n <= 10),
    (ChainFilter(branches="only"), lambda n: n > 10),
    (ChainFilter(), lambda n: True),
]


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """Twelve chains, as `of` tells."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        search.create(connection)
        with Session(connection) as opened:
            _fill(opened)
            yield opened


def _fill(session: Session) -> None:
    session.add(ConstitutionRow(id=1, name="mine"))
    for number in (1, 2):
        own = {"description": "", "few_shots": {}, "hash": str(number), "author": "", "message": ""}
        session.add(ConstitutionVersionRow(id=number, constitution_id=1, number=number, **own))
    for number, (model, _, version) in RUNS.items():
        own = {"config": {"model": model}, "seed": 0, "code_revision": "", "constitution_version_id": version}
        session.add(RunRow(id=number, uid=str(number), kind="chains", state="done", **own))
    for number, slug in ((1, "kind"), (2, "calm")):
        session.add(PrincipleRow(id=number, uid=slug, slug=slug, title=slug, kind="harmlessness", tags=[]))
    session.add_all(PersonRow(id=n, key=name, name=name) for n, name in ((1, "Ada"), (2, "Bob")))
    session.flush()
    for n in CHAINS:
        _add(session, n, of(n))
    session.flush()
    for n, (name, verdict) in SAID.items():
        # A word that stood before says nothing any more.
        for word, current in (("flag", False), (verdict, True)):
            person = ("Ada", "Bob").index(name) + 1
            session.add(ReviewRow(chain_id=n, person_id=person, name=name, verdict=word, current=current))
    session.flush()


def _add(session: Session, n: int, is_: dict[str, Any]) -> None:
    where = {name: is_[name] for name in ("source", "split", "kind", "topic")}
    session.add(PromptRow(id=n, uid=str(n), turns=[], **where))
    hits = is_["gates"] | (CUT if is_["critique_gates"] else 0)
    own = {"run_id": is_["run"], "prompt_id": n, "sample": 0, "seed": 0, "branch": is_["branch"]}
    row = ChainRow(id=n, uid=str(n), state=is_["state"], gates=is_["gates"], hits=hits, **own)
    row.revisions = [
        RevisionRow(
            round=r,
            principle_id=("kind", "calm").index(slug) + 1,
            revision="r",
            finished=True,
            critique_gates=is_["critique_gates"].get(r, 0),
            revision_gates=0,
        )
        for r, slug in is_["rounds"].items()
    ]
    session.add(row)
    session.flush()
    search.add(session, search.Index.CHAINS, [(n, is_["text"])])


def found(session: Session, wanted: ChainFilter) -> list[int]:
    return list(session.scalars(filtered(select(ChainRow.id), wanted).order_by(ChainRow.id)))


@pytest.mark.parametrize(
    ("wanted", "passes"), CONDITIONS, ids=lambda one: str(dump_filter(one)) if one.__class__ is ChainFilter else ""
)
def test_a_condition_lets_those_pass_that_it_names(
    session: Session, wanted: ChainFilter, passes: Callable[[int], bool]
) -> None:
    assert found(session, wanted) == [n for n in CHAINS if passes(n)]


def test_two_conditions_let_those_pass_that_both_name(session: Session) -> None:
    """All pairs of different fields; a round belongs to the principle and gate beside it, so it is left aside."""
    for (one, passes), (other, also) in combinations(CONDITIONS, 2):
        first, second = dump_filter(one), dump_filter(other)
        names = ({*first}, {*second})
        about = [{"verdict", "reviewer"} & side for side in names]
        if names[0] & names[1] or "round" in names[0] | names[1] or (about[0] and about[1]):
            continue
        assert found(session, read_filter({**first, **second})) == [n for n in CHAINS if passes(n) and also(n)]


FILTERS = st.builds(
    ChainFilter,
    run=st.none() | st.integers(0, 10**15 - 1),
    source=st.none() | st.text(min_size=1),
    topic=st.none() | st.text(min_size=1),
    principle=st.none() | st.text(min_size=1),
    round=st.none() | st.integers(0, 16),
    text=st.text(),
    **{
        name: st.sampled_from(values) if name == "branches" else st.none() | st.sampled_from(values)
        for name, values in LISTED.items()
    },
)


@given(FILTERS)
def test_what_is_dumped_is_read_again(wanted: ChainFilter) -> None:
    assert read_filter(dump_filter(wanted)) == wanted


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"colour": "red"}, "chains are not filtered by 'colour'. Accepted: run, source"),
        ({"gate": "rude"}, "gate = 'rude' is none of preamble, echo"),
        ({"round": "-1"}, "round = '-1' is no whole number"),
        ({"run": "9" * 20}, "is no whole number"),
        ({"run": "²"}, "is no whole number"),
    ],
)
def test_what_is_no_condition_is_said(values: dict[str, str], wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        read_filter(values)
