"""Removing runs, models and datasets: what needs them is named first, and nothing is left half there.

Rows go in one transaction, with their words in the search. Files are set aside before it commits and deleted after.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.orm import Session

from cai_core.errors import DatasetError, ModelError, RunError
from cai_core.store import leftovers
from cai_core.store.leftovers import Owned
from cai_core.store.locks import exclusive
from cai_core.store.workspace import Workspace
from cai_core.types import RunState
from db import search
from db.queries.prompt_filter import USES
from db.schema import (
    ComparisonRow,
    LabelOrderRow,
    LabelRow,
    MetricRow,
    ModelRow,
    PromptRow,
    RolloutRow,
    RunParentRow,
    RunPromptRow,
    RunRow,
)
from db.schema_asks import AskPartRow, AskRow
from db.schema_authoring import CaseResultRow
from db.schema_battles import BattleRow, ResponseRow
from db.schema_chains import (
    ChainRow,
    DatasetExampleRow,
    DatasetRow,
    InputRow,
    ReviewRow,
    RevisionRow,
    RunDatasetRow,
    ScoreRow,
)
from db.schema_prompts import PromptAttemptRow

CHUNK = 500
ERRORS = {"run": RunError, "model": ModelError, "dataset": DatasetError}


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """A run, a model or a dataset."""

    kind: str
    """'run', 'model' or 'dataset'."""
    id: int

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


@dataclass(frozen=True, slots=True)
class Need:
    """Something that needs what is to be removed."""

    thing: Thing
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a removal would take."""

    target: Thing
    name: str
    needs: tuple[Need, ...]
    """All that needs the target, directly or through another; it is refused while there is any, or takes them along."""
    running: tuple[int, ...]
    """Runs among them that are at work: then nothing is removed."""
    rows: dict[str, int]
    """What goes, of each kind how many; reviews are people's work."""
    models: tuple[str, ...]
    """Models that go with their runs."""
    files: tuple[Path, ...]
    """Relative to the workspace."""

    @property
    def things(self) -> frozenset[Thing]:
        """The target and all that needs it."""
        return frozenset((self.target, *(need.thing for need in self.needs)))


@dataclass(slots=True)
class _Taken:
    """The row ids that a removal takes."""

    runs: list[int] = field(default_factory=list)
    models: list[int] = field(default_factory=list)
    datasets: list[int] = field(default_factory=list)


def find(session: Session, kind: str, name: str) -> Thing:
    """The thing of a kind that a number, or for models and datasets a name, means."""
    number = int(name) if name.isascii() and name.isdigit() and len(name) < 19 else None
    if kind == "run":
        found = session.scalar(select(RunRow.id).where(RunRow.id == number))
    else:
        table = ModelRow if kind == "model" else DatasetRow
        same = session.scalar(select(table.id).where(table.name == name))
        found = session.scalar(select(table.id).where(table.id == number)) if same is None else same
    if found is None:
        raise ERRORS[kind](
            f"there is no {kind} {name!r} in this workspace, so nothing to remove. List them and name another."
        )
    return Thing(kind, found)


def plan(session: Session, target: Thing) -> Plan:
    """What removing the target would take, and what needs it."""
    needs: dict[Thing, Need] = {}
    left = [target]
    while left:
        for need in _needs(session, left.pop()):
            if need.thing != target and need.thing not in needs:
                needs[need.thing] = need
                left.append(need.thing)
    things = [target, *needs]
    taken = _taken(session, things)
    busy = select(RunRow.id).where(RunRow.id.in_(taken.runs), RunRow.state == RunState.RUNNING.value)
    names = session.scalars(select(ModelRow.name).where(ModelRow.id.in_(taken.models)).order_by(ModelRow.name))
    listed = tuple(needs[thing] for thing in sorted(needs))
    running, files = tuple(session.scalars(busy)), tuple(one.path for one in _files(session, taken))
    return Plan(target, _name(session, target), listed, running, _rows(session, taken), tuple(names), files)


def remove(workspace: Workspace, target: Thing, along: Collection[Thing] = ()) -> Plan:
    """Remove the target, and `along` with it: all that needs it, as a plan named it. Returns what went.

    Refused while something needs it that is not named, or a run among them is at work. Killed at any moment, rows and
    files are both still there, or both gone; what was set aside is put right at the next start.
    """
    with exclusive(workspace.folder / leftovers.LOCK):
        moved: list[Path] = []
        try:
            with workspace.writing() as session:
                found = plan(session, target)
                _check(found, along)
                taken = _taken(session, found.things)
                owned = list(_files(session, taken))
                _delete(session, taken)
                session.flush()
                moved = leftovers.set_aside(workspace.folder, owned)
        except BaseException:
            leftovers.put_back(workspace.folder, moved)
            raise
        leftovers.discard(moved)
    return found


def _check(found: Plan, along: Collection[Thing]) -> None:
    if found.running:
        runs = ", ".join(map(str, found.running))
        raise RunError(f"run {runs} is at work, so {found.target} is not removed. Stop it first.")
    unnamed = [need for need in found.needs if need.thing not in along]
    if unnamed:
        words = "; ".join(f"{need.thing} ({need.why})" for need in unnamed[:20])
        more = f"; and {len(unnamed) - 20} more" if len(unnamed) > 20 else ""
        raise RunError(
            f"{found.target} is needed, so it is not removed: {words}{more}. Remove those first, or take them along "
            "(--with-dependents)."
        )


def _name(session: Session, thing: Thing) -> str:
    if thing.kind == "run":
        row = session.get_one(RunRow, thing.id)
        return f"{row.kind}{f', {row.note}' if row.note else ''}"
    if thing.kind == "model":
        return session.get_one(ModelRow, thing.id).name
    return session.get_one(DatasetRow, thing.id).name


def _needs(session: Session, thing: Thing) -> Iterator[Need]:
    """What needs a thing directly."""
    if thing.kind == "dataset":
        runs = select(RunDatasetRow.run_id).where(RunDatasetRow.dataset_id == thing.id)
        yield from _run_needs(session, session.scalars(runs), f"trains on {thing}")
    elif thing.kind == "model":
        yield from _model_needs(session, thing.id)
    else:
        children = select(RunParentRow.run_id).where(RunParentRow.parent_id == thing.id)
        yield from _run_needs(session, session.scalars(children), f"reads from {thing}")
        for model in session.scalars(select(ModelRow.id).where(ModelRow.run_id == thing.id)).all():
            yield from (need for need in _model_needs(session, model) if need.thing != thing)
        ids = select(ChainRow.id).where(ChainRow.run_id == thing.id)
        datasets = select(DatasetExampleRow.dataset_id).where(DatasetExampleRow.chain_id.in_(ids)).distinct()
        for dataset in session.scalars(datasets):
            found = Thing("dataset", dataset)
            yield Need(found, _name(session, found), f"holds chains of {thing}")
        written = select(PromptRow.id).where(PromptRow.run_id == thing.id)
        for table in USES:
            users = select(table.run_id).where(table.prompt_id.in_(written), table.run_id != thing.id).distinct()
            yield from _run_needs(session, session.scalars(users), f"uses prompts that {thing} wrote")


def _model_needs(session: Session, model_id: int) -> Iterator[Need]:
    row = session.get_one(ModelRow, model_id)
    own = row.run_id or 0
    for run in session.scalars(select(RunRow).where(RunRow.id != own)).all():
        if row.name in _models_named(run.config):
            yield Need(Thing("run", run.id), run.kind, f"names model {row.name!r}")
    for table in (ComparisonRow, ResponseRow):
        runs = select(table.run_id).where(table.model_id == model_id, table.run_id != own).distinct()
        yield from _run_needs(session, session.scalars(runs), f"holds answers of model {row.name!r}")
    children = select(RunParentRow.run_id).where(RunParentRow.parent_id == own)
    yield from _run_needs(session, session.scalars(children), f"may take model {row.name!r} from run {own}")


def _models_named(config: dict[str, Any]) -> set[str]:
    """The values of the settings that name models."""
    names: set[str] = set()
    for key, value in config.items():
        if key in ("policy", "judge") or "model" in key:
            names.update(value if isinstance(value, list) else [str(value)])
    return names


def _run_needs(session: Session, ids: Iterable[int], why: str) -> Iterator[Need]:
    for run_id in sorted(set(ids)):
        thing = Thing("run", run_id)
        yield Need(thing, _name(session, thing), why)


def _taken(session: Session, things: Iterable[Thing]) -> _Taken:
    """Row ids; the models that a run saved go with it."""
    found = _Taken()
    for thing in sorted(things):
        {"run": found.runs, "model": found.models, "dataset": found.datasets}[thing.kind].append(thing.id)
    own = session.scalars(select(ModelRow.id).where(ModelRow.run_id.in_(found.runs)))
    found.models = sorted({*found.models, *own})
    return found


def _chains_of(taken: _Taken) -> Select[int]:
    return select(ChainRow.id).where(ChainRow.run_id.in_(taken.runs))


def _rows(session: Session, taken: _Taken) -> dict[str, int]:
    chains = _chains_of(taken)
    counted = {
        "runs": select(RunRow.id).where(RunRow.id.in_(taken.runs)),
        "chains": chains,
        "reviews": select(ReviewRow.id).where(ReviewRow.chain_id.in_(chains)),
        "chains written by hand": chains.where(ChainRow.author.is_not(None)),
        "comparisons": select(ComparisonRow.id).where(ComparisonRow.run_id.in_(taken.runs)),
        "labels": select(LabelRow.id).where(LabelRow.run_id.in_(taken.runs)),
        "battles": select(BattleRow.id).where(BattleRow.run_id.in_(taken.runs)),
        "prompts": select(PromptRow.id).where(PromptRow.run_id.in_(taken.runs)),
        "datasets": select(DatasetRow.id).where(DatasetRow.id.in_(taken.datasets)),
        "models": select(ModelRow.id).where(ModelRow.id.in_(taken.models)),
        "asks": select(AskRow.id).where(AskRow.model_id.in_(taken.models)),
    }
    counts = {
        name: session.scalar(select(func.count()).select_from(rows.subquery())) or 0 for name, rows in counted.items()
    }
    return {name: count for name, count in counts.items() if count}


def _files(session: Session, taken: _Taken) -> Iterator[Owned]:
    """Adapters and logs of the runs; the folders of models that go while their run stays."""
    for run_id, uid in session.execute(select(RunRow.id, RunRow.uid).where(RunRow.id.in_(taken.runs))):
        yield Owned(Path("adapters") / f"run-{run_id}-{uid[:8]}", "run", uid)
        yield Owned(Path("logs") / f"run-{run_id}.log", "run", uid)
    rows = select(ModelRow.name, ModelRow.adapter).where(
        ModelRow.id.in_(taken.models), ModelRow.run_id.is_(None) | ModelRow.run_id.not_in(taken.runs)
    )
    for name, adapter in session.execute(rows):
        path = Path(adapter) if adapter else None
        # What lies outside of the workspace belongs to somebody else.
        if path is not None and not path.is_absolute() and ".." not in path.parts:
            yield Owned(path, "model", name)


def _delete(session: Session, taken: _Taken) -> None:
    runs, models, datasets = taken.runs, taken.models, taken.datasets
    chains = _chains_of(taken)
    for example in (DatasetExampleRow, RunDatasetRow):
        session.execute(delete(example).where(example.dataset_id.in_(datasets)))
    session.execute(delete(RunDatasetRow).where(RunDatasetRow.run_id.in_(runs)))
    session.execute(delete(DatasetRow).where(DatasetRow.id.in_(datasets)))
    _forget_chains(session, list(session.scalars(chains)))
    session.execute(delete(ReviewRow).where(ReviewRow.chain_id.in_(chains)))
    session.execute(delete(ScoreRow).where(or_(ScoreRow.run_id.in_(runs), ScoreRow.chain_id.in_(chains))))
    session.execute(delete(InputRow).where(InputRow.chain_id.in_(chains)))
    session.execute(delete(RevisionRow).where(RevisionRow.chain_id.in_(chains)))
    session.execute(delete(ChainRow).where(ChainRow.run_id.in_(runs)))
    labels = select(LabelRow.id).where(LabelRow.run_id.in_(runs))
    session.execute(delete(LabelOrderRow).where(LabelOrderRow.label_id.in_(labels)))
    for table in (
        LabelRow, ComparisonRow, BattleRow, ResponseRow, RolloutRow, MetricRow, CaseResultRow, PromptAttemptRow,
        RunPromptRow,
    ):  # fmt: skip
        session.execute(delete(table).where(table.run_id.in_(runs)))
    _forget_prompts(session, list(session.scalars(select(PromptRow.id).where(PromptRow.run_id.in_(runs)))))
    asks = select(AskRow.id).where(AskRow.model_id.in_(models))
    session.execute(delete(AskPartRow).where(AskPartRow.ask_id.in_(asks)))
    session.execute(delete(AskRow).where(AskRow.model_id.in_(models)))
    session.execute(delete(ModelRow).where(ModelRow.id.in_(models)))
    session.execute(delete(RunParentRow).where(RunParentRow.run_id.in_(runs)))
    session.execute(delete(RunRow).where(RunRow.id.in_(runs)))


def _forget_chains(session: Session, ids: Sequence[int]) -> None:
    """Take chains out of the search, by the very words that they went in with."""
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        rounds: dict[int, list[tuple[str | None, str]]] = {}
        said = select(RevisionRow.chain_id, RevisionRow.critique, RevisionRow.revision)
        for chain_id, critique, revision in session.execute(
            said.where(RevisionRow.chain_id.in_(part)).order_by(RevisionRow.round)
        ):
            rounds.setdefault(chain_id, []).append((critique, revision))
        rows = select(ChainRow.id, PromptRow.turns, ChainRow.response).join(PromptRow).where(ChainRow.id.in_(part))
        bodies = [
            (chain_id, search.body_of_chain(turns, response, rounds.get(chain_id, [])))
            for chain_id, turns, response in session.execute(rows)
        ]
        search.remove(session, search.Index.CHAINS, bodies)


def _forget_prompts(session: Session, ids: Sequence[int]) -> None:
    """Remove prompts that a run wrote, and their words."""
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        rows = session.execute(select(PromptRow.id, PromptRow.turns).where(PromptRow.id.in_(part)))
        bodies = [(row_id, search.body_of_turns(turns)) for row_id, turns in rows]
        search.remove(session, search.Index.PROMPTS, bodies)
        session.execute(delete(PromptRow).where(PromptRow.id.in_(part)))
