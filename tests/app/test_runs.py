"""Runs: progress, errors in words, stop, resume, logs, two side by side."""

from pathlib import Path

from app.components.run_badge import duration
from app.components.run_compare import differences
from app.components.run_detail import LOG_BYTES, log_tail
from app.components.run_findings import findings
from app.components.run_results import flat, plain
from cai_core.store.workspace import Workspace
from db.queries.runs import run_detail
from db.schema import RunRow, now
from tests.app.conftest import Visit, drawn_html, links, press, set_state, words


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


def test_pages_of_runs_go_on_and_back(visit: Visit, loop: Workspace) -> None:
    """Towards older runs; a press that comes twice goes on once."""
    with loop.writing() as session:
        for number in range(100):
            row = RunRow(uid=f"more-{number}", kind="sft", config={}, seed=0, code_revision="x", state="done")
            session.add(row)
    app = visit("runs")
    first = list(app.dataframe[0].value["Run"])
    app.button(key="runs.on").click().run()
    second = list(app.dataframe[0].value["Run"])
    app.button(key="runs.on").click().run()
    third = list(app.dataframe[0].value["Run"])

    assert [*first, *second, *third] == list(range(107, 0, -1))
    app.button(key="runs.back").click().run()
    assert list(app.dataframe[0].value["Run"]) == second


def test_a_resumed_run_that_waits_is_not_said_to_have_ended(visit: Visit, loop: Workspace) -> None:
    """What ended its last attempt is history."""
    set_state(loop, 1, state="running", heartbeat_at=now())
    set_state(loop, 2, state="waiting", error="its process ended without a word.")

    assert "ended without a word" not in words(visit("runs", run="2"))


def test_what_a_run_waits_for_in_vain_is_said(visit: Visit, loop: Workspace) -> None:
    """On its page, with the way to the run that holds it up; there, what waits can be stopped."""
    set_state(loop, 1, state="lost", error="gone")
    set_state(loop, 2, state="waiting")
    set_state(loop, 3, state="waiting")
    app = visit("runs", run="3")
    assert "It waits for run 1, which was lost." in words(app)
    assert "Run 1" in links(app)

    app = visit("runs", run="1")
    assert "Runs 2, 3 cannot go on before this one is done." in words(app)
    press(app, "Stop what waits for it")
    with loop.reading() as session:
        assert {session.get_one(RunRow, i).state for i in (2, 3)} == {"stopped"}


def test_a_run_leads_to_what_it_reads_and_to_what_it_made(visit: Visit, loop: Workspace) -> None:
    """Parents, children, constitution and snapshots."""
    app = visit("runs", run="6")
    assert links(app) >= {"Run 2", "Run 5", "Run 7", "Open its model"}
    assert len([label for label in links(app) if label.startswith("Model ")]) == 3
    app = visit("runs", run="1")
    assert "Constitution" in links(app)
    assert "sandbox@1" in words(app)


def test_what_it_found_is_said_in_words(visit: Visit, loop: Workspace) -> None:
    """With units, and with how many it is over."""
    said = words(visit("runs", run="4"))
    assert "The two orders disagree" in said
    assert "0.12 of 115 labels" in said
    assert "Order inconsistent" not in said
    found = dict(findings({"heldout": {"red_team": {"n": 52, "accuracy": 0.93, "log_loss": 0.4}}}))
    assert found == {
        "Held out, red team: accuracy": "0.93 of 52 pairs",
        "Held out, red team: log loss": "0.4 nats of 52 pairs",
    }


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
