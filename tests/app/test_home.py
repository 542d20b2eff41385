"""Home: counts, the next step, and the whole loop at one press."""

import pytest
from sqlalchemy import func, select

from cai_core.store.workspace import Workspace, open_workspace
from db.schema import RunRow, now
from tests.app.conftest import Visit, press, set_state, words

LOOP = ["chains", "sft", "comparisons", "labels", "pm", "rl", "battles"]


def again(loop: Workspace, number: int, **values: object) -> int:
    """A newer run like one of the loop's."""
    with loop.writing() as session:
        row = session.get_one(RunRow, number)
        newer = RunRow(uid=f"again-{number}", kind=row.kind, config=row.config, seed=0, code_revision="x", **values)
        session.add(newer)
        session.flush()
        return newer.id


def test_the_button_enqueues_seven_runs_and_starts_the_first(visit: Visit, launched: list[int]) -> None:
    """One press is the whole loop, with the chosen seed; only the first run can start."""
    app = visit("home")
    app.number_input(key="home.seed").set_value(5)
    app.button(key="home.loop").click().run()

    assert not app.exception
    assert "The loop is on its way: runs 1 to 7." in words(app)
    with open_workspace().reading() as session:
        runs = list(session.scalars(select(RunRow).order_by(RunRow.id)))
    assert [run.kind for run in runs] == LOOP
    assert {run.seed for run in runs} == {5}
    assert launched == [runs[0].id]


def test_the_button_is_off_while_runs_are_active_and_says_why(visit: Visit, launched: list[int]) -> None:
    """A second press cannot start a second loop beside the first."""
    app = visit("home")
    app.button(key="home.loop").click().run()

    assert app.button(key="home.loop").disabled
    assert "The button is off while 7 runs are on the way." in words(app)


def test_a_second_tab_starts_no_second_loop(visit: Visit, launched: list[int]) -> None:
    """Its button was drawn before the first was pressed."""
    first, second = visit("home"), visit("home")
    first.button(key="home.loop").click().run()
    second.button(key="home.loop").click().run()

    assert "run 1 is running, and a loop wants all to be done" in words(second)
    with open_workspace().reading() as session:
        assert session.scalar(select(func.count(RunRow.id))) == len(LOOP)


def test_the_stated_time_is_that_of_the_last_loop(visit: Visit, loop: Workspace) -> None:
    """The seeded loop took 444 seconds."""
    app = visit("home")

    assert "about 7 min" in app.button(key="home.loop").label
    assert "Every stage has run" in words(app)


def test_a_failed_run_is_the_next_step(visit: Visit, loop: Workspace) -> None:
    """What stands in the way comes first."""
    set_state(loop, 5, state="failed")

    assert "Run 5 has failed" in words(visit("home"))


def test_what_waits_is_said_before_all_is_called_done(visit: Visit, loop: Workspace, launched: list[int]) -> None:
    """A run in the queue is no loop that has run."""
    set_state(loop, 2, state="running", heartbeat_at=now())
    waiting = again(loop, 3)
    assert "Run 2 is at work" in words(visit("home"))
    set_state(loop, 2, state="done", device=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cai_core.runs.launchers.devices", lambda: ())
        said = words(visit("home"))

    assert f"Run {waiting} waits for its turn" in said
    assert "Every stage has run" not in said


def test_an_older_active_run_beside_a_newer_one_draws_once(visit: Visit, loop: Workspace, launched: list[int]) -> None:
    """The page asks whether any run is active, and so does its live part: it comes to rest."""
    again(loop, 3, state="done")
    set_state(loop, 3, state="running", heartbeat_at=now())
    app = visit("home")

    assert not app.exception
    assert app.button(key="home.loop").disabled
    assert "Run 3 is at work" in words(app)


def test_what_a_failed_run_holds_up_is_said_and_can_be_stopped(visit: Visit, launched: list[int]) -> None:
    """On the card, in the sidebar, beside the button, and as the next step."""
    app = visit("home")
    app.button(key="home.loop").click().run()
    set_state(open_workspace(), 1, state="failed", error="no memory")
    app.run()
    said = words(app)
    assert said.count("Run 2 · SL-CAI · waits for run 1, which failed") == 2
    assert "Read why, then resume run 1." in said
    assert "The button is off: run 2 waits for run 1, which failed." in said

    press(app, "Stop what waits for it")
    assert "Stopped: run 2, 3, 4, 5, 6, 7." in words(app)
    assert not app.button(key="home.loop").disabled
    with open_workspace().reading() as session:
        states = session.scalars(select(RunRow.state).order_by(RunRow.id))
        assert list(states) == ["failed", *["stopped"] * 6]
