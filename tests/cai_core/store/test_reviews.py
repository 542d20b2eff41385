"""Reviews: one word of each person stands on a chain, nothing is overwritten, and undo goes back step by step."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cai_core.errors import PersonError, ReviewError
from cai_core.evaluation.reviewing import agreements
from cai_core.store import filters, people, reviews
from cai_core.store.workspace import Workspace
from cai_core.types import Verdict
from db.queries.chain_filter import ChainFilter
from db.schema import PrincipleRow, PromptRow, RunRow
from db.schema_chains import ChainRow, ReviewRow

CHAINS = (1, 2, 3)


@pytest.fixture
def three(opened: Workspace) -> Workspace:
    """A workspace with three chains, Ada and Bob."""
    with opened.writing() as session:
        run = RunRow(uid="r", kind="chains", state="done", config={}, seed=0, code_revision="")
        session.add(run)
        session.flush()
        prompt = session.scalars(select(PromptRow.id)).first()
        for number in CHAINS:
            own = {"id": number, "uid": str(number), "sample": number, "seed": 0, "response": "said"}
            session.add(ChainRow(**own, run_id=run.id, prompt_id=prompt, state="done"))
        assert people.add(session, "browser:a", "Ada") == 1
        assert people.add(session, "browser:b", "Bob") == 2
        assert people.add(session, "browser:c") == 3
        assert session.scalar(select(func.count(PrincipleRow.id)))
    return opened


def stands(session: Session, person: int = 1) -> dict[int, str]:
    """What a person says now."""
    rows = select(ReviewRow).where(ReviewRow.person_id == person, ReviewRow.current, ReviewRow.verdict != "none")
    return {row.chain_id: row.verdict for row in session.scalars(rows)}


def count(session: Session) -> int:
    return session.scalar(select(func.count(ReviewRow.id))) or 0


def test_a_later_word_makes_the_former_past_and_overwrites_nothing(three: Workspace) -> None:
    with three.writing() as session:
        assert reviews.give(session, 1, 1, Verdict.ACCEPT)
        assert reviews.give(session, 1, 1, Verdict.REJECT, "  it scolds ")
        assert reviews.give(session, 1, 2, Verdict.FLAG)
    with three.reading() as session:
        assert stands(session) == {1: "reject"}
        assert stands(session, 2) == {1: "flag"}
        said = session.execute(select(ReviewRow.verdict, ReviewRow.note, ReviewRow.name).order_by(ReviewRow.id)).all()
    assert [tuple(row) for row in said] == [("accept", "", "Ada"), ("reject", "it scolds", "Ada"), ("flag", "", "Bob")]


def test_the_same_word_again_writes_nothing(three: Workspace) -> None:
    with three.writing() as session:
        assert reviews.give(session, 1, 1, Verdict.ACCEPT, "good")
        assert not reviews.give(session, 1, 1, Verdict.ACCEPT, "good ")
        assert reviews.give(session, 1, 1, Verdict.ACCEPT, "very good")
        assert not reviews.give(session, 2, 1, Verdict.NONE)
        assert count(session) == 2


def test_undo_goes_back_word_by_word(three: Workspace) -> None:
    with three.writing() as session:
        reviews.give(session, 1, 1, Verdict.ACCEPT)
        reviews.give(session, 2, 1, Verdict.FLAG)
        reviews.give(session, 1, 1, Verdict.REJECT)
        reviews.give(session, 3, 2, Verdict.ACCEPT)
        assert reviews.undo(session, 1) == reviews.Undone(1, Verdict.REJECT, Verdict.ACCEPT)
        assert stands(session) == {1: "accept", 2: "flag"}
        assert reviews.undo(session, 1) == reviews.Undone(2, Verdict.FLAG, Verdict.NONE)
        assert stands(session) == {1: "accept"}
        reviews.give(session, 2, 1, Verdict.REJECT)
        assert reviews.undo(session, 1) == reviews.Undone(2, Verdict.REJECT, Verdict.NONE)
        assert reviews.undo(session, 1) == reviews.Undone(1, Verdict.ACCEPT, Verdict.NONE)
        assert reviews.undo(session, 1) is None
        assert stands(session, 2) == {3: "accept"}


# Each example makes a database.
FEW = settings(max_examples=20)
STEPS = st.lists(st.tuples(st.sampled_from(CHAINS), st.sampled_from([*Verdict, "undo"])), max_size=12)


@FEW
@given(STEPS)
def test_what_stands_is_what_a_stack_of_words_says(steps: list[tuple[int, Verdict | str]]) -> None:
    """The oracle keeps the words that are not taken back; of each chain its last one stands."""
    from sqlalchemy import create_engine

    from db.schema import Base

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    words: list[tuple[int, Verdict]] = []
    with Session(engine) as session:
        session.add(PromptRow(id=1, uid="p", kind="red_team", split="train", source="s", turns=[]))
        session.add(RunRow(id=1, uid="r", kind="chains", state="done", config={}, seed=0, code_revision=""))
        session.add_all(
            ChainRow(id=n, uid=str(n), run_id=1, prompt_id=1, sample=n, seed=0, state="done") for n in CHAINS
        )
        session.flush()
        people.add(session, "browser:a", "Ada")
        for chain, step in steps:
            if step == "undo":
                found = reviews.undo(session, 1)
                assert (found.chain if found else None) == (words.pop()[0] if words else None)
            elif reviews.give(session, chain, 1, Verdict(step)):
                words.append((chain, Verdict(step)))
        assert stands(session) == {chain: word for chain, word in dict(words).items() if word != Verdict.NONE}
        assert session.scalar(select(func.count(ReviewRow.id)).where(ReviewRow.current)) == len(
            set(session.scalars(select(ReviewRow.chain_id)))
        )


def test_what_cannot_be_said_is_refused_in_words(three: Workspace) -> None:
    with three.writing() as session, pytest.raises(ReviewError, match="no chain 99"):
        reviews.give(session, 99, 1, Verdict.ACCEPT)
    with three.writing() as session, pytest.raises(PersonError, match="a name is wanted"):
        reviews.give(session, 1, 3, Verdict.ACCEPT)
    with three.writing() as session, pytest.raises(ReviewError, match="10001 characters"):
        reviews.give(session, 1, 1, Verdict.ACCEPT, "x" * 10_001)
    with three.writing() as session, pytest.raises(ReviewError, match="NUL"):
        reviews.give(session, 1, 1, Verdict.ACCEPT, "a\x00b")
    with three.reading() as session:
        assert count(session) == 0


def test_agreement_counts_chains_that_both_spoke_of(three: Workspace) -> None:
    """Ada: accept, reject, accept; Bob: accept, accept, nothing. One of two the same; by chance 1/2: kappa 0."""
    with three.writing() as session:
        for chain, verdict in zip(CHAINS, (Verdict.ACCEPT, Verdict.REJECT, Verdict.ACCEPT), strict=True):
            reviews.give(session, chain, 1, verdict)
        for chain in (1, 2):
            reviews.give(session, chain, 2, Verdict.ACCEPT)
        reviews.give(session, 3, 2, Verdict.FLAG)
        reviews.undo(session, 2)
        (found,) = agreements(reviews.confusions(session))
    assert (found.first, found.second, found.chains, found.share) == ("Ada", "Bob", 2, 0.5)
    assert found.kappa == pytest.approx(0.0)
    assert found.low < 0.5 < found.high


def test_a_filter_is_saved_changed_loaded_and_dropped(three: Workspace) -> None:
    with three.writing() as session:
        filters.save(session, "mine", ChainFilter(principle="privacy", gate="refusal"), author="Ada")
        filters.save(session, " mine ", ChainFilter(run=3))
        assert filters.names(session) == ["mine"]
        assert filters.load(session, "mine") == ChainFilter(run=3)
        filters.drop(session, "mine")
        with pytest.raises(ReviewError, match=r"no saved filter 'mine'\. Saved ones: none"):
            filters.load(session, "mine")
        with pytest.raises(ReviewError, match="cannot be a filter's name"):
            filters.save(session, "\n", ChainFilter())
    with pytest.raises(ReviewError, match="gate = 'rude' is none of preamble"):
        filters.read({"gate": "rude"})
