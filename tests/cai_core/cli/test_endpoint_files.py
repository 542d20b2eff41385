"""Endpoints from the command line: looked at, added, and refused in words without a trace of the key."""

import json
from typing import Any

import pytest

from cai_core.store import models
from cai_core.store.workspace import Workspace
from tests.cai_core.cli.conftest import Call
from tests.fake_server import MODEL, Fake, serving


def added(opened: Workspace, name: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    with opened.reading() as session:
        row = models.get(session, name)
    return row.base, row.endpoint or {}, row.facts


def test_doctor_says_what_a_server_can_serve(call: Call) -> None:
    with serving() as fake:
        out, _ = call("doctor", "--endpoint", fake.url)
        facts = json.loads(call("doctor", "--endpoint", fake.url, "--api", "completions", "--json")[0])
    assert f"serves '{MODEL}' (chat)" in out
    assert "it can serve: response, critique, revision, ask, feedback, judge\n" in out
    assert facts["stages"]["judge"] is True
    assert (facts["api"], facts["url"]) == ("completions", fake.url)


def test_doctor_says_what_it_cannot_and_the_way_out(call: Call) -> None:
    with serving(Fake(ignores=frozenset({"logprobs"}))) as fake:
        out, _ = call("doctor", "--endpoint", fake.url)
    assert "it cannot: feedback, judge" in out
    assert "vLLM" in out


def test_an_endpoint_is_added_with_its_facts_and_found_by_a_run(opened: Workspace, call: Call, idle: None) -> None:
    with serving(Fake(context=4096)) as fake:
        words = (
            "--endpoint",
            fake.url.removesuffix("/v1"),
            "--name",
            "mine",
            "-c",
            "price_in=1",
            "-c",
            "price_out=2.5",
        )
        out, _ = call("import", "model", *words)
    assert "added as 'mine'" in out
    base, settings, facts = added(opened, "mine")
    assert base == fake.url
    assert (settings["model"], settings["price_out"], settings["key_env"]) == (MODEL, 2.5, None)
    assert facts["context_length"] == 4096
    call("run", "chains", "-c", "constitution=sandbox", "--model", "mine")


def test_a_name_is_made_of_model_and_host(opened: Workspace, call: Call) -> None:
    with serving() as fake:
        found = json.loads(call("import", "model", "--endpoint", fake.url, "--json")[0])
    assert found["name"] == f"{MODEL} at {fake.url.removeprefix('http://').removesuffix('/v1')}"
    assert added(opened, found["name"])[0] == fake.url


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--endpoint", "{url}", "--model", "other"), "does not exist"),
        (("--endpoint", "{url}", "--key-env", "FAKE_KEY"), "FAKE_KEY is not set"),
        (("--endpoint", "{url}", "--key-env", "sk-1234"), "not the key"),
        (("--endpoint", "{url}", "-c", "max_requests=0"), "max_requests"),
        (("--endpoint", "{url}", "-c", "key=abc"), "Accepted settings"),
        (("--endpoint", "{url}", "--name", "rl-cai-3"), "Choose another"),
        (("--endpoint", "ftp://x"), "no base URL"),
        (("--endpoint", "http://127.0.0.1:9/v1"), "Start the server"),
        (("--endpoint", "{url}", "some/model"), "Leave them out"),
        (("--endpoint", "{url}", "--role", "preference"), "Leave them out"),
        (("some/model", "--key-env", "FAKE_KEY"), "Give one of them"),
        ((), "Give one of them"),
    ],
)
def test_what_cannot_be_added_is_said_and_nothing_is_written(
    opened: Workspace, call: Call, words: tuple[str, ...], said: str
) -> None:
    with serving() as fake:
        _, error = call("import", "model", *(word.format(url=fake.url) for word in words), code=2)
    assert said in error
    assert "1234" not in error
    with opened.reading() as session:
        assert not [row for row in session.query(models.ModelRow) if row.endpoint]


def test_doctor_names_a_key_that_is_missing_here(
    opened: Workspace, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_KEY", "right-secret")
    with serving(Fake(key="right-secret")) as fake:
        call("import", "model", "--endpoint", fake.url, "--key-env", "FAKE_KEY", "--name", "mine")
    monkeypatch.delenv("FAKE_KEY")
    out, _ = call("doctor", code=1)
    assert "model 'mine' wants its key in FAKE_KEY" in out
    database = b"".join(path.read_bytes() for path in opened.folder.rglob("*") if path.is_file())
    assert b"FAKE_KEY" in database
    assert b"right-secret" not in database
