"""Migrations make what the schema says, from nothing and from every released revision."""

from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from db.migrations import migrate
from db.schema import Base
from db.session import open_engine


def test_an_empty_database_reaches_the_schema(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    assert migrate.current(engine) is None
    migrate.upgrade(engine)
    assert migrate.current(engine) == migrate.head()
    migrate.check(engine)
    assert set(inspect(engine).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


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
