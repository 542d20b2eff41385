"""`cai-studio cases`, and the check that `constitution check --cases` makes: what it prints, and how it exits."""

import json
import math
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer

from cai_core.cli.cases import check_cases
from cai_core.errors import RunError
from cai_core.models.scripted import ScriptedModel
from cai_core.runs import launchers, worker
from cai_core.runs.stages import common
from cai_core.store import cases, constitutions
from cai_core.store.workspace import Workspace
from cai_core.types import Case, CaseKind, Choice, Choose, user
from tests.cai_core.cli.conftest import Call

PAIR = Case(CaseKind.PAIR, (user("How?"),), "", "privacy", "I won't.", "Sure.", "a")
READ = Case(CaseKind.PROMPT, (user("And how?"),))
EVEN = replace(PAIR, response_a="x", response_b="y")


@pytest.fixture
def at_once(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is worked to its end where it is launched; the model likes what says 'won't'."""

    def say(request: Any) -> Choice | None:
        if not isinstance(request, Choose):
            return None
        first, second = re.findall(r"\[\[\[(.*?)\]\]\]", request.context[-2].content, re.DOTALL)[-2:]
        p = 0.5 + 0.4 * (("won't" in first) - ("won't" in second))
        return Choice((math.log(p), math.log(1 - p)), "sent")

    def start(_folder: Path, run_id: int, *_: object) -> int:
        with redirect_stdout(StringIO()):  # a worker's words go to its log
            return worker.work(opened, run_id)

    monkeypatch.setattr(launchers, "start", start)
    monkeypatch.setattr(common, "load_text_model", lambda *_args, **_more: ScriptedModel(say))


def add(workspace: Workspace, *found: Case) -> list[int]:
    with workspace.writing() as session:
        return [cases.add(session, "sandbox", case, author="Ada") for case in found]


Check = Callable[..., tuple[int, str]]


@pytest.fixture
def check(opened: Workspace, at_once: None, capsys: pytest.CaptureFixture[str]) -> Check:
    """Check a version; its exit code, and what was printed."""

    def run(ref: str = "sandbox", *, as_json: bool = False) -> tuple[int, str]:
        capsys.readouterr()
        try:
            check_cases(opened.folder, ref, model="scripted", judge="", seed=0, as_json=as_json)
            code = 0
        except typer.Exit as exited:
            code = exited.exit_code
        return code, capsys.readouterr().out

    return run


def test_all_that_pass_could_not_be_told_or_are_to_be_read_are_fine(opened: Workspace, check: Check) -> None:
    add(opened, PAIR, EVEN, READ)
    code, out = check()
    assert code == 0
    assert "sandbox@1 in run 1: 1 pass, 1 could not tell, 1 to be read." in out
    assert "case 2 could not tell: neither response is preferred" in out
    assert "Since" not in out


def test_one_that_fails_makes_the_check_fail_and_the_next_version_says_so(opened: Workspace, check: Check) -> None:
    add(opened, PAIR, replace(PAIR, preferred="b"))
    assert check()[0] == 1
    with opened.writing() as session:
        _, constitution = constitutions.load_version(session, "sandbox")
        constitutions.save_version(session, replace(constitution, description="2"), author="", message="")
    code, out = check()
    assert code == 1
    assert "sandbox@2 in run 2: 1 pass, 1 fail." in out
    assert "Since sandbox@1 (run 1): 0 changed, 0 from pass to fail, 0 from fail to pass." in out
    with opened.writing() as session:
        cases.retire(session, 2)
    assert check()[0] == 0


def test_a_principle_that_is_gone_makes_the_check_fail(opened: Workspace, check: Check) -> None:
    add(opened, PAIR)
    assert check()[0] == 0
    with opened.writing() as session:
        _, constitution = constitutions.load_version(session, "sandbox")
        without = tuple(one for one in constitution.principles if one.id != "privacy")
        constitutions.save_version(session, replace(constitution, principles=without), author="", message="")
    code, out = check(as_json=True)
    report = json.loads(out)
    assert code == 1
    assert (report["version"], report["states"]) == ("sandbox@2", {"failed": 1})
    assert report["before"] == {"run": 1, "version": "sandbox@1"}
    assert report["changed"] == {"all": 1, "from_pass_to_fail": 0, "from_fail_to_pass": 0}
    [row] = report["cases"]
    assert (row["state"], row["before"], row["p_a"]) == ("failed", "pass", None)
    assert row["why"] == "the version has no principle 'privacy'"
    assert check("sandbox@1")[0] == 0


def test_all_cases_of_many_pages_are_printed(opened: Workspace, check: Check) -> None:
    ids = add(opened, *(replace(READ, turns=(user(f"How {n}?"),)) for n in range(53)))
    report = json.loads(check(as_json=True)[1])
    assert [row["id"] for row in report["cases"]] == ids
    assert report["alike"] is True


def test_a_check_that_cannot_be_made_is_an_error(
    opened: Workspace, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RunError, match="has no cases to run"):
        check()
    add(opened, READ)

    def broken(*_: object, **_more: object) -> None:
        raise RunError("the moon is full. Wait.")

    monkeypatch.setattr(common, "load_text_model", broken)
    assert check()[0] == 2


def test_cases_are_added_listed_and_retired(opened: Workspace, call: Call) -> None:
    out, _ = call("cases", "add", "sandbox", "How $1 [bold]?", "--hope", "Which is kinder?", "--principle", "privacy")
    assert out.strip() == "case 1 of sandbox."
    out, _ = call("cases", "add", "sandbox", "How?", "-a", "No.", "-b", "Yes.", "--preferred", "a", "--json")
    assert json.loads(out) == {"id": 2}
    out, _ = call("cases", "list", "sandbox")
    assert "How $1 [bold]?" in out
    assert "prefers a" in out
    call("cases", "retire", "1")
    rows = json.loads(call("cases", "list", "sandbox", "--json")[0])
    assert [row["id"] for row in rows] == [2]
    rows = json.loads(call("cases", "list", "sandbox", "--retired", "--json")[0])
    assert [(row["id"], row["retired"]) for row in rows] == [(1, True), (2, False)]


def test_cases_go_out_and_in_again_the_same(opened: Workspace, call: Call, tmp_path: Path) -> None:
    add(opened, PAIR, READ)
    path = tmp_path / "cases.jsonl"
    out, _ = call("cases", "export", "sandbox", "-o", str(path))
    assert out == f"2 cases written to {path}.\n"
    assert call("cases", "export", "sandbox")[0] == path.read_text()
    assert call("cases", "import", "sandbox", str(path))[0].strip() == "0 cases added, 2 were known."
    with opened.writing() as session:
        constitution = constitutions.load_version(session, "sandbox")[1]
        constitutions.save_version(session, replace(constitution, name="copy"), author="", message="")
    assert json.loads(call("cases", "import", "copy", str(path), "--json")[0]) == {"added": 2, "known": 0}
    assert call("cases", "export", "copy")[0] == path.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "nope"), "there is no constitution 'nope' here. There are: harmlessness, sandbox."),
        (("export", "nope"), "there is no constitution 'nope' here"),
        (("add", "nope", "How?"), "there is no constitution 'nope'"),
        (("add", "sandbox", "How?", "--preferred", "a"), "a pair needs two responses"),
        (("add", "sandbox", "How?", "--principle", "gone"), "no version of 'sandbox' has a principle 'gone'"),
        (("retire", "7"), "there is no case 7"),
        (("import", "sandbox", "/nowhere"), "/nowhere cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said(opened: Workspace, call: Call, words: tuple[str, ...], said: str) -> None:
    _, error = call("cases", *words, code=2)
    assert said in error


def test_a_cases_run_is_a_run_like_others(opened: Workspace, at_once: None, call: Call) -> None:
    add(opened, PAIR)
    out, _ = call("run", "cases", "-c", "constitution=sandbox", "--model", "scripted", "--wait", "--json")
    assert json.loads(out)["result"]["states"] == {"pass": 1}
    assert "cases" in call("runs", "list")[0]
