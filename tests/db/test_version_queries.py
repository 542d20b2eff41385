"""Comparisons of versions as the page reads them: which there are, and their rows side by side."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from cai_core.runs import compare, worker
from cai_core.runs.compare import VersionComparison
from cai_core.store import chains, labels
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import PromptKind
from db.queries.page import PAGE
from db.queries.version_compare import comparison_of, past_comparisons, version_refs
from db.queries.version_pairs import (
    PairFilter,
    chain_pair_beside,
    chain_pairs,
    chain_under_a,
    comparison_under,
    label_pair_beside,
    label_pairs,
    pair_topics,
)
from db.schema import LabelRow, RunRow
from db.schema_chains import ChainRow
from tests.app.compared import FLIPPED, WANTED, compared

CHAINS, LABELS = PairFilter(1, 2), PairFilter(4, 5)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A comparison with all its runs, and beside it one of chains alone, enqueued and not begun."""
    folder: Path = tmp_path_factory.mktemp("compared")
    compared(folder)
    workspace = open_workspace(folder)
    small = {PromptKind.RED_TEAM: 3}
    compare.enqueue_compare(
        workspace, VersionComparison("sandbox@1", "harmlessness", model="scripted", chains=small, seed=5)
    )
    return workspace


@pytest.fixture
def session(opened: Workspace) -> Iterator[Session]:
    with opened.reading() as session:
        yield session


def test_versions_begin_with_what_was_saved_last(session: Session) -> None:
    refs = version_refs(session)
    assert refs[:2] == ["sandbox@2", "sandbox@1"]
    assert "harmlessness@1" in refs


def test_chains_and_labels_of_one_comparison_come_together(session: Session) -> None:
    newest, first = past_comparisons(session)
    assert newest.chains is not None
    assert (newest.chains.id, newest.chains.after, newest.labels) == (7, "harmlessness@1", None)
    assert (newest.chains.state, newest.chains.active, newest.chains.found) == ("waiting", True, None)
    assert first.chains is not None
    assert first.labels is not None
    assert [(one.former, one.id, one.kind) for one in (first.chains, first.labels)] == [
        (1, 2, "chains"),
        (4, 5, "labels"),
    ]
    assert (first.chains.before, first.chains.after, first.chains.model) == ("sandbox@1", "sandbox@2", "scripted")
    assert first.chains.found is not None
    assert comparison_of(session, 2) == comparison_of(session, 5) == first
    assert comparison_of(session, 7) == newest
    assert all(comparison_of(session, run) is None for run in (1, 3, 4, 6, 99))


def test_a_second_comparison_of_the_same_versions_stands_by_itself(tmp_path: Path) -> None:
    """On more prompts: what was compared twice is listed twice, each with its own."""
    compared(tmp_path)
    workspace = open_workspace(tmp_path)
    ids = compare.enqueue_compare(
        workspace,
        VersionComparison("sandbox@1", "sandbox@2", model="scripted", chains={PromptKind.RED_TEAM: 4}, rounds=1),
    )
    for run_id in ids.values():
        worker.work(workspace, run_id)
    again = ids["chains_b"]
    with workspace.reading() as session:
        found = [(one.chains and one.chains.id, one.labels and one.labels.id) for one in past_comparisons(session)]
        opened = [comparison_of(session, run) for run in (again, 2, 5)]
    assert found == [(again, None), (2, 5)]
    assert [one and one.chains and one.chains.id for one in opened] == [again, 2, 2]


def every_chain(session: Session, wanted: PairFilter) -> list[int]:
    seen: list[int] = []
    more = True
    while more:
        page = chain_pairs(session, wanted, seen[-1] if seen else 0)
        assert len(page.rows) <= PAGE
        seen += [line.after for line in page.rows]
        more = page.more
    return seen


def test_pages_hold_every_pair_of_chains_once(session: Session) -> None:
    own = session.scalars(select(ChainRow.id).where(ChainRow.run_id == 2).order_by(ChainRow.id)).all()
    assert every_chain(session, CHAINS) == list(own)
    assert len(own) == 75


def test_a_line_says_what_either_chain_came_to(session: Session) -> None:
    nouns = {(one.prompt.uid, one.sample): (one, other) for one, other in chains.pairs(session, 1, 2)}
    for line in chain_pairs(session, CHAINS).rows:
        before, after = (session.get_one(ChainRow, id) for id in (line.before, line.after))
        assert (before.run_id, after.run_id, before.prompt_id) == (1, 2, after.prompt_id)
        one, other = nouns[before.prompt.uid, before.sample]
        assert line.last_before == (one.rounds[-1].revision if one.rounds else one.response)
        assert line.last_after == (other.rounds[-1].revision if other.rounds else other.response)
        drew = [
            (a.principle.id, b.principle.id)
            for a, b in zip(one.rounds, other.rounds, strict=True)
            if a.principle.id != b.principle.id or a.principle.id == "theft"
        ]
        assert list(line.drew) == drew
        assert line.recalled == after.recalled


def test_chain_filters(session: Session) -> None:
    differ = chain_pairs(session, PairFilter(1, 2, differ=True)).rows
    found = session.get_one(RunRow, 2).result["compared"]
    assert len(differ) == found["differ"]["count"] > 0
    assert all(line.last_before != line.last_after for line in differ)
    assert {line.kind for line in chain_pairs(session, PairFilter(1, 2, kind="helpful")).rows} == {"helpful"}
    topic = differ[0].topic
    assert {line.topic for line in chain_pairs(session, PairFilter(1, 2, topic=topic)).rows} == {topic}
    assert topic in pair_topics(session, 2)
    assert pair_topics(session, 3) == []


def test_neighbours_and_the_other_side(session: Session) -> None:
    wanted = PairFilter(1, 2, differ=True)
    ids = [line.after for line in chain_pairs(session, wanted).rows]
    assert chain_pair_beside(session, wanted, ids[0]) == (None, ids[1])
    line = chain_pairs(session, CHAINS).rows[3]
    assert chain_under_a(session, CHAINS, line.after) == line.before
    assert chain_under_a(session, CHAINS, line.before) is None


def test_label_lines_and_filters(session: Session) -> None:
    page = label_pairs(session, LABELS)
    assert (len(page.rows), page.more) == (PAGE, True)
    rest = label_pairs(session, LABELS, page.rows[-1].id)
    lines = [*page.rows, *rest.rows]
    assert [line.id for line in lines] == sorted({line.id for line in lines})
    assert len(lines) == len(list(labels.pairs(session, 4, 5))) == 70
    flipped = label_pairs(session, PairFilter(4, 5, differ=True)).rows
    assert len(flipped) == FLIPPED
    assert {line.id for line in lines if line.flips} == {line.id for line in flipped}
    for line in flipped:
        assert line.p_a_before is not None
        assert line.p_a_after == pytest.approx(1 - line.p_a_before)
    first = session.get_one(RunRow, 5).result["compared"]["principles"][0]
    drew = label_pairs(session, PairFilter(4, 5, drew=(first["before"], first["after"]))).rows
    assert len(drew) == first["pairs"]
    assert label_pair_beside(session, LABELS, lines[0].id) == (None, lines[1].id)
    assert comparison_under(session, LABELS, lines[0].id) == lines[0].comparison
    assert comparison_under(session, LABELS, session.scalars(select(LabelRow.id)).first() or 0) is None


def test_pages_ask_few_questions(opened: Workspace, session: Session) -> None:
    """Not one a row."""
    asked: list[str] = []

    def listen(connection: object, cursor: object, sql: str, *rest: object) -> None:
        asked.append(sql)

    event.listen(opened.engine, "before_cursor_execute", listen)
    try:
        chain_pairs(session, PairFilter(1, 2))
        label_pairs(session, PairFilter(4, 5))
        past_comparisons(session)
    finally:
        event.remove(opened.engine, "before_cursor_execute", listen)
    assert len([sql for sql in asked if sql.startswith("SELECT")]) <= 4


def test_the_seed_of_the_tests_is_what_they_say() -> None:
    assert sum((WANTED.chains or {}).values()) == 75
    assert sum((WANTED.pairs or {}).values()) == 70
