"""The tables say what the nouns say."""

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from cai_core import types
from db import schema, schema_asks, schema_authoring, schema_battles, schema_chains, schema_prompts
from db.migrations import migrate
from db.session import open_engine, reading, writing


@pytest.mark.parametrize(
    ("values", "enum"),
    [
        (schema.RUN_KINDS, types.RunKind),
        (schema.RUN_STATES, types.RunState),
        (schema.PROMPT_KINDS, types.PromptKind),
        (schema.SPLITS, types.Split),
        (schema.PRINCIPLE_KINDS, types.PrincipleKind),
        (schema.ROW_STATES, types.RowState),
        (schema.LABEL_STATES, types.LabelState),
        (schema_battles.OUTCOMES, types.Outcome),
        (schema_battles.AXES, types.Axis),
        (schema.ORDERS, types.Order),
        (schema_asks.ASK_KINDS, types.AskKind),
        (schema_asks.ASK_STATES, types.AskState),
        (schema_authoring.CASE_KINDS, types.CaseKind),
        (schema_authoring.CASE_STATES, types.CaseState),
        (schema_chains.EDITS, types.Edit),
        (schema_chains.VERDICTS, types.Verdict),
        (schema_prompts.OUTCOMES, types.PromptOutcome),
    ],
)
def test_listed_values_are_those_of_the_enum(values: tuple[str, ...], enum: type[StrEnum]) -> None:
    assert values == tuple(member.value for member in enum)


def test_the_bits_of_gates_are_those_of_the_enum() -> None:
    assert {name: 1 << bit for bit, name in enumerate(schema_chains.GATES)} == {
        gate.name.lower(): gate.value for gate in types.Gate
    }


def engine_at(folder: Path):
    engine = open_engine(f"sqlite:///{folder / 'x.db'}")
    migrate.upgrade(engine)
    return engine


def prompt_row(uid: str, **changes: object) -> schema.PromptRow:
    values = {"kind": "helpful", "split": "train", "source": "s", "turns": []}
    return schema.PromptRow(uid=uid, **{**values, **changes})


def test_times_come_back_as_the_moment_they_were_in_utc(tmp_path: Path) -> None:
    engine = engine_at(tmp_path)
    moment = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=5)))
    with writing(engine) as session:
        session.add(prompt_row("a", created_at=moment))
    with reading(engine) as session:
        found = session.query(schema.PromptRow).one().created_at
    assert found == moment
    assert found.tzinfo == UTC


def test_a_time_without_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StatementError, match="no zone"), writing(engine_at(tmp_path)) as session:
        session.add(prompt_row("a", created_at=datetime(2026, 3, 1)))


@pytest.mark.parametrize("changes", [{"kind": "other"}, {"split": "all"}])
def test_values_outside_the_enum_are_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="CHECK"), writing(engine_at(tmp_path)) as session:
        session.add(prompt_row("a", **changes))


def test_rows_that_point_nowhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), writing(engine_at(tmp_path)) as session:
        session.add(schema.RunPromptRow(run_id=7, position=0, prompt_id=9))


@pytest.mark.parametrize(("state", "p_a"), [("labelled", None), ("tie", 0.5), ("labelled", 1.5)])
def test_p_a_belongs_to_labelled_rows_alone_and_is_a_probability(tmp_path: Path, state: str, p_a: float) -> None:
    engine = engine_at(tmp_path)
    with writing(engine) as session:
        session.add(prompt_row("a"))
        run = {"kind": "labels", "config": {}, "seed": 0, "code_revision": ""}
        session.add(schema.RunRow(uid="r", **run))
        session.add(schema.ModelRow(name="m", kind="causal", base="b"))
        session.add(schema.PrincipleRow(uid="p", slug="p", title="p", kind="helpfulness", tags=[]))
        session.flush()
        pair = {"run_id": 1, "prompt_id": 1, "model_id": 1, "state": "done", "seed_a": 1, "seed_b": 2}
        session.add(schema.ComparisonRow(uid="c", **pair))
    label = schema.LabelRow(run_id=1, comparison_id=1, principle_id=1, state=state, p_a=p_a, order_disagrees=False)
    with pytest.raises(IntegrityError, match="p_a"), writing(engine) as session:
        session.add(label)
