"""Runs: progress, errors in words, stop, resume, logs, two side by side."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from app.components.run_badge import duration
from app.components.run_compare import differences
from app.components.run_detail import LOG_BYTES, log_tail
from app.components.run_results import flat, plain
from cai_core.store.workspace import Workspace
from db.queries.runs import run_detail
from db.schema import RunRow, now
from tests.app.conftest import Visit, drawn_html, words


def press(app: AppTest, label: str) -> None:
    """Press a button by its label."""
    next(b for b in app.button if b.label == label).click().run()


def set_state(workspace: Workspace, run_id: int, **values: object) -> None:
    """Change a run's row."""
    with workspace.writing() as session:
        run = session.get_one(RunRow, run_id)
        for name, value in values.items():
            setattr(run, name, value)


def test_a_failed_run_shows_its_error_and_its_log(visit: Visit, loop: Workspace) -> None:
    """In words, verbatim, with the log's end."""
    set_state(loop, 2, state="failed", error="no memory left for <b>this</b> batch of $5")
    (loop.logs / "run-2.log").write_text("step 1\nout of memory\n")
    app = visit("runs", run="2")

    assert "no memory left for &lt;b&gt;this&lt;/b&gt; batch of $5" in drawn_html(app)
    assert "out of memory" in app.code[0].value


def test_a_stopped_run_can_be_resumed(visit: Visit, loop: Workspace, launched: list[int]) -> None:
    """Resume lets it wait for its turn, and its turn comes at once."""
    set_state(loop, 2, state="stopped")
    app = visit("runs", run="2")
    press(app, "Resume")

    assert launched == [2]
    assert "goes on where it was" in words(app)


def test_a_running_run_can_be_asked_to_stop(visit: Visit, loop: Workspace) -> None:
    """The request is stored; the worker sees it."""
    set_state(loop, 2, state="running", heartbeat_at=now(), done=3, total=10, phase="training")
    app = visit("runs", run="2")
    assert "3 of 10" in words(app)
    press(app, "Stop")

    with loop.reading() as session:
        assert session.get_one(RunRow, 2).stop_requested


def test_every_view_of_every_run_draws(visit: Visit, loop: Workspace) -> None:
    """Curves, samples, settings, log and comparison of a training run."""
    app = visit("runs", run="6")
    for view in ("Curves", "Samples", "Settings", "Log", "Compare", "Overview"):
        app.segmented_control(key="runs.view").set_value(view).run()
        assert not app.exception, view


def test_two_runs_differ_in_what_was_changed(loop: Workspace) -> None:
    """Only settings that differ are listed."""
    with loop.writing() as session:
        one = session.get_one(RunRow, 2)
        session.add(RunRow(uid="x", kind="sft", config={**one.config, "epochs": 9}, seed=one.seed, code_revision="x"))
    with loop.reading() as session:
        first, second = run_detail(session, 2), run_detail(session, 8)
    assert first is not None
    assert second is not None
    assert differences(first, second) == [("epochs", "2", "9")]


def test_a_log_s_tail_starts_at_a_line(tmp_path: Path) -> None:
    """A long log is cut at a line's start; a missing one is empty; broken bytes are shown as such."""
    path = tmp_path / "run-1.log"
    assert log_tail(path) == ""
    path.write_bytes(b"first line\n" + b"x" * LOG_BYTES + b"\nlast \xff line\n")
    tail = log_tail(path)
    assert "first line" not in tail
    assert tail.endswith("last � line\n")


def test_durations_and_results_in_words() -> None:
    """As a person says them."""
    assert [duration(s) for s in (0.4, 59.4, 60, 3661, 7500)] == ["0 s", "59 s", "1 min 0 s", "1 h 1 min", "2 h 5 min"]
    assert list(flat({"a_b": {"c": 0.25}, "rows": [1], "ok": True, "none": None})) == [
        ("a b, c", "0.25"),
        ("Ok", "yes"),
        ("None", "–"),
    ]
    assert plain(()) == "–"
