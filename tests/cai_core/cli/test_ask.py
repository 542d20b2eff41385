"""`cai-studio ask`: the same way through the table, to the terminal."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cai_core.cli.ask import _Shown, text_of
from cai_core.cli.common import on_terminal
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


def found(*parts: tuple[str, str | None, bool | None], **more: object) -> dict[str, Any]:
    """An ask's summary with these parts: name, text, and whether it is whole."""
    told = [
        {"part": part, "text": text, "finished": finished or None, "sample": number // 2, "principle": None}
        for number, (part, text, finished) in enumerate(parts)
        if text is not None
    ]
    return {"parts": told, "samples": 1, "principles": [], "ended_at": None, **more}


def test_of_parts_written_side_by_side_one_is_printed_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    shown, two = _Shown(quiet=False), {"samples": 2}
    shown.show(found(("response", "One", None), ("critique", None, None), ("response", "Other", True), **two), "")
    assert capsys.readouterr().out == "Response 1:\nOne"
    shown.show(found(("response", "One two", True), ("critique", "C", None), ("response", "Other", True), **two), "")
    assert capsys.readouterr().out == " two\nCritique 1:\nC"
    cut = found(("response", "One two", True), ("critique", "C", None), ("response", "Other", True), **two)
    shown.show({**cut, "ended_at": "now"}, "")
    shown.end()
    assert capsys.readouterr().out == "\nResponse 2:\nOther\n", "a stop ends the wait for the rest"


def test_several_samples_and_principles_are_told_apart(warmed: Workspace, call: Call) -> None:
    under = ("--principle", "hacking", "--principle", "theft", "--samples", "2", "--model", "scripted")
    out, _ = call("ask", PROMPT, *under)
    titles = [line for line in out.splitlines() if line.endswith(":")]
    assert titles == [
        "Response 1:", "Critique 1, hacking:", "Revision 1, hacking:", "Critique 1, theft:", "Revision 1, theft:",
        "Response 2:", "Critique 2, hacking:", "Revision 2, hacking:", "Critique 2, theft:", "Revision 2, theft:",
    ]  # fmt: skip
    told = json.loads(call("ask", PROMPT, *under, "--json")[0])
    assert (told["samples"], told["principles"]) == (2, ["hacking", "theft"])
    assert [(part["part"], part["sample"], part["principle"]) for part in told["parts"]][5:7] == [
        ("response", 1, None),
        ("critique", 1, "hacking"),
    ]


@pytest.mark.parametrize("given", ["a short text", "one line " * 60, "two\nlines", "x" * 5000, "a/" * 300])
def test_a_response_that_names_no_file_is_taken_as_it_is(given: str) -> None:
    assert text_of(given) == given


def test_two_responses_are_compared_given_as_texts_or_as_files(warmed: Workspace, call: Call, tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("I won't help with that.\n")
    under = ("--principle", "hacking", "--principle", "theft", "--model", "scripted", "--response-a", "Sure, do this.")
    out, _ = call("ask", PROMPT, *under, "--response-b", str(tmp_path / "b.txt"))
    told = json.loads(call("ask", PROMPT, *under, "--response-b", "I won't help with that.", "--json")[0])
    assert told["kind"] == "compare"
    assert [label["state"] for label in told["labels"]] == ["labelled", "labelled"]
    first = told["labels"][0]
    assert 0 < first["p_a"] < 1
    assert out.splitlines()[0].startswith(f"hacking  p_a {first['p_a']:.2f}  (ab {first['orders']['ab']:.2f}  ba ")
    _, said = call("ask", PROMPT, *under, code=2)
    assert "error: a comparison needs two responses, and one is empty" in said


def test_only_what_is_new_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    shown = _Shown(quiet=False)
    for response, critique in (("", None), ("One", None), ("One two", None), ("One two", "C"), ("One two", "C")):
        shown.show(found(("response", response, critique is not None), ("critique", critique, None)), "it waits")
    shown.end()
    said = capsys.readouterr()
    assert said.out == "Response:\nOne two\nCritique:\nC\n"
    assert said.err == "(it waits)\n"
