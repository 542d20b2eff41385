"""Full-text search: every word has to be there, and nothing that is typed is an operator."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db import search
from db.migrations import migrate
from db.search import Index
from db.session import open_engine, reading, writing

TEXTS = ((1, "The neighbour's wifi"), (2, "don't read the NEIGHBOUR's letter"), (3, "Überfall AND café OR 🙂"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A database with three texts."""
    made = open_engine(f"sqlite:///{tmp_path_factory.mktemp('search') / 'x.db'}")
    migrate.upgrade(made)
    with writing(made) as session:
        search.add(session, Index.CHAINS, TEXTS)
    return made


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A reading session."""
    with reading(engine) as opened:
        yield opened


def found(session: Session, wanted: str) -> list[int] | None:
    """Row ids that a search gives; None: it holds no word."""
    rows = search.matching(Index.CHAINS, wanted)
    return None if rows is None else sorted(session.scalars(rows))


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ("neighbour", [1, 2]),
        ("the LETTER", [2]),
        ("wifi letter", []),
        ("don't", [2]),
        ("AND", [3]),
        ("cafe uberfall", [3]),
        ("neigh", []),
        ("neigh*", []),
        ('"', None),
        ("* ( )", None),
        ("", None),
        ("\x00", None),
    ],
)
def test_all_words_have_to_be_there(session: Session, wanted: str, ids: list[int] | None) -> None:
    assert found(session, wanted) == ids


@given(st.text(max_size=40))
def test_whatever_is_typed_is_looked_for_and_never_an_error(engine: Engine, wanted: str) -> None:
    with reading(engine) as session:
        assert found(session, wanted) is None or set(found(session, wanted) or ()) <= {1, 2, 3}


def test_what_is_taken_out_is_not_found_any_more(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    migrate.upgrade(engine)
    with writing(engine) as session:
        search.add(session, Index.CHAINS, TEXTS)
        search.remove(session, Index.CHAINS, TEXTS[:1])
    with reading(engine) as session:
        assert found(session, "neighbour") == [2]
        assert found(session, "wifi") == []


def test_a_chain_is_found_by_all_its_texts() -> None:
    turns = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    body = search.body_of_chain(turns, "three", [("four", "five"), (None, "six")])
    assert body.split() == ["one", "two", "three", "four", "five", "six"]
