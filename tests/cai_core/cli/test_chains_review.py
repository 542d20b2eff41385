"""`cai-studio chains`: reading and reviewing from the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cai_core.cli.root import app
from cai_core.store import measures
from tests.app.seed import seeded

Run = Callable[..., Result]


@pytest.fixture
def run(workspace: Path) -> Run:
    """A command on a seeded workspace."""
    loop = seeded(workspace, rows=4)
    measures.measure_missing(loop)
    loop.close()

    def command(*words: str) -> Result:
        return CliRunner().invoke(app, ["chains", *words], catch_exceptions=True)

    return command


def told(found: Result) -> Any:
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_chains_are_listed_by_conditions_reviewed_and_read(run: Run) -> None:
    rows = told(run("list", "--filter", "kind=red_team", "--filter", "gate=refusal", "--json"))
    assert rows
    assert all("refusal" in row["hits"] and row["kind"] == "red_team" for row in rows)
    first = str(rows[0]["id"])
    assert told(run("review", first, "reject", "--note", "scolds", "--as", "Ada", "--json"))["new"]
    assert not told(run("review", first, "reject", "--note", "scolds", "--as", "Ada", "--json"))["new"]
    assert run("review", first, "accept", "--as", "Bob").stdout == f"chain {first}: accept.\n"
    shown = told(run("show", first, "--json"))
    assert [(one["name"], one["verdict"], one["note"]) for one in shown["verdicts"]] == [
        ("Ada", "reject", "scolds"),
        ("Bob", "accept", ""),
    ]
    assert "Ada: reject scolds" in run("show", first).stdout
    (pair,) = told(run("agreement", "--json"))
    assert (pair["first"], pair["second"], pair["chains"], pair["share"]) == ("Ada", "Bob", 1, 0.0)
    left = told(run("list", "--queue", "unreviewed", "--as", "Ada", "--json"))
    assert first not in [str(row["id"]) for row in left]
    assert told(run("undo", "--as", "Ada", "--json")) == {"chain": int(first), "verdict": "reject", "stands": "none"}


def test_a_filter_is_saved_and_used_by_name(run: Run) -> None:
    run("filters", "save", "ours", "--filter", "kind=helpful")
    assert told(run("filters", "list", "--json")) == {"ours": {"kind": "helpful"}}
    assert {row["kind"] for row in told(run("list", "--saved", "ours", "--json"))} == {"helpful"}
    run("filters", "drop", "ours")
    assert told(run("filters", "list", "--json")) == {}


def test_what_cannot_be_is_said(run: Run) -> None:
    for words, wrong in (
        (("list", "--filter", "gate=rude"), "none of preamble"),
        (("list", "--filter", "gate"), "it is KEY=VALUE"),
        (("list", "--saved", "none"), "no saved filter 'none'"),
        (("show", "999999"), "no chain 999999"),
        (("review", "999999", "accept", "--as", "Ada"), "no chain 999999"),
    ):
        found = run(*words)
        assert found.exit_code != 0
        assert wrong in str(found.exception)
