"""Runs that came in with a file: whatever settings it tells of them, or does not, every page can be read."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from cai_core.config import CONFIGS, dump_config
from cai_core.interchange.rows import ReadRecord, read_rows
from cai_core.store.chain_files import import_chains
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from db.schema import RunRow
from tests.app.conftest import VIEWS, Visit, press, words
from tests.chain_files import as_lines, full

ODD: list[Any] = [[], {"a": [1]}, "<b>text</b>", -1, None]
"""What a setting may be in somebody else's file."""


def uid_of(number: int) -> str:
    """A run's uid."""
    return f"{number:032x}"


def told(number: int, config: dict[str, Any], scored: dict[str, Any]) -> ReadRecord:
    """A chain of a run with these settings, scored by one with those."""
    record = full()
    scores = tuple(replace(one, run=replace(one.run, uid=uid_of(number + 200), config=scored)) for one in record.scores)
    run = replace(record.run, uid=uid_of(number + 100), config=config, model=None)
    return replace(record, run=run, scores=scores)


def odd(kind: RunKind, place: int) -> dict[str, Any]:
    """Every setting of a stage, and none as the stage would have it."""
    names = dump_config(CONFIGS[kind](**({"constitution": "x"} if kind is RunKind.CHAINS else {})))
    return {name: ODD[(place + n) % len(ODD)] for n, name in enumerate(names)}


SETTINGS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"model": "theirs"}, {"judge": "feedback"}),
    *((odd(RunKind.CHAINS, n), odd(RunKind.SCORES, n)) for n in range(len(ODD))),
]


@pytest.fixture
def theirs(loop: Workspace) -> Workspace:
    """The seeded workspace with chains 121 to 127 of such runs."""
    lines = as_lines(told(n, *settings) for n, settings in enumerate(SETTINGS, start=1))
    assert import_chains(loop, read_rows(lines, name="theirs.jsonl")).accepted == len(SETTINGS)
    return loop


@pytest.mark.parametrize("view", VIEWS)
def test_every_page_can_be_read(view: str, theirs: Workspace, visit: Visit) -> None:
    app = visit(view)
    assert not app.exception, app.exception


def test_so_can_each_chain_its_rounds_and_its_runs(theirs: Workspace, visit: Visit) -> None:
    with theirs.reading() as session:
        runs = session.execute(select(RunRow.id, RunRow.kind).where(RunRow.origin == "theirs.jsonl")).all()
    assert len(runs) == 2 * len(SETTINGS)
    addresses = [("chains", {"chain": str(121 + n)}) for n in range(len(SETTINGS))]
    addresses += [("runs", {"run": str(run)}) for run, _ in runs]
    addresses += [("rounds", {"run": str(run)}) for run, kind in runs if kind == "chains"]
    for view, address in addresses:
        app = visit(view, **address)
        assert not app.exception, (view, address, app.exception)


@pytest.mark.parametrize("stage", ["sft", "chains", "scores", "comparisons"])
def test_what_would_be_launched_from_them_can_be_read(stage: str, theirs: Workspace, visit: Visit) -> None:
    with theirs.reading() as session:
        made = (RunRow.origin == "theirs.jsonl", RunRow.kind == "chains")
        runs = session.scalars(select(RunRow.id).where(*made).limit(3)).all()
    for run in runs:
        app = visit("launch", stage=stage, parent=str(run))
        assert not app.exception, (run, app.exception)


def test_a_clone_takes_what_fits_and_names_the_rest(theirs: Workspace, visit: Visit) -> None:
    with theirs.reading() as session:
        made = select(RunRow.id, RunRow.config).where(RunRow.origin == "theirs.jsonl").order_by(RunRow.id)
        runs = session.execute(made).all()
    for run, config in runs:
        app = visit("runs", run=str(run))
        press(app, "Clone with changes")
        app = app.switch_page("views/launch.py").run()
        assert not app.exception, (run, app.exception)
        assert ("that are left out: " in words(app)) == (len(config) > 2), (run, config)
