"""`cai-studio constitution ...`: in and out in all formats, compared, checked, and beside its file."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cai_core.cli import cases, constitution_diff
from cai_core.constitution.load import dump_constitution, load_constitution
from cai_core.store import constitutions, shipped
from cai_core.store.workspace import Workspace
from cai_core.types import ComparisonShot, Constitution, FewShots, Principle, assistant, user
from tests.cai_core.cli.conftest import Call
from tests.workspaces import GOOD

LANGCHAIN = [{"name": "kind", "critique_request": "What is unkind?", "revision_request": "Make it kind."}]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "list.json"
    path.write_text(json.dumps(LANGCHAIN))
    return path


def refs(opened: Workspace) -> list[str]:
    with opened.reading() as session:
        return [row["ref"] for row in constitutions.newest_versions(session)]


def as_json(call: Call, *argv: str, code: int = 0) -> Any:
    return json.loads(call("constitution", *argv, "--json", code=code)[0])


# --- in ----------------------------------------------------------------------------------------------------


def test_a_dry_run_saves_nothing_and_an_import_saves_one_version(opened: Workspace, call: Call, listed: Path) -> None:
    before = refs(opened)
    report = as_json(call, "import", str(listed), "--dry-run")
    assert (report["format"], report["name"], report["accepted"], report["ref"]) == ("langchain", "list", 1, None)
    assert refs(opened) == before
    report = as_json(call, "import", str(listed), "--name", "mine", "--author", "me", "-m", "why")
    assert (report["ref"], report["refused"], report["lost"]) == ("mine@1", [], [])
    with opened.reading() as session:
        row = constitutions.version_row(session, "mine")
        assert (row.author, row.message) == ("me", "why")
    # What says nothing new makes no version.
    assert as_json(call, "import", str(listed), "--name", "mine")["ref"] == "mine@1"


def test_an_import_comes_in_whole_or_not_at_all(opened: Workspace, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_text(json.dumps([*LANGCHAIN, {"name": "bad\x1b[31m", "critique_request": "\0"}]))
    before = refs(opened)
    said, error = call("constitution", "import", str(path), code=2)
    assert "1 of 2 entries cannot be used, so nothing came in" in error
    assert "U+0000" in said
    assert "\x1b" not in said + error
    assert refs(opened) == before
    report = as_json(call, "import", str(path), code=2)
    assert (report["ref"], [one["row"] for one in report["refused"]]) == (None, [2])
    report = as_json(call, "import", str(path), "--skip-refused")
    assert (report["ref"], report["accepted"]) == ("some@1", 1)


def test_votes_and_seeds_are_passed_on(opened: Workspace, call: Call, tmp_path: Path) -> None:
    table = tmp_path / "poll.csv"
    table.write_text("statement,agree,disagree\nOne,9,1\nTwo,1,9\n")
    report = as_json(call, "import", str(table), "--min-agreement", "0.6")
    assert [(one["state"], one["note"]) for one in report["entries"]] == [
        ("changed", "90% agree"),
        ("left_out", "10% agree; 60% is asked for"),
    ]
    shots = tmp_path / "shots.json"
    entry = {"prompt": "\n\nHuman: Hi\n\nAssistant:", "corrects": ["a"], "incorrects": ["b"]}
    shots.write_text(json.dumps([entry]))
    sides = {
        as_json(call, "import", str(shots), "--dry-run", "--seed", str(n))["entries"][-1]["note"] for n in range(9)
    }
    assert len(sides) == 2
    assert opened


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["--name", "../etc"], "a name is one line"),
        (["--format", "xml"], "no format 'xml'"),
        (["--format", "hf"], '"constitutions" is wanted'),
        (["--min-agreement", "7", "--format", "votes"], "between 0 and 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    opened: Workspace, call: Call, listed: Path, argv: list[str], why: str
) -> None:
    _, error = call("constitution", "import", str(listed), *argv, code=2)
    assert why in error
    assert opened


# --- out ---------------------------------------------------------------------------------------------------


def test_export_prints_or_writes_and_says_what_is_lost(opened: Workspace, call: Call, tmp_path: Path) -> None:
    said, lost = call("constitution", "export", "sandbox", "--format", "langchain")
    assert json.loads(said)[0].keys() == LANGCHAIN[0].keys()
    assert "not in this format: the name 'sandbox'." in lost
    out = tmp_path / "out.yaml"
    assert "written to" in call("constitution", "export", "sandbox@1", "--out", str(out))[0]
    with opened.reading() as session:
        assert load_constitution(out) == constitutions.load_version(session, "sandbox")[1]
    found = as_json(call, "export", "sandbox", "--format", "hf")
    assert found["ref"] == "sandbox@1"
    assert list(found["files"]) == ["constitution.json"]


def test_several_files_need_a_folder_of_their_own(opened: Workspace, call: Call, tmp_path: Path) -> None:
    _, error = call("constitution", "export", "sandbox", "--format", "paper", code=2)
    assert "name a folder for them with --out" in error
    folder = tmp_path / "paper"
    written = as_json(call, "export", "sandbox", "--format", "paper", "--out", str(folder))["written"]
    assert sorted(written) == sorted(map(str, folder.iterdir()))
    call("constitution", "export", "sandbox", "--format", "paper", "--out", str(folder))
    (folder / "other.json").write_text("[]")
    _, error = call("constitution", "export", "sandbox", "--format", "paper", "--out", str(folder), code=2)
    assert "holds other.json already" in error
    (folder / "other.json").unlink()
    assert as_json(call, "import", str(folder), "--dry-run")["format"] == "paper"
    assert opened


def test_out_of_one_workspace_into_another(
    opened: Workspace, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "taken.yaml"
    call("constitution", "export", "harmlessness", "--out", str(path))
    other = str(tmp_path / "other")
    monkeypatch.setenv("CAI_STUDIO_HOME", other)
    call("db", "upgrade")
    assert as_json(call, "import", str(path), "--name", "taken")["ref"] == "taken@1"
    found = as_json(call, "diff", "harmlessness", "taken")
    assert [one["name"] for one in found["fields"]] == ["name"]
    assert (found["principles"], found["few_shots"]) == ([], [])
    assert opened


def test_a_list_holds_nothing_that_a_terminal_would_obey(opened: Workspace, call: Call, listed: Path) -> None:
    call("constitution", "import", str(listed), "--author", "\x1b[31mAda")
    said, _ = call("constitution", "list")
    assert "\\x1b[31mAda" in said
    assert "\x1b" not in said
    assert opened


# --- compared ----------------------------------------------------------------------------------------------

OLD = Constitution(
    "c",
    "Old.",
    (
        Principle("a", "A", comparison="Choose the one that is more calm and kind to them."),
        Principle("b", "B", comparison="Which?"),
        Principle("c", "C", comparison="Which one?"),
    ),
    FewShots(comparison=(ComparisonShot((user("Hi"),), "Which?", "one", "two", "A"),)),
)
NEW = replace(
    OLD,
    description="New.",
    principles=(
        OLD.principles[2],
        replace(OLD.principles[0], weight=2.0, comparison="Choose the one that is more wise and kind to them."),
        Principle("d", "D\x1b[31m\u202e", comparison="Which two?"),
    ),
    few_shots=FewShots(
        comparison=(
            ComparisonShot((user("Hi"),), "Which?", "one", "three", "A"),
            ComparisonShot((user("Ho"),), "Which?", "1", "2", "B"),
        )
    ),
)


def test_a_diff_line_by_line() -> None:
    assert constitution_diff.as_lines(OLD, NEW) == [
        "    description: [-Old-]{+New+}.",
        "  principle c (moved)",
        "~ principle a",
        "    comparison: Choose the one that is more [-calm-]{+wise+} and kind to them.",
        "    weight: 1.0 -> 2.0",
        "- principle b",
        "    title: B",
        "    kind: harmlessness",
        "    comparison: Which?",
        "    weight: 1.0",
        "    enabled: True",
        "+ principle d",
        "    title: D\\x1b[31m\\u202e",
        "    kind: harmlessness",
        "    comparison: Which two?",
        "    weight: 1.0",
        "    enabled: True",
        "~ few-shot comparison 1",
        "    response_b: [-two-]{+three+}",
        "+ few-shot comparison 2",
    ]


def test_few_shots_that_changed_places_are_moved() -> None:
    shots = NEW.few_shots.comparison
    swapped = replace(NEW, few_shots=FewShots(comparison=shots[::-1]))
    assert constitution_diff.as_lines(NEW, swapped) == ["  few-shot comparison 1 (moved)"]
    (found,) = constitution_diff.as_plain(NEW, swapped)["few_shots"]
    assert (found["number"], found["change"], found["moved"], found["fields"]) == (1, "same", True, [])
    asked = replace(shots[0], conversation=(user("Hi"), assistant("Hm"), user("So?")))
    other = replace(NEW, few_shots=FewShots(comparison=(asked, shots[1])))
    assert constitution_diff.as_lines(NEW, other) == [
        "~ few-shot comparison 1",
        "    conversation: user: Hi{+",
        "    assistant: Hm",
        "    user: So?+}",
    ]


def test_a_diff_of_files_and_versions(opened: Workspace, call: Call, tmp_path: Path) -> None:
    a, b = tmp_path / "a.yaml", tmp_path / "b.yaml"
    a.write_text(dump_constitution(OLD))
    b.write_text(dump_constitution(replace(NEW, principles=NEW.principles[:2])))
    call("constitution", "save", str(a))
    said, _ = call("constitution", "diff", "c@1", str(b))
    assert "~ principle a" in said
    found = as_json(call, "diff", str(a), str(b))
    assert found["same"] is False
    assert [(one["id"], one["change"], one["moved"]) for one in found["principles"]] == [
        ("c", "same", True),
        ("a", "changed", False),
        ("b", "removed", False),
    ]
    names = ("list", "number", "change", "moved")
    assert [tuple(one[name] for name in names) for one in found["few_shots"]] == [
        ("comparison", 1, "changed", False),
        ("comparison", 2, "added", False),
    ]
    assert found["few_shots"][0]["fields"] == [{"name": "response_b", "before": "two", "after": "three"}]
    assert call("constitution", "diff", "c", str(a), "--exit-code")[0] == "no difference.\n"
    call("constitution", "diff", "c", str(b), "--exit-code", code=1)
    _, error = call("constitution", "diff", "c@2", str(b), code=2)
    assert "no constitution 'c@2'" in error
    assert opened


# --- checked -----------------------------------------------------------------------------------------------


def test_check_takes_files_and_versions_and_validate_still_works(opened: Workspace, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    for argv in (["check", str(path)], ["check", "sandbox@1"], ["validate", str(path)]):
        assert "is fine." in call("constitution", *argv)[0]
    path.write_text(GOOD.replace("What is unkind?", "Is {principle} kind?"))
    (found,) = [one for one in as_json(call, "check", str(path))["advice"] if "{principle}" in one["text"]]
    assert found["place"] == "kind, critique_request"
    path.write_text(GOOD.replace("Be kind", "''"))
    for command in ("check", "validate"):
        _, error = call("constitution", command, str(path), code=2)
        assert "principle 'kind' (number 1)" in error
    assert "validate" not in call("constitution", "--help")[0]
    assert opened


def test_check_with_cases_hands_over(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(cases, "check_cases", lambda *args, **options: asked.append((args, options)))
    call("constitution", "check", "sandbox@1", "--cases", "--model", "m", "--judge", "j", "--seed", "3", "--json")
    assert asked == [((None, "sandbox@1"), {"model": "m", "judge": "j", "seed": 3, "as_json": True})]
    _, error = call("constitution", "check", str(tmp_path / "c.yaml"), "--cases", code=2)
    assert "cases are tried on a saved version" in error


# --- beside its file ---------------------------------------------------------------------------------------


def test_status_write_edit_and_save(
    opened: Workspace, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "CONSTITUTIONS", tmp_path / "none")

    def state(name: str) -> str:
        (found,) = [one for one in as_json(call, "status") if one["name"] == name]
        return str(found["state"])

    assert state("sandbox") == "only_database"
    path = Path(as_json(call, "write", "sandbox")["path"])
    assert path == opened.folder / "constitutions" / "sandbox.yaml"
    assert state("sandbox") == "same"
    path.write_text("# Mine.\n" + path.read_text().replace("title: ", "title: My ", 1))
    assert state("sandbox") == "file_changed"
    assert "edited on disk" in call("constitution", "status")[0]
    _, error = call("constitution", "write", "sandbox", code=2)
    assert "would lose them" in error
    call("constitution", "save", str(path))
    assert state("sandbox") == "same"
    call("constitution", "write", "sandbox@1")
    assert state("sandbox") == "database_newer"
    assert path.read_text().startswith("# Mine.\n")
    (path.parent / "bad.yaml").write_text("a: [\n")
    said, _ = call("constitution", "status")
    assert "bad.yaml: cannot be read" in said
