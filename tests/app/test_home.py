"""Home: counts, the next step, and the whole loop at one press."""

from sqlalchemy import select

from cai_core.store.workspace import Workspace, open_workspace
from db.schema import RunRow
from tests.app.conftest import Visit, words


def test_the_button_enqueues_seven_runs_and_starts_the_first(visit: Visit, launched: list[int]) -> None:
    """One press is the whole loop, with the chosen seed; only the first run can start."""
    app = visit("home")
    app.number_input(key="home.seed").set_value(5)
    app.button(key="home.loop").click().run()

    assert not app.exception
    with open_workspace().reading() as session:
        runs = list(session.scalars(select(RunRow).order_by(RunRow.id)))
    assert [run.kind for run in runs] == ["chains", "sft", "comparisons", "labels", "pm", "rl", "battles"]
    assert {run.seed for run in runs} == {5}
    assert launched == [runs[0].id]
    assert "The loop is on its way: runs 1 to 7." in words(app)


def test_the_button_is_off_while_runs_are_active(visit: Visit, launched: list[int]) -> None:
    """A second press cannot start a second loop beside the first."""
    app = visit("home")
    app.button(key="home.loop").click().run()

    assert app.button(key="home.loop").disabled


def test_the_stated_time_is_that_of_the_last_loop(visit: Visit, loop: Workspace) -> None:
    """The seeded loop took 444 seconds."""
    app = visit("home")

    assert "about 7 min" in app.button(key="home.loop").label
    assert "Every stage has run" in words(app)


def test_a_failed_run_is_the_next_step(visit: Visit, loop: Workspace) -> None:
    """What stands in the way comes first."""
    with loop.writing() as session:
        session.get_one(RunRow, 5).state = "failed"

    assert "Run 5 is failed" in words(visit("home"))
