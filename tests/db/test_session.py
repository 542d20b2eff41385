"""Sessions: writers wait for each other, readers for nobody."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from db.session import open_engine, reading, writing


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with writing(engine) as session:
        session.execute(text("CREATE TABLE counter (n INTEGER)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))
    return engine


def count(engine: Engine) -> int:
    with reading(engine) as session:
        return int(session.execute(text("SELECT n FROM counter")).scalar_one())


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 1), ("busy_timeout", 60000), ("foreign_keys", 1)]
)
def test_every_connection_is_prepared(engine: Engine, pragma: str, value: object) -> None:
    with reading(engine) as session:
        assert session.execute(text(f"PRAGMA {pragma}")).scalar_one() == value


def test_two_writers_that_read_first_lose_no_update(engine: Engine) -> None:
    def add(times: int) -> None:
        for _ in range(times):
            with writing(engine) as session:
                n = session.execute(text("SELECT n FROM counter")).scalar_one()
                session.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=add, args=(50,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(engine) == 100


def test_a_reader_goes_on_beside_a_writer_and_sees_one_moment(engine: Engine) -> None:
    with reading(engine) as reader:
        assert reader.execute(text("SELECT n FROM counter")).scalar_one() == 0
        with writing(engine) as session:
            session.execute(text("UPDATE counter SET n = 5"))
        assert reader.execute(text("SELECT n FROM counter")).scalar_one() == 0
    assert count(engine) == 5


def test_an_error_rolls_back(engine: Engine) -> None:
    statements = ["UPDATE counter SET n = 9", "no SQL"]
    with pytest.raises(OperationalError), writing(engine) as session:
        _ = [session.execute(text(one)) for one in statements]
    assert count(engine) == 0


def test_what_a_reading_session_changes_is_not_kept(engine: Engine) -> None:
    with reading(engine) as session:
        session.execute(text("UPDATE counter SET n = 9"))
    assert count(engine) == 0


def test_a_writer_holds_the_lock_from_its_beginning(engine: Engine, tmp_path: Path) -> None:
    impatient = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    with writing(engine) as session:
        session.execute(text("SELECT 1"))
        with reading(impatient) as other:
            other.execute(text("PRAGMA busy_timeout=0"))
            with pytest.raises(OperationalError, match="locked"):
                other.execute(text("UPDATE counter SET n = 1"))
    impatient.dispose()
