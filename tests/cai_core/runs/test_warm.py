"""Warm workers as processes: one a device, replaced when killed, heard when asked to stop; the chains stage's words."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from cai_core.runs import launchers, warm, warm_queue
from cai_core.store import models
from cai_core.store.workspace import Workspace
from cai_core.types import AskKind, user
from db.schema_asks import WarmWorkerRow
from tests.cai_core.runs.helpers import wait_for
from tests.cai_core.runs.warming import (
    PROMPT,
    ask_row,
    compare,
    ended,
    hold,
    kill,
    question,
    texts,
    worker_pid,
    worker_row,
)

REPOSITORY = Path(__file__).parents[3]


def test_options_are_weighed(warmed: Workspace) -> None:
    asked = warm_queue.ask(warmed, question(kind=AskKind.CHOOSE, options=(" (A)", " (B)")))
    assert ended(warmed, asked).state == "done"
    [part] = ask_row(warmed, asked).parts
    assert (part.part, part.finished, len(part.logprobs or [])) == ("choice", True, 2)


def test_killed_in_the_middle_an_ask_gets_the_text_of_one_never_killed(
    warmed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_queue, "STALE", timedelta(0))
    file = hold(monkeypatch, tmp_path / "held")
    asked = warm_queue.ask(warmed, question(principle="hacking"))
    wait_for(lambda: texts(warmed, asked) and texts(warmed, asked)[0][1])
    first = worker_pid(warmed)
    partial = texts(warmed, asked)[0][1] or ""
    assert ask_row(warmed, asked).state == "answering"
    kill(first)
    file.unlink()
    assert ended(warmed, asked).error is None
    assert worker_pid(warmed) != first
    assert ask_row(warmed, asked).attempt == 2
    never_killed = warm_queue.ask(warmed, question(principle="hacking"))
    ended(warmed, never_killed)
    assert texts(warmed, asked) == texts(warmed, never_killed)
    assert [name for name, _ in texts(warmed, asked)] == ["response", "critique", "revision"]
    assert 0 < len(partial.split()) <= 3 < len((texts(warmed, asked)[0][1] or "").split())


def test_what_was_whole_when_the_worker_died_is_not_written_again(
    warmed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_queue, "STALE", timedelta(0))
    whole = warm_queue.ask(warmed, question(principle="hacking"))
    ended(warmed, whole)
    kill(worker_pid(warmed))
    with warmed.writing() as session:
        row = session.get_one(type(ask_row(warmed, whole)), whole)
        row.state = "answering"
        row.parts[0].text = "as it was left"
        row.parts[2].finished = None
    assert ended(warmed, whole).attempt == 2
    assert texts(warmed, whole)[0] == ("response", "as it was left")
    assert ask_row(warmed, whole).parts[2].finished


def test_of_several_parts_those_that_were_whole_are_kept_and_the_others_asked_again(warmed: Workspace) -> None:
    """Wherever it died: parts lie by place, so gaps are no harm."""
    asked = question(principle="hacking", principles=("hacking", "theft"), samples=2)
    never_killed, killed = warm_queue.ask(warmed, asked), warm_queue.ask(warmed, asked)
    assert [ended(warmed, one).state for one in (never_killed, killed)] == ["done", "done"]
    with warmed.writing() as session:
        row = session.get_one(type(ask_row(warmed, killed)), killed)
        row.state, row.attempt = "waiting", 1
        for position in (2, 4, 7):
            session.delete(row.parts[position])
        row.parts[9].finished, row.parts[9].text = None, "Half a"
        row.parts[8].text = "as it was left"
    assert ended(warmed, killed).attempt == 2
    kept, wanted = ask_row(warmed, killed).parts, ask_row(warmed, never_killed).parts
    assert [part.position for part in kept] == list(range(10))
    assert kept[8].text == "as it was left"
    left = [part for part in kept if part.position not in (8, 9)]
    assert [(p.text, p.sent) for p in left] == [(p.text, p.sent) for p in wanted if p.position not in (8, 9)]
    assert kept[9].finished
    assert "as it was left" in (kept[9].rendered or ""), "its critique is what it was, so its revision follows it"


def test_a_comparison_that_was_half_told_is_told_the_rest(warmed: Workspace) -> None:
    asked = warm_queue.ask(warmed, compare("scripted", "hacking", "theft"))
    assert ended(warmed, asked).error is None
    parts = ask_row(warmed, asked).parts
    assert [(part.order, part.principle_id) for part in parts] == [
        ("ab", parts[0].principle_id), ("ba", parts[0].principle_id),
        ("ab", parts[2].principle_id), ("ba", parts[2].principle_id),
    ]  # fmt: skip
    with warmed.writing() as session:
        row = session.get_one(type(ask_row(warmed, asked)), asked)
        row.state = "waiting"
        row.parts[0].logprobs = [-1.0, -2.0]
        session.delete(row.parts[3])
    ended(warmed, asked)
    again = ask_row(warmed, asked).parts
    assert again[0].logprobs == [-1.0, -2.0], "what was told is not asked again"
    assert again[3].logprobs == parts[3].logprobs


def test_tokens_are_counted(warmed: Workspace) -> None:
    asked = warm_queue.ask(warmed, question(kind=AskKind.COUNT))
    assert ended(warmed, asked).state == "done"
    count, context = ask_row(warmed, asked).parts
    assert (count.part, count.rendered, count.num_tokens) == ("count", f"user: {PROMPT}", 9)
    assert (context.part, context.num_tokens) == ("context", 100_000)


@pytest.mark.slow
def test_tokens_are_counted_as_the_model_gets_them(warmed: Workspace) -> None:
    asked = warm_queue.ask(warmed, question("sandbox", kind=AskKind.COUNT, turns=(user("<|end|> Hello"),)))
    ended(warmed, asked)
    from cai_core.models.local import LocalModel
    from cai_core.types import ModelRef

    count, context = ask_row(warmed, asked).parts
    assert count.num_tokens == len(LocalModel(ModelRef("sandbox")).renderer.ids((user("<|end|> Hello"),)))
    assert context.num_tokens == 2048


def test_a_draft_is_written_as_a_response_is(warmed: Workspace) -> None:
    asked = [warm_queue.ask(warmed, question(kind=kind)) for kind in (AskKind.DRAFT, AskKind.SAMPLE)]
    assert [ended(warmed, one).state for one in asked] == ["done", "done"]
    assert texts(warmed, asked[0]) == texts(warmed, asked[1])


def dead_server(workspace: Workspace) -> None:
    """A model at an address that nobody answers."""
    with workspace.writing() as session:
        models.add(session, name="far", base="http://127.0.0.1:9/v1").endpoint = {"model": "m"}


def test_the_wait_for_a_server_that_is_gone_can_be_stopped(warmed: Workspace) -> None:
    dead_server(warmed)
    asked = warm_queue.ask(warmed, question("far", samples=3))
    wait_for(lambda: len(texts(warmed, asked)) == 3)
    row = wait_for(lambda: (found := worker_row(warmed, warm_queue.REMOTE)) and found.pid and found)
    warm_queue.request_stop(warmed, asked)
    assert ended(warmed, asked).state == "stopped"
    assert launchers.alive(row.pid, row.process_started), "heard at once, not by ending the process"


def test_a_server_s_tokens_are_estimates_and_its_context_is_what_it_says(warmed: Workspace) -> None:
    dead_server(warmed)
    asked = warm_queue.ask(warmed, question("far", kind=AskKind.COUNT))
    ended(warmed, asked)
    count, context = ask_row(warmed, asked).parts
    assert (count.num_tokens, count.text) == (13, "estimated from the length: the tokenizer is the server's")
    assert (context.num_tokens, context.text) == (None, "a server does not say")


def test_a_stop_keeps_what_was_written_and_the_next_ask_goes_on(
    warmed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = hold(monkeypatch, tmp_path / "held")
    stopped, waiting = (warm_queue.ask(warmed, question(seed=seed)) for seed in (1, 2))
    wait_for(lambda: texts(warmed, stopped) and texts(warmed, stopped)[0][1])
    with warmed.reading() as session:
        assert warm_queue.waits_for(session, waiting) == f"ask {stopped} is before it"
    pid = worker_pid(warmed)
    warm_queue.request_stop(warmed, stopped)
    assert ended(warmed, stopped).state == "stopped"
    [(_, text)] = texts(warmed, stopped)
    assert text
    assert len(text.split()) <= 3
    file.unlink()
    assert ended(warmed, waiting).state == "done"
    assert worker_pid(warmed) == pid


def start_worker(workspace: Workspace) -> "subprocess.Popen[bytes]":
    words = ["cai_core.runs.warm", "--workspace", str(workspace.folder), "--device", "cpu"]
    return subprocess.Popen(
        [sys.executable, "-m", *words], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_of_two_workers_for_a_device_one_wins_and_the_other_says_so(warmed: Workspace) -> None:
    workers = [start_worker(warmed) for _ in range(2)]
    wait_for(lambda: any(one.poll() is not None for one in workers))
    [loser] = [one for one in workers if one.poll() is not None]
    [winner] = [one for one in workers if one is not loser]
    assert loser.returncode == warm.CLAIMED
    assert b"answered by another process" in loser.communicate()[0]
    assert worker_pid(warmed) == winner.pid
    winner.send_signal(signal.SIGTERM)
    winner.communicate(timeout=60)
    assert winner.returncode == 0
    assert worker_row(warmed) is None


DEAF = """
import threading
from cai_core.models.scripted import ScriptedModel
from cai_core.runs import warm

def answer(self, requests, *, on_text=None):
    [(key, _)] = requests
    on_text(key, "Half an")
    threading.Event().wait()

ScriptedModel.answer = answer
warm.BEAT = warm.PATIENCE = 0.05
warm.main()
"""
"""A worker whose model never comes back."""


def test_a_stop_that_the_model_does_not_hear_ends_the_process(
    warmed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_queue, "kick", lambda _workspace: [])
    asked = warm_queue.ask(warmed, question())
    command = [sys.executable, "-c", DEAF, "--workspace", str(warmed.folder), "--device", "cpu"]
    deaf = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_for(lambda: texts(warmed, asked) and texts(warmed, asked)[0][1])
    warm_queue.request_stop(warmed, asked)
    said = deaf.communicate(timeout=120)[0].decode()
    assert "did not hear that it should stop" in said
    assert (ask_row(warmed, asked).state, texts(warmed, asked)) == ("stopped", [("response", "Half an")])
    assert worker_row(warmed) is None


def test_a_worker_that_nobody_asks_leaves(warmed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(warm.MINUTES, "0.001")
    asked = warm_queue.ask(warmed, question())
    ended(warmed, asked)
    wait_for(lambda: launchers.reap() or worker_row(warmed) is None)
    monkeypatch.setenv(warm.MINUTES, "10")
    again = warm_queue.ask(warmed, question())
    assert ended(warmed, again).state == "done"


def test_an_unknown_error_fails_the_ask_in_words_and_the_next_gets_a_fresh_process(
    warmed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = HOLD_ERROR.format(file=str(tmp_path / "broken"))
    (tmp_path / "broken").touch()
    (tmp_path / "sitecustomize.py").write_text(broken)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    failed = warm_queue.ask(warmed, question())
    pid = worker_pid(warmed)
    row = ended(warmed, failed)
    assert row.state == "failed"
    assert "ZeroDivisionError: by nothing." in (row.error or "")
    assert "warm-cpu.log holds the details" in (row.error or "")
    (tmp_path / "broken").unlink()
    again = warm_queue.ask(warmed, question())
    assert ended(warmed, again).state == "done"
    assert ask_row(warmed, again).pid != pid


HOLD_ERROR = """
import os
from cai_core.models.scripted import ScriptedModel

render_as_ever = ScriptedModel._answer

def answer(self, request):
    if os.path.exists({file!r}):
        raise ZeroDivisionError("by nothing")
    return render_as_ever(self, request)

ScriptedModel._answer = answer
"""


def test_a_worker_whose_database_was_replaced_ends_and_writes_nothing(warmed: Workspace) -> None:
    ended(warmed, warm_queue.ask(warmed, question()))
    row = worker_row(warmed)
    assert row is not None
    database = warmed.folder / "studio.db"
    kept = database.read_bytes()
    database.unlink()
    database.write_bytes(kept)
    wait_for(lambda: launchers.reap() or not launchers.alive(row.pid, row.process_started))


def test_an_idle_worker_stands_in_no_upgrade_s_way(warmed: Workspace) -> None:
    from cai_core.store.backups import IN_USE
    from cai_core.store.locks import exclusive

    ended(warmed, warm_queue.ask(warmed, question()))
    assert warmed.lock is not None
    warmed.lock.close()

    def free() -> bool:
        with exclusive(warmed.folder / IN_USE, wait=False) as alone:
            return alone

    wait_for(free)
    pid = worker_pid(warmed)
    again = warm_queue.ask(warmed, question())
    assert (ended(warmed, again).state, worker_pid(warmed)) == ("done", pid)


def test_a_worker_imports_no_training_library(warmed: Workspace) -> None:
    code = (
        "import sys; from cai_core.runs import warm; "
        "print([m for m in ('torch', 'trl', 'datasets', 'cai_core.training') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert done.stdout.strip() == "[]"


def test_sigterm_puts_back_what_was_being_answered(
    warmed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = hold(monkeypatch, tmp_path / "held")
    asked = warm_queue.ask(warmed, question())
    wait_for(lambda: texts(warmed, asked) and texts(warmed, asked)[0][1])
    os.kill(worker_pid(warmed), signal.SIGTERM)
    wait_for(lambda: worker_row(warmed) is None)
    assert ask_row(warmed, asked).state == "waiting"
    file.unlink()
    assert ended(warmed, asked).state == "done"
    with warmed.reading() as session:
        assert session.get_one(WarmWorkerRow, "cpu").launches == 0
