"""What the pages read: keyset pages, filters, neighbours, causes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from cai_core.store.workspace import Workspace
from db.queries import battles, chains, comparisons, constitutions, models, pipeline, runs, waiting
from db.queries.page import PAGE
from db.schema import LabelRow, MetricRow, RunRow
from db.schema_chains import ChainRow
from tests.app.seed import seeded


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished loop, only read."""
    return seeded(tmp_path_factory.mktemp("queries"), rows=60)


@pytest.fixture
def session(loop: Workspace) -> Iterator[Session]:
    """A reading session; what a test changes in it is not kept."""
    with loop.reading() as session:
        yield session


def test_pages_cover_every_row_once(session: Session) -> None:
    """Page after page, no row is left out and none comes twice."""
    seen: list[int] = []
    more = True
    while more:
        page = chains.chain_page(session, chains.ChainFilter(), seen[-1] if seen else 0)
        assert len(page.rows) <= PAGE
        seen += [line.id for line in page.rows]
        more = page.more

    assert seen == sorted(set(seen))
    assert len(seen) == session.query(ChainRow).count()


def test_a_page_asks_few_questions(loop: Workspace, session: Session) -> None:
    """Not one a row."""
    asked: list[str] = []
    event.listen(loop.engine, "before_cursor_execute", lambda c, cur, sql, *rest: asked.append(sql))
    chains.chain_page(session, chains.ChainFilter())
    comparisons.comparison_page(session, comparisons.ComparisonFilter())
    battles.battle_page(session, battles.BattleFilter(7))

    assert len([sql for sql in asked if sql.startswith("SELECT")]) <= 4


def test_chain_filters(session: Session) -> None:
    """Run, kind, principle and text, each by itself."""
    slug, count = chains.drawn_principles(session, 1)[0]
    by_principle = chains.chain_page(session, chains.ChainFilter(principle=slug))
    detail = chains.chain_detail(session, by_principle.rows[0].id)

    assert count > 0
    assert detail is not None
    assert slug in {round_.principle_slug for round_ in detail.rounds}
    assert not chains.chain_page(session, chains.ChainFilter(run=2)).rows
    assert {c.kind for c in chains.chain_page(session, chains.ChainFilter(kind="helpful")).rows} == {"helpful"}
    assert len(chains.chain_page(session, chains.ChainFilter(text="Attempt 17.")).rows) == 1
    assert not chains.chain_page(session, chains.ChainFilter(text="%")).rows


def test_neighbours_stay_within_the_filter(session: Session) -> None:
    """The first has none before it, the last none after."""
    wanted = chains.ChainFilter(kind="helpful")
    ids = [line.id for line in chains.chain_page(session, wanted).rows]

    assert chains.chain_beside(session, wanted, ids[0]) == (None, ids[1])
    assert chains.chain_beside(session, wanted, ids[3]) == (ids[2], ids[4])


def test_comparison_filters_and_states(session: Session) -> None:
    """Every state is counted; a comparison shows its newest label."""
    states = dict(comparisons.label_states(session, 3))
    unparseable = comparisons.comparison_page(session, comparisons.ComparisonFilter(state="unparseable"))
    disagree = comparisons.comparison_page(session, comparisons.ComparisonFilter(disagree=True))

    assert sum(states.values()) == session.query(LabelRow).count()
    assert len(unparseable.rows) == states["unparseable"]
    assert all(line.p_a is None for line in unparseable.rows)
    assert disagree.rows
    assert all(line.disagrees for line in disagree.rows)
    assert not comparisons.comparison_page(session, comparisons.ComparisonFilter(state="unlabelled")).rows


def test_a_label_s_orders_belong_to_the_responses(session: Session) -> None:
    """The mean of both orders' log-odds gives p_a."""
    detail = comparisons.comparison_detail(session, 1)
    assert detail is not None
    label = detail.labels[0]
    mean = sum(order.log_odds for order in label.orders) / 2

    assert label.p_a == pytest.approx(1 / (1 + 2.718281828**-mean))


def test_runs_come_newest_first_with_relations(session: Session) -> None:
    """Parents, children and snapshots of a run."""
    detail = runs.run_detail(session, 2)
    assert detail is not None

    assert [line.id for line in runs.newest_runs(session).rows] == [7, 6, 5, 4, 3, 2, 1]
    assert [line.id for line in runs.newest_runs(session, before=3).rows] == [2, 1]
    assert detail.parents == ((1, "chains"),)
    assert [kind for _, kind in detail.children] == ["comparisons", "rl", "battles"]
    assert [name for _, name in detail.models] == ["sl-cai-2"]
    assert runs.seconds_of_last_loop(session) == 444
    assert runs.ancestors(session, 7) == {1, 2, 3, 4, 5, 6}
    assert runs.run_detail(session, 99) is None


def test_long_curves_are_thinned_and_keep_their_end(loop: Workspace) -> None:
    """Ten thousand steps are some hundreds of points."""
    with loop.writing() as session:
        run = RunRow(uid="long", kind="sft", config={}, seed=0, code_revision="x", state="done")
        session.add(run)
        session.flush()
        session.add_all(MetricRow(run_id=run.id, name="loss", step=step, value=1.0) for step in range(1, 3001))
        session.flush()
        points = runs.metrics(session, run.id)
        session.rollback()

    assert 300 <= len(points) <= 500
    assert points[-1].step == 3000


def test_versions_models_and_counts(session: Session) -> None:
    """What the other pages list."""
    counts = pipeline.pipeline(session)

    assert constitutions.versions(session, "sandbox")[0].runs == 2
    assert set(models.model_names(session)) >= {"sandbox", "sl-cai-2", "rl-cai-6"}
    assert models.model_names(session, "preference") == ["pm-5"]
    assert counts.stages["rl"].rows == 3
    assert counts.stages["chains"].rows == session.query(ChainRow).count()
    assert battles.contenders(session, 7)[0].name == "sandbox"
    assert sum(count for *_, count in battles.outcomes(session, 7)) == 3 * 180


def test_a_select_offers_the_newest_of_each_kind_and_what_is_asked_for(loop: Workspace) -> None:
    """However many runs of another kind are newer."""
    with loop.writing() as session:
        rows = [RunRow(uid=f"m{n}", kind="chains", config={}, seed=0, code_revision="x") for n in range(60)]
        session.add_all(rows)
        session.flush()
        offered = [run.id for run in runs.runs_of(session, ("chains", "sft"))]
        asked = [run.id for run in runs.runs_of(session, ("chains",), (1, None, 2, 999))]
        session.rollback()

    assert len(offered) == PAGE + 1
    assert 2 in offered
    assert offered == sorted(offered, reverse=True)
    assert len(asked) == PAGE + 1
    assert asked[-1] == 1


def test_runs_that_wait_in_vain(loop: Workspace) -> None:
    """For the nearest ended run before them, at any distance; one whose parents go on waits rightly."""
    with loop.writing() as session:
        states = {1: "done", 2: "failed", 3: "waiting", 4: "waiting", 5: "running", 6: "waiting", 7: "waiting"}
        for run, state in states.items():
            session.get_one(RunRow, run).state = state
        session.flush()
        found = waiting.blocked(session)
        session.get_one(RunRow, 2).state = "running"
        session.flush()
        none = waiting.blocked(session)
        session.rollback()

    assert found == dict.fromkeys((3, 4, 6, 7), waiting.Blocker(2, "failed"))
    assert none == {}


def test_an_empty_workspace_has_empty_pages(tmp_path: Path) -> None:
    """Nothing fails where nothing is."""
    from cai_core.store.workspace import open_workspace

    with open_workspace(tmp_path).reading() as session:
        assert runs.seconds_of_last_loop(session) is None
        assert not chains.chain_page(session, chains.ChainFilter()).rows
        assert pipeline.pipeline(session).stages["rl"].newest is None
        assert runs.metrics(session, 1) == []
