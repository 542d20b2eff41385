"""What comes in at the edge: no traceback whatever it is, and nothing left behind when it is refused."""

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event, select

from cai_core.cli import demo as demo_command
from cai_core.cli.page import BEGIN, END
from cai_core.store import backups, exports
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from db.schema import ConstitutionRow, RunRow
from tests.cai_core.cli.conftest import Call
from tests.cai_core.runs.helpers import finished
from tests.workspaces import GOOD

CHAINS = ("run", "chains", "-c", "constitution=sandbox")
HUGE = "9" * 20
LONG = "x" * 300
"""Longer than the name of a file may be."""


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([*CHAINS, "--note", "\udcff"], "not UTF-8 text"),
        ([*CHAINS, "-c", '{"source": "\\ud800"}'], "no text"),
        ([*CHAINS, "-c", "rounds=" + "[" * 100_000], "rounds = '[["),
        ([*CHAINS, "-c", "rounds=" + "9" * 5000], "rounds = '999"),
        ([*CHAINS, "-c", '{"rounds": ' + "9" * 5000 + "}"], "cannot be read"),
        ([*CHAINS, "-c", '{"rounds": ' + "[" * 100_000 + "}"], "cannot be read"),
        ([*CHAINS, "-c", "rounds=true"], "rounds = True"),
        ([*CHAINS, "-c", 'critique="no"'], "critique = 'no'"),
        ([*CHAINS, "-c", "width=4.0"], "width = 4.0"),
        (["run", "sft", "--parent", HUGE], "9223372036854775807"),
        (["constitution", "check", f"{LONG}.yaml"], "File name too long"),
        (["constitution", "import", LONG], "File name too long"),
        (["constitution", "export", "sandbox", "-o", LONG], "File name too long"),
        (["constitution", "export", "sandbox", "--format", "paper", "-o", LONG], "File name too long"),
        (["cases", "import", "sandbox", LONG], "File name too long"),
        (["cases", "export", "sandbox", "-o", LONG], "File name too long"),
        (["cases", "export", "sandbox", "-o", ""], "Is a directory"),
        (["cases", "export", "sandbox", "-o", "/"], "Is a directory"),
        (["cases", "export", "sandbox", "-o", "/dev/null/x"], "Not a directory"),
        (["runs", "show", HUGE], "9223372036854775807"),
        (["runs", "stop", HUGE], "9223372036854775807"),
        (["runs", "log", HUGE], "9223372036854775807"),
        (["runs", "clone", HUGE], "9223372036854775807"),
        (["runs", "resume", HUGE], "9223372036854775807"),
        (["export", "chains", "--run", HUGE], "9223372036854775807"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(
    opened: Workspace, call: Call, idle: None, argv: list[str], words: str
) -> None:
    _, said = call(*argv, code=2)
    assert words in said
    assert len(said) < 2000
    with opened.reading() as session:
        assert not session.scalars(select(RunRow)).all()


@pytest.mark.parametrize(
    "command",
    [
        ["constitution", "list"],
        ["constitution", "show", "sandbox"],
        ["constitution", "save", "FILE"],
        ["import", "constitution", "FILE"],
        ["import", "prompts", "PROMPTS", "--kind", "helpful"],
    ],
)
def test_a_mistyped_workspace_is_not_made(call: Call, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    (tmp_path / "mine.txt").write_text("one\n")
    places = {"FILE": str(tmp_path / "mine.yaml"), "PROMPTS": str(tmp_path / "mine.txt")}
    _, said = call(*(places.get(word, word) for word in command), "--workspace", str(tmp_path / "none"), code=2)
    assert "no workspace at" in said
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "command", [["constitution", "save", "FILE"], ["import", "prompts", "FILE", "--kind", "helpful"]]
)
def test_a_file_that_is_refused_makes_no_workspace(
    call: Call, tmp_path: Path, workspace: Path, command: list[str]
) -> None:
    (tmp_path / "empty").write_text("")
    call(*(str(tmp_path / "empty") if word == "FILE" else word for word in command), code=2)
    assert not workspace.exists()


def test_a_demo_that_is_refused_saves_no_constitution(
    opened: Workspace, call: Call, idle: None, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(GOOD)
    # A seed that does not fit, and principles that a later stage cannot use.
    for seed, words in (("-1", "seed"), ("1", "no enabled principle")):
        _, said = call("demo", "--constitution", str(tmp_path / "mine.yaml"), "--seed", seed, code=2)
        assert words in said
    with opened.reading() as session:
        assert "mine" not in session.scalars(select(ConstitutionRow.name)).all()
        assert not session.scalars(select(RunRow)).all()


def test_a_demo_looks_at_its_report_page_before_it_begins(call: Call, tmp_path: Path, workspace: Path) -> None:
    page = tmp_path / "results.md"
    for content, words in ((b"no marks", "has no place"), (b"\xff", "cannot be read")):
        page.write_bytes(content)
        _, said = call("demo", "--report", str(page), code=2)
        assert words in said
    assert not workspace.exists()


def test_a_demo_of_several_seeds_writes_its_report_after_each(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, file = tmp_path / "results.md", tmp_path / "demo.json"
    page.write_text(f"# Mine\n\n{BEGIN}\n{END}\nbelow\n")

    def loop(folder: Path, seed: int, _constitution: object) -> dict[str, object]:
        if seed == 2:
            raise KeyboardInterrupt
        return {"seed": seed}

    monkeypatch.setattr(demo_command, "_loop", loop)
    monkeypatch.setattr("cai_core.cli.page.report_markdown", lambda reports: f"{len(reports)} loops\n")
    call("demo", "--seeds", "1,2", "--report", str(page), "--json", str(file), code=130)
    assert "1 loops" in page.read_text()
    assert page.read_text().endswith("below\n")
    assert json.loads(file.read_text()) == [{"seed": 1}]


def test_a_database_is_put_back_by_command(opened: Workspace, call: Call) -> None:
    copy = call("db", "backup")[0].strip()
    _, said = call("db", "restore", copy, code=2)
    assert "is in use" in said
    opened.close()
    out, _ = call("db", "restore", copy)
    assert "What was there is now" in out


def test_the_home_sign_means_home(
    call: Call, tmp_path: Path, opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Path(call("db", "backup", "--workspace", "~/workspace")[0].strip()).is_file()
    assert "none" not in call("db", "revision", "--workspace", "~/workspace")[0]


def test_doctor_calls_a_strange_database_by_its_name(call: Call, tmp_path: Path, workspace: Path) -> None:
    workspace.mkdir()
    with sqlite3.connect(workspace / backups.DATABASE) as connection:
        connection.execute("CREATE TABLE strange (n)")
    connection.close()
    out, _ = call("doctor", "--json", code=1)
    found = json.loads(out)
    assert found["workspace"]["state"] == "cannot be used"
    assert any("another program, wrote it" in problem for problem in found["problems"])


def test_exports_ask_the_database_the_same_few_times_however_many_rows(opened: Workspace, tmp_path: Path) -> None:
    asked: list[str] = []
    event.listen(opened.engine, "before_cursor_execute", lambda _c, _cur, words, *_: asked.append(words))

    def statements(pairs: int) -> dict[str, int]:
        run = finished(opened, RunKind.COMPARISONS, model="scripted", red_team_prompts=pairs, helpful_prompts=0)
        labelled = finished(opened, RunKind.LABELS, model="scripted", constitution="sandbox", parents=[run])
        found = {}
        for what, run_id in (("comparisons", run), ("labels", labelled)):
            asked.clear()
            exports.write(opened, what, tmp_path / "x.jsonl", [run_id])
            found[what] = len(asked)
        return found

    assert statements(3) == statements(12)
