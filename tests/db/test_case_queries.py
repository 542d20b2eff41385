"""Cases as their page reads them: which run stands for a version, what changed since, which cases are listed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.base import now
from db.migrations import migrate
from db.queries import cases as lists
from db.queries.case_detail import case_detail, case_result, case_results
from db.queries.cases import CaseFilter, case_beside, case_counts, case_page, count_cases, names_with_cases
from db.queries.cases_runs import CasesRun, cases_runs, constitution_of_run, run_before, run_of_version
from db.schema import ConstitutionRow, ConstitutionVersionRow, RunRow
from db.schema_authoring import CaseResultRow, CaseRow
from db.session import open_engine, reading, writing


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Three versions of 'mine' and one of 'other'."""
    found = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    migrate.upgrade(found)
    with writing(found) as session:
        for name, versions in (("mine", 3), ("other", 1)):
            row = ConstitutionRow(name=name)
            row.versions = [
                ConstitutionVersionRow(number=n + 1, description="", few_shots={}, hash="", author="", message="")
                for n in range(versions)
            ]
            session.add(row)
            session.flush()
    yield found
    found.dispose()


def add_case(engine: Engine, *, kind: str = "prompt", retired: bool = False, owner: int = 1, **rest: str) -> int:
    with writing(engine) as session:
        count = session.query(CaseRow).count()
        row = CaseRow(uid=f"case-{count}", constitution_id=owner, kind=kind, **rest)
        row.turns = [{"role": "user", "content": f"prompt {count}"}]
        row.retired_at = now() if retired else None
        session.add(row)
        session.flush()
        return row.id


def add_run(engine: Engine, version: int, results: dict[int, str], state: str = "done", **config: object) -> int:
    """A cases run on a version's row id, and what each case came to."""
    with writing(engine) as session:
        count = session.query(RunRow).count()
        row = RunRow(uid=f"run-{count}", kind="cases", state=state, seed=0, code_revision="", done=len(results))
        row.config = {"constitution": "mine@1", "model": "m", "judge": "", "width": count, **config}
        row.constitution_version_id, row.created_at = version, now() + timedelta(seconds=count)
        session.add(row)
        session.flush()
        for case_id, came_to in results.items():
            p_a = {"pass": 0.9, "fail": 0.2}.get(came_to)
            session.add(CaseResultRow(run_id=row.id, case_id=case_id, state=came_to, p_a=p_a, error=came_to[:2]))
        return row.id


def runs_of(engine: Engine, name: str = "mine") -> list[CasesRun]:
    with reading(engine) as session:
        return cases_runs(session, name)


def compared(engine: Engine, run: int) -> int | None:
    runs = runs_of(engine)
    before = run_before(runs, next(one for one in runs if one.id == run))
    return None if before is None else before.id


def test_a_version_s_run_is_its_newest_that_is_done_or_else_has_results(engine: Engine) -> None:
    case = add_case(engine)
    assert run_of_version(runs_of(engine), 1) is None
    add_run(engine, 1, {}, "failed")
    assert run_of_version(runs_of(engine), 1) is None
    half = add_run(engine, 1, {case: "pass"}, "stopped")
    assert (found := run_of_version(runs_of(engine), 1))
    assert found.id == half
    whole = add_run(engine, 1, {case: "pass"})
    add_run(engine, 1, {case: "fail"}, "running")
    add_run(engine, 4, {}, "done")
    assert (found := run_of_version(runs_of(engine), 1))
    assert (found.id, found.model, found.judge) == (whole, "m", "m")
    assert [run.version for run in runs_of(engine, "other")] == [1]


def test_it_is_compared_with_the_nearest_earlier_version_that_has_a_run(engine: Engine) -> None:
    first = add_run(engine, 1, {})
    assert compared(engine, first) is None
    third = add_run(engine, 3, {})
    assert compared(engine, third) == first, "version 2 was never tried"
    add_run(engine, 2, {}, "failed")
    assert compared(engine, third) == first
    second = add_run(engine, 2, {})
    assert compared(engine, third) == second
    assert compared(engine, second) == first
    assert compared(engine, add_run(engine, 1, {})) is None


def test_of_that_version_s_runs_the_one_that_asked_alike_is_taken(engine: Engine) -> None:
    alike = add_run(engine, 1, {}, judge="m")
    other = add_run(engine, 1, {}, model="n")
    assert compared(engine, add_run(engine, 2, {})) == alike, "to judge by the model is to name no judge"
    assert compared(engine, add_run(engine, 2, {}, model="n")) == other
    assert compared(engine, add_run(engine, 2, {}, model="o")) == other, "else the newest"
    shown, *_ = runs = runs_of(engine)
    before = run_before(runs, shown)
    assert before is not None
    assert before.asked != shown.asked


def test_counts_say_what_changed_and_what_broke(engine: Engine) -> None:
    ids = [add_case(engine) for _ in range(7)]
    gone = add_case(engine, retired=True)
    before = add_run(
        engine, 1, dict(zip(ids, ["pass", "pass", "fail", "fail", "could_not_tell", "pass"], strict=False))
    )
    later = dict(zip(ids, ["pass", "fail", "pass", "fail", "fail"], strict=False))
    run = add_run(engine, 2, {**later, ids[6]: "unjudged", gone: "pass"})
    with reading(engine) as session:
        found = case_counts(session, CaseFilter("mine", run, before, only="pass"))
        assert found.states == {"pass": 2, "fail": 3, "unjudged": 1}
        assert (found.cases, found.not_run) == (7, 1)
        assert (found.changed, found.broke, found.mended) == (3, 1, 1)
        tried = case_counts(session, CaseFilter("mine", run, before, tried=True))
        assert (tried.cases, tried.states["pass"], tried.not_run) == (7, 3, 0)
        assert count_cases(session, "mine") == (7, 1)
        assert count_cases(session, "other") == (0, 0)
        assert case_counts(session, CaseFilter("other")).cases == 0


@pytest.fixture
def mixed(engine: Engine) -> tuple[Engine, CaseFilter]:
    """Cases 1 to 6: 1 passes still, 2 broke, 3 not run, 4 retired and tried, 5 retired, 6 of another constitution."""
    one, two = add_case(engine), add_case(engine, kind="pair", preferred="b")
    add_case(engine)
    four = add_case(engine, retired=True)
    add_case(engine, retired=True)
    add_case(engine, owner=2)
    before = add_run(engine, 1, {one: "pass", two: "pass"})
    return engine, CaseFilter("mine", add_run(engine, 2, {one: "pass", two: "fail", four: "pass"}), before)


@pytest.mark.parametrize(
    ("only", "tried", "ids"),
    [
        (None, False, [1, 2, 3]),
        ("pass", False, [1]),
        ("fail", False, [2]),
        (lists.CHANGED, False, [2]),
        (lists.NOT_RUN, False, [3]),
        (lists.RETIRED, False, [4, 5]),
        (None, True, [1, 2, 4]),
        ("pass", True, [1, 4]),
    ],
)
def test_the_filter_lists(mixed: tuple[Engine, CaseFilter], only: str | None, tried: bool, ids: list[int]) -> None:
    engine, base = mixed
    wanted = CaseFilter(base.constitution, base.run, base.before, only, tried)
    with reading(engine) as session:
        assert [line.id for line in case_page(session, wanted).rows] == ids
        for place, here in enumerate(ids):
            around = (None if place == 0 else ids[place - 1], [*ids, None][place + 1])
            assert case_beside(session, wanted, here) == around


def test_a_line_says_what_is_now_and_was_before(mixed: tuple[Engine, CaseFilter]) -> None:
    engine, wanted = mixed
    with reading(engine) as session:
        one, two, three = case_page(session, wanted).rows
        assert names_with_cases(session) == ["mine", "other"]
    assert (one.prompt, one.state, one.before, one.p_hoped) == ("prompt 0", "pass", "pass", 0.9)
    assert (two.state, two.before, two.p_a, two.p_hoped, two.why) == ("fail", "pass", 0.2, 0.8, "fa")
    assert (three.state, three.before, three.p_hoped, three.why) == (None, None, None, None)


def test_pages_are_of_fifty_and_lose_none(engine: Engine) -> None:
    ids = [add_case(engine) for _ in range(53)]
    with reading(engine) as session:
        first = case_page(session, CaseFilter("mine"))
        second = case_page(session, CaseFilter("mine"), first.rows[-1].id)
    assert (len(first.rows), first.more, len(second.rows), second.more) == (50, True, 3, False)
    assert [line.id for line in (*first.rows, *second.rows)] == ids


def test_a_case_has_its_history_and_only_its_own(mixed: tuple[Engine, CaseFilter]) -> None:
    engine, wanted = mixed
    with reading(engine) as session:
        assert case_detail(session, 99) is None
        case = case_detail(session, 2)
        assert case is not None
        assert (case.constitution, case.kind, case.preferred, case.turns) == (
            "mine",
            "pair",
            "b",
            (("user", "prompt 1"),),
        )
        newest, oldest = case_results(session, 2)
        assert [(line.version, line.state) for line in (newest, oldest)] == [(2, "fail"), (1, "pass")]
        detail = case_result(session, 2, newest.id)
        assert detail is not None
        assert (detail.line, detail.judge, detail.error, detail.principle) == (newest, "m", "fa", None)
        assert case_result(session, 1, newest.id) is None
        assert constitution_of_run(session, wanted.run or 0) == "mine"
        assert constitution_of_run(session, 99) is None
