"""`cai-studio ask`: the same way through the table, to the terminal."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cai_core.cli.ask import _Shown, on_terminal
from cai_core.store.workspace import Workspace
from tests.cai_core.cli.conftest import Call
from tests.cai_core.runs.helpers import wait_for
from tests.cai_core.runs.warming import PROMPT, ask_row, hold, texts

REPOSITORY = Path(__file__).parents[3]


def test_what_was_written_is_printed_part_by_part(warmed: Workspace, call: Call) -> None:
    out, _ = call("ask", PROMPT, "--model", "scripted", "--principle", "hacking", "--seed", "5")
    assert out == "".join(f"{part.capitalize()}:\n{text}\n" for part, text in texts(warmed, 1))
    assert out.startswith("Response:\n")
    told = json.loads(call("ask", PROMPT, "--model", "scripted", "--seed", "5", "--json")[0])
    assert told["state"] == "done"
    assert [part["text"] for part in told["parts"]] == [texts(warmed, 1)[0][1]]
    assert told["constitution"] is None


def test_what_cannot_be_asked_is_said(opened: Workspace, call: Call) -> None:
    _, said = call("ask", PROMPT, "--model", "scripted", "--principle", "kindness", code=2)
    assert "error: constitution 'sandbox' has no principle 'kindness'" in said
    _, said = call("ask", " ", code=2)
    assert "error: the prompt is empty" in said


@pytest.mark.slow
def test_an_answer_that_fails_is_said(warmed: Workspace, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAI_STUDIO_WARM_MEMORY", "0")
    _, said = call("ask", PROMPT, "--model", "sandbox", code=1)
    assert "ask 1 has no whole answer: model 'sandbox' takes about 0.0 GiB, and warm models may take 0.0 here" in said


LISTENING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("cai_core.cli", run_name="__main__", alter_sys=True)
"""
"""The command line, with an ear for Ctrl-C: tests that run in the background are deaf to it, and so is their kin."""


def test_ctrl_c_stops_the_ask_and_keeps_its_words(
    warmed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(monkeypatch, tmp_path / "held")
    path = os.pathsep.join([str(REPOSITORY), os.environ["PYTHONPATH"]])
    asking = subprocess.Popen(
        [sys.executable, "-c", LISTENING, "ask", PROMPT, "--model", "scripted", "-w", str(warmed.folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )
    wait_for(lambda: asking.poll() is not None or _written(warmed))
    os.kill(asking.pid, signal.SIGINT)
    _, said = asking.communicate(timeout=120)
    assert asking.returncode == 130, said.decode()
    assert "ask 1 is stopped." in said.decode()
    assert ask_row(warmed, 1).state == "stopped"
    assert texts(warmed, 1)[0][1]


def _written(workspace: Workspace) -> bool:
    from sqlalchemy import select

    from db.schema_asks import AskPartRow

    with workspace.reading() as session:
        return session.scalar(select(AskPartRow.text).limit(1)) is not None


def test_a_terminal_obeys_nothing_that_a_model_writes() -> None:
    assert on_terminal("plain\n\tand Grüße\u3000日本 ✓") == "plain\n\tand Grüße\u3000日本 ✓"
    assert on_terminal("\x1b]0;owned\x07\x9b2J\r\x08") == r"\x1b]0;owned\x07\x9b2J\r\x08"


def test_only_what_is_new_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    shown = _Shown(quiet=False)
    for response, critique in (("", None), ("One", None), ("One two", None), ("One two", "C"), ("One two", "C")):
        parts = [
            {"part": "response", "text": response},
            *([{"part": "critique", "text": critique}] if critique else []),
        ]
        shown.show(parts, "it waits")
    shown.end()
    said = capsys.readouterr()
    assert said.out == "Response:\nOne two\nCritique:\nC\n"
    assert said.err == "(it waits)\n"
