"""The command line: what it prints, what it writes, how it exits."""

import csv
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cai_core.cli import main
from cai_core.interchange.rows import read_rows
from cai_core.runs import queue, worker
from cai_core.store import prompt_files
from cai_core.store.workspace import Workspace
from cai_core.types import PromptKind
from tests.cai_core.runs.helpers import finished, stored_chains


@pytest.fixture
def stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Launched runs are worked in this process."""
    from cai_core.runs import launchers

    started: list[tuple[Path, int]] = []
    monkeypatch.setattr(launchers, "start", lambda folder, run_id, *_: started.append((folder, run_id)) or 1)
    kick = queue.kick

    def kick_and_work(workspace: Workspace) -> list[int]:
        launched = kick(workspace)
        for run_id in launched:
            worker.work(workspace, run_id)
        return launched

    monkeypatch.setattr(queue, "kick", kick_and_work)


def call(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> str:
    """What a command prints on standard output; the exit code is as it should be."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as exited:
        main(argv)
    said = capsys.readouterr()
    assert (exited.value.code or 0) == code, said.err or said.out
    assert "Traceback" not in said.err
    return said.out if code == 0 or said.out else said.err


def call_json(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    return json.loads(call(capsys, *argv, "--json"))


CHAINS = (
    "run", "chains", "--model", "scripted", "-c", "constitution=sandbox", "-c",
    '{"red_team_prompts": 3, "helpful_prompts": 2}', "-c", "rounds=2", "-c", "helpful_samples=1",
)  # fmt: skip


def test_a_run_is_enqueued_followed_listed_and_shown(
    opened: Workspace, stay: None, capsys: pytest.CaptureFixture[str]
) -> None:
    text = call(capsys, *CHAINS, "--seed", "4", "--wait", "--note", "mine", "--json")
    found = json.loads(text[text.index("{") :])
    assert (found["state"], found["seed"], found["done"], found["config"]["rounds"]) == ("done", 4, 5, 2)
    assert call_json(capsys, "runs", "show", "1") == found
    [listed] = call_json(capsys, "runs", "list")
    assert listed == found
    assert "mine" in call(capsys, "runs", "list")
    assert "constitution: sandbox@1" in call(capsys, "runs", "show", "1")


def test_runs_are_stopped_resumed_and_cloned(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(queue, "kick", lambda _workspace: [])
    call(capsys, *CHAINS)
    call(capsys, "runs", "stop", "1")
    assert call_json(capsys, "runs", "show", "1")["state"] == "stopped"
    call(capsys, "runs", "resume", "1")
    assert call_json(capsys, "runs", "show", "1")["state"] == "waiting"
    cloned = call_json(capsys, "runs", "clone", "1", "-c", "rounds=3", "--seed", "9")
    assert (cloned["config"]["rounds"], cloned["seed"], cloned["note"]) == (3, 9, "clone of run 1")
    (opened.logs / "run-1.log").write_text("one\ntwo\nthree\n")
    assert call(capsys, "runs", "log", "1", "--lines", "2") == "two\nthree\n"


def test_settings_come_from_a_file_too(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(queue, "kick", lambda _workspace: [])
    (tmp_path / "c.json").write_text('{"constitution": "sandbox", "rounds": 1, "critique": false}')
    found = call_json(capsys, "run", "chains", "-c", f"@{tmp_path / 'c.json'}", "-c", "rounds=2")
    assert (found["config"]["rounds"], found["config"]["critique"]) == (2, False)


def test_prompts_are_imported_with_a_report(
    opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.jsonl"
    file.write_text('{"prompt": "one"}\n{"prompt": ""}\n')
    report = call_json(capsys, "import", "prompts", str(file), "--kind", "helpful")
    assert (report["accepted"], report["duplicates"], report["refused"][0]["row"]) == (1, 0, 2)
    said = call(capsys, "import", "prompts", str(file), "--kind", "helpful")
    assert "duplicates: 1; rows that cannot be used: 1." in said
    assert "row 2: " in said


@pytest.mark.parametrize("what", ["chains", "comparisons", "labels"])
def test_exports_are_json_lines_with_uids(
    opened: Workspace, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    comparisons = finished(opened, "comparisons", model="scripted", red_team_prompts=4, helpful_prompts=2)
    finished(opened, "labels", model="scripted", constitution="sandbox", parents=[comparisons])
    finished(opened)
    found = call_json(capsys, "export", what, str(tmp_path / "x.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert found["rows"] == len(rows) > 0
    name = "comparison" if what == "labels" else "uid"
    assert len({row[name] for row in rows}) == len(rows)
    assert {len(row["run"]["uid"] if what == "chains" else row["run"]) for row in rows} == {32}


def test_csv_cells_are_never_formulas(
    opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cai_core.models import scripted
    from cai_core.runs.stages import common

    nasty = scripted.ScriptedModel(lambda _request: '=HYPERLINK("x")\n"quoted", 🦉')
    monkeypatch.setattr(common, "load_text_model", lambda *_args, **_more: nasty)
    finished(opened)
    call(capsys, "export", "chains", str(tmp_path / "x.csv"), "--format", "cai-conversation")
    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["init_response"] for row in rows} == {'\'=HYPERLINK("x")\n"quoted", 🦉'}


def test_constitutions_go_round_by_file(opened: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(call(capsys, "constitution", "show", "sandbox").replace("name: sandbox", "name: mine", 1))
    assert call_json(capsys, "constitution", "validate", str(file))["name"] == "mine"
    assert call_json(capsys, "constitution", "save", str(file), "-m", "why") == {"ref": "mine@1"}
    assert call_json(capsys, "import", "constitution", str(file)) == {"ref": "mine@1"}
    listed = {row["ref"]: row for row in call_json(capsys, "constitution", "list")}
    assert listed["mine@1"]["message"] == "why"


def test_db_commands(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call_json(capsys, "db", "revision")["found"] is None
    call(capsys, "db", "upgrade")
    found = call_json(capsys, "db", "revision")
    assert found["found"] == found["needed"]
    assert Path(call(capsys, "db", "backup").strip()).is_file()


def test_doctor_finds_and_says_what_is_wrong(opened: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    from cai_core.store import models

    capsys.readouterr()
    with opened.writing() as session:
        models.add(session, name="gone", base="sandbox", adapter="adapters/gone")
    with pytest.raises(SystemExit) as exited:
        main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert exited.value.code == 1
    assert any("'gone' has no files" in problem for problem in found["problems"])
    assert found["workspace"]["models"] == ["sandbox", "scripted", "gone"]
    assert set(found) >= {"python", "versions", "devices", "cores", "memory_gib", "workspace"}


def test_sandbox_prompts_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    found = call_json(capsys, "sandbox", "prompts", "--kind", "look_alike", "--split", "dev", "--count", "3")
    assert len(found) == 3
    assert found[0]["turns"][-1]["role"] == "user"


def test_the_app_command_guards_itself_by_flags(monkeypatch: pytest.MonkeyPatch, opened: Workspace) -> None:
    given: list[Any] = []
    monkeypatch.setattr("os.execve", lambda *args: given.append(args))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SystemExit):
        main(["app", "--port", str(port)])
    [(program, command, environment)] = given
    assert program == sys.executable
    assert command[:5] == [sys.executable, "-P", "-m", "streamlit", "run"]
    assert Path(command[5]).name == "server.py"
    assert {"--server.address=127.0.0.1", "--browser.gatherUsageStats=false", f"--server.port={port}"} <= set(command)
    assert environment["CAI_STUDIO_HOME"] == str(opened.folder)


def test_the_server_file_is_found_not_imported() -> None:
    """In a process of its own: here other tests have imported it."""
    found = "from cai_core.cli import serve; print(serve.server_file().is_file())"
    loaded = "import sys; print([name for name in ('app.server', 'streamlit') if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", f"{found}; {loaded}"], capture_output=True, text=True, check=True)
    assert told.stdout.split("\n")[:2] == ["True", "[]"]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys, "--help")
    for name in ("app", "demo", "run", "runs", "import", "export", "constitution", "sandbox", "doctor", "db"):
        assert f" {name} " in text


def test_an_imported_prompt_is_drawn(opened: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("one\ntwo\n")
    prompt_files.import_prompts(opened, read_rows(file), prompt_files.Wishes(kind=PromptKind.RED_TEAM))
    run_id = finished(opened, source="mine", red_team_prompts=5, helpful_prompts=0, look_alike_prompts=0)
    assert {chain.prompt.source for chain in stored_chains(opened, run_id)} == {"mine"}
