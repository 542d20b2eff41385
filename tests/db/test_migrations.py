"""Migrations make what the schema says, from nothing and from every released revision."""

import hashlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.dialects import sqlite

from db import schema_asks, schema_authoring, schema_chains, schema_prompts, search  # noqa: F401 - part of the schema
from db.migrations import migrate
from db.schema import Base, ComparisonRow, PromptRow, RunRow
from db.schema_battles import BattleRow
from db.schema_chains import ChainRow
from db.search import is_search_table
from db.session import BrokenReferencesError, altering, open_engine, reading
from tests.db import old_database


def test_an_empty_database_reaches_the_schema(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    assert migrate.current(engine) is None
    migrate.upgrade(engine)
    assert migrate.current(engine) == migrate.head()
    migrate.check(engine)
    made = {name for name in inspect(engine).get_table_names() if not is_search_table(name)}
    assert made == {*Base.metadata.tables, "alembic_version"}


def test_upgrading_again_changes_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    migrate.upgrade(engine)
    migrate.upgrade(engine)
    migrate.check(engine)


def test_there_is_one_head_and_it_is_known() -> None:
    script = ScriptDirectory(str(Path(migrate.__file__).parent))
    assert len(script.get_heads()) == 1
    assert migrate.is_known(migrate.head())
    assert not migrate.is_known("9999")


def test_every_constraint_has_a_name() -> None:
    unnamed = [
        (table.name, constraint)
        for table in Base.metadata.sorted_tables
        for constraint in table.constraints
        if constraint.name is None
    ]
    assert unnamed == []


@pytest.fixture
def old(tmp_path: Path) -> Engine:
    """A filled database of the first revision."""
    old_database.make(tmp_path / "old.db")
    return open_engine(f"sqlite:///{tmp_path / 'old.db'}")


def test_a_filled_database_of_the_first_revision_keeps_every_row(old: Engine) -> None:
    before = old_database.contents(old)
    assert all(len(rows) == len(old_database.ROWS) for rows in before.values())
    assert set(before) < set(Base.metadata.tables)
    migrate.upgrade(old)
    assert migrate.current(old) == migrate.head()
    migrate.check(old)
    after = old_database.contents(old)
    for table, rows in before.items():
        assert [{name: row[name] for name in rows[0]} for row in after[table]] == rows
    assert {row["finished_a"] for row in after["comparisons"]} == {None}, "what was not kept stays unknown"


def test_prompts_of_before_have_no_tags_and_lose_nothing_on_the_way_back(old: Engine) -> None:
    migrate.upgrade(old, "0005")
    before = old_database.contents(old)
    migrate.upgrade(old, "0006")
    assert [(row["tags"], row["extra"]) for row in old_database.contents(old)["prompts"]] == [([], {})] * 2
    config = migrate._config()
    with altering(old) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")
    assert migrate.current(old) == "0005"
    assert old_database.contents(old) == before


def test_chains_of_before_get_their_uids_are_searchable_and_go_back_as_they_were(old: Engine) -> None:
    migrate.upgrade(old, "0006")
    before = old_database.contents(old)
    migrate.upgrade(old, "0007")
    with reading(old) as session:
        keys = select(ChainRow.uid, ChainRow.sample, RunRow.uid, PromptRow.uid).join(ChainRow.run).join(ChainRow.prompt)
        rows = session.execute(keys).all()
        assert len(rows) == 2
        for uid, sample, run, prompt in rows:
            assert uid == hashlib.sha256(f"{run}\x1f{prompt}\x1f{sample}".encode()).hexdigest()[:32]
        words = search.matching(search.Index.CHAINS, "response critique revision 2")
        assert words is not None
        assert list(session.scalars(words)) == [2]
    config = migrate._config()
    with altering(old) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0006")
    assert old_database.contents(old) == before


def test_a_table_that_others_refer_to_can_be_altered(old: Engine) -> None:
    """SQLite copies it, drops it and renames the copy, which enforced foreign keys forbid."""
    before = old_database.contents(old)
    with altering(old) as connection:
        change = Operations(MigrationContext.configure(connection))
        for table in ("prompts", "runs", "comparisons"):
            with change.batch_alter_table(table, recreate="always") as batch:
                batch.add_column(sa.Column("extra", sa.String(), nullable=True))
    after = old_database.contents(old)
    assert {name: len(rows) for name, rows in after.items()} == {name: len(rows) for name, rows in before.items()}
    keys = {key["referred_table"] for key in inspect(old).get_foreign_keys("chains")}
    assert keys == {"runs", "prompts"}
    with old.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_what_would_leave_rows_pointing_nowhere_is_taken_back(old: Engine) -> None:
    before = old_database.contents(old)
    with pytest.raises(BrokenReferencesError, match="→ prompts"), altering(old) as connection:
        connection.execute(text("DELETE FROM prompts WHERE id = 1"))
    assert old_database.contents(old) == before
    with old.connect() as connection:
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


@pytest.mark.parametrize("table", [ChainRow, ComparisonRow, BattleRow])
def test_a_page_of_a_run_sorts_nothing(tmp_path: Path, table: type[ChainRow]) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    migrate.upgrade(engine)
    page = select(table.id).where(table.run_id == 1, table.id > 5).order_by(table.id).limit(51)
    words = str(page.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with reading(engine) as session:
        plan = " ".join(str(row.detail) for row in session.execute(text(f"EXPLAIN QUERY PLAN {words}")))
    assert f"ix_{table.__tablename__}_run_id" in plan
    assert "TEMP B-TREE" not in plan
