"""`cai-studio datasets`: freeze, list and show, for people and for programs."""

import json

import pytest

from cai_core.cli import main
from cai_core.store.workspace import Workspace
from tests.made_chains import chain, store


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["datasets", *words])
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out, out.err


def test_a_dataset_is_counted_frozen_listed_and_shown(opened: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    store(opened, [chain(n, ["r1", "cut…"]) for n in range(4)])
    code, out, _ = told(capsys, "freeze", "mine", "--dry-run", "--json")
    assert (code, json.loads(out)["left_out"]) == (0, {"left_out_cut": 4})
    assert json.loads(told(capsys, "list", "--json")[1]) == []

    words = ("freeze", "mine", "--filter", "run=1", "--heldout", "0.5", "--author", "ann", "--json")
    made = json.loads(told(capsys, *words)[1])
    assert (made["counts"]["train"], made["counts"]["heldout"], made["author"]) == (2, 2, "ann")
    assert made["recipe"]["filter"] == {"run": "1"}
    assert json.loads(told(capsys, "show", "mine", "--json")[1]) == made
    assert made["hash"][:12] in told(capsys, "list")[1]
    assert "left out 4: cut at the token limit" in told(capsys, "show", "mine")[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "none"), "there is no dataset 'none'"),
        (("freeze", "x", "--filter", "run"), "--filter 'run' cannot be read"),
        (("freeze", "x", "--filter", "colour=red"), "chains are not filtered by 'colour'"),
        (("freeze", "x", "--verdicts", "some"), "verdicts"),
        (("freeze", "x"), "no chain gives anything to train on"),
    ],
)
def test_what_is_wrong_is_said(
    opened: Workspace, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    code, _, error = told(capsys, *words)
    assert code == 2
    assert says in error
