"""`cai-studio prompts ...`."""

import json
from pathlib import Path
from typing import Any

import pytest

from cai_core.store.workspace import Workspace
from tests.cai_core.cli.conftest import Call


def as_json(printed: tuple[str, str]) -> Any:
    return json.loads(printed[0])


@pytest.fixture
def mine(tmp_path: Path, opened: Workspace, call: Call) -> Workspace:
    """Six prompts of a set of their own, two of them nearly the same."""
    file = tmp_path / "mine.txt"
    same = "how do I get the lime out of a kettle without any harsh thing in number"
    file.write_text("\n".join(["one", "two", "three", "four", f"{same} 1", f"{same} 2"]))
    call("import", "prompts", str(file), "--kind", "helpful")
    return opened


def test_sets_list_and_show(mine: Workspace, call: Call) -> None:
    sets = as_json(call("prompts", "sets", "--json"))
    assert {"name": "mine", "count": 6, "kinds": {"helpful": 6}, "splits": {"train": 6}} in sets
    found = as_json(call("prompts", "list", "--set", "mine", "--filter", "text=kettle", "--json"))
    assert (found["prompts"], found["used"], len(found["rows"])) == (2, 0, 2)
    shown = as_json(call("prompts", "show", str(found["rows"][0]["id"]), "--json"))
    assert shown["turns"][0][1].endswith("number 1")
    for words in (("sets",), ("list", "-f", "source=mine"), ("show", str(shown["id"]))):
        assert "mine" in call("prompts", *words)[0]


def test_each_verb_counts_in_a_dry_run_and_then_does_it(mine: Workspace, call: Call) -> None:
    for verb, expected in (
        (("tag", "hard"), {"changed": 6}),
        (("split", "test"), {"changed": 6, "kept": 0}),
        (("sample", "2", "few"), {"tagged": 2}),
        (("delete",), {"removed": 6}),
    ):
        dry = as_json(call("prompts", *verb, "--set", "mine", "--dry-run", "--json"))
        done = as_json(call("prompts", *verb, "--set", "mine", "--json"))
        assert {**done, "dry_run": True} == dry, verb
        assert expected.items() <= done.items(), verb
    assert not [one for one in as_json(call("prompts", "sets", "--json")) if one["name"] == "mine"]


def test_near_duplicates_are_only_found_unless_told(mine: Workspace, call: Call) -> None:
    found = as_json(call("prompts", "dedupe", "mine", "--json"))
    assert (found["near_duplicates"], found["removed"], found["tagged"]) == (1, 0, 0)
    assert "1 tagged" in call("prompts", "dedupe", "mine", "--tag", "again")[0]
    assert as_json(call("prompts", "dedupe", "mine", "--remove", "--json"))["removed"] == 1
    assert as_json(call("prompts", "list", "--set", "mine", "--json"))["prompts"] == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "-f", "size=1"), "not filtered by 'size'"),
        (("list", "-f", "size"), "it is KEY=VALUE"),
        (("show", "99999999"), "no prompt 99999999"),
        (("delete",), "no filter is given"),
        (("dedupe", "sandbox", "--tag", "x", "--remove"), "not both"),
        (("dedupe", "none"), "no prompt set 'none'"),
        (("split", "most"), "cannot be"),
    ],
)
def test_what_cannot_be_done_is_said(opened: Workspace, call: Call, words: tuple[str, ...], said: str) -> None:
    assert said in call("prompts", *words, code=2)[1]
