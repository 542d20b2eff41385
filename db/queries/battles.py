"""Battles as the Ratings page reads them: what was rated, and the battles behind a figure."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from db.queries.page import Page, keyset
from db.queries.runs import turns_of
from db.schema import ModelRow, PrincipleRow, PromptRow, RunRow
from db.schema_battles import BattleRow, ResponseRow


@dataclass(frozen=True, slots=True)
class Contender:
    """A model that took part in a battles run."""

    id: int
    name: str
    run: int | None
    """The run that made it."""
    run_kind: str | None
    step: int | None
    final: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One response of a battle."""

    model: str
    text: str | None
    state: str
    verdict: str | None
    helpfulness: float | None


@dataclass(frozen=True, slots=True)
class BattleLine:
    """A battle with both responses."""

    id: int
    axis: str
    outcome: str
    p_a: float | None
    judge: str
    principle: str | None
    kind: str
    topic: str | None
    turns: tuple[tuple[str, str], ...]
    a: Side
    b: Side


@dataclass(frozen=True, slots=True)
class BattleFilter:
    """Which battles of a run; an empty field lets all pass."""

    run: int
    axis: str | None = None
    model: str | None = None
    """Name of a model on either side."""
    outcome: str | None = None
    topic: str | None = None


def contenders(session: Session, run_id: int) -> list[Contender]:
    """The models that answered in this run."""
    took_part = select(ResponseRow.model_id).where(ResponseRow.run_id == run_id).distinct()
    rows = select(ModelRow, RunRow.kind).outerjoin(RunRow, RunRow.id == ModelRow.run_id)
    found = session.execute(rows.where(ModelRow.id.in_(took_part)).order_by(ModelRow.id))
    return [Contender(m.id, m.name, m.run_id, kind, m.step, m.final) for m, kind in found]


def judges(session: Session, run_id: int) -> list[str]:
    """Who judged in this run."""
    return list(session.scalars(select(BattleRow.judge).where(BattleRow.run_id == run_id).distinct()))


def outcomes(session: Session, run_id: int) -> list[tuple[str, str, int]]:
    """(axis, outcome, count): what was rated and what could not be told."""
    rows = select(BattleRow.axis, BattleRow.outcome, func.count()).where(BattleRow.run_id == run_id)
    found = session.execute(rows.group_by(BattleRow.axis, BattleRow.outcome))
    return [(axis, outcome, count) for axis, outcome, count in found]


def verdicts(session: Session, run_id: int) -> list[tuple[int, str, str | None, str | None, int]]:
    """(model, prompt kind, topic, verdict, count): the gold rates' numerators and denominators."""
    columns = (ResponseRow.model_id, PromptRow.kind, PromptRow.topic, ResponseRow.verdict)
    rows = select(*columns, func.count()).join(PromptRow, PromptRow.id == ResponseRow.prompt_id)
    found = session.execute(rows.where(ResponseRow.run_id == run_id).group_by(*columns))
    return [(model, kind, topic, verdict, count) for model, kind, topic, verdict, count in found]


def battle_page(session: Session, wanted: BattleFilter, after: int = 0, limit: int = 10) -> Page[BattleLine]:
    """The battles after an id that pass the filter."""
    a, b = aliased(ResponseRow), aliased(ResponseRow)
    model_a, model_b = aliased(ModelRow), aliased(ModelRow)
    rows = (
        select(BattleRow, PromptRow, a, b, model_a.name, model_b.name, PrincipleRow.title)
        .join(PromptRow, PromptRow.id == BattleRow.prompt_id)
        .join(a, a.id == BattleRow.response_a_id)
        .join(b, b.id == BattleRow.response_b_id)
        .join(model_a, model_a.id == a.model_id)
        .join(model_b, model_b.id == b.model_id)
        .outerjoin(PrincipleRow, PrincipleRow.id == BattleRow.principle_id)
        .where(BattleRow.run_id == wanted.run)
    )
    if wanted.model:
        rows = rows.where((model_a.name == wanted.model) | (model_b.name == wanted.model))
    found, more = keyset(session, _narrowed(rows, wanted), BattleRow.id, after, limit)
    return Page(tuple(_line(*row) for row in found), more)


def _narrowed(rows: Select[*tuple[Any, ...]], wanted: BattleFilter) -> Select[*tuple[Any, ...]]:
    if wanted.axis:
        rows = rows.where(BattleRow.axis == wanted.axis)
    if wanted.outcome:
        rows = rows.where(BattleRow.outcome == wanted.outcome)
    if wanted.topic:
        rows = rows.where(PromptRow.topic == wanted.topic)
    return rows


def _line(
    battle: BattleRow,
    prompt: PromptRow,
    a: ResponseRow,
    b: ResponseRow,
    name_a: str,
    name_b: str,
    principle: str | None,
) -> BattleLine:
    return BattleLine(
        battle.id,
        battle.axis,
        battle.outcome,
        battle.p_a,
        battle.judge,
        principle,
        prompt.kind,
        prompt.topic,
        turns_of(prompt.turns),
        Side(name_a, a.text, a.state, a.verdict, a.helpfulness),
        Side(name_b, b.text, b.state, b.verdict, b.helpfulness),
    )


def topics(session: Session, run_id: int) -> list[str]:
    """Topics of the prompts that this run's models answered."""
    rows = select(PromptRow.topic).join(ResponseRow, ResponseRow.prompt_id == PromptRow.id)
    found = session.scalars(rows.where(ResponseRow.run_id == run_id).distinct().order_by(PromptRow.topic))
    return [topic for topic in found if topic]
