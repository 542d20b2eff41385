"""What a probe finds of servers that can do this and not that, and what it says of them."""

from typing import Any

import pytest

from cai_core.errors import ModelError
from cai_core.models.endpoint import EndpointModel
from cai_core.models.endpoint_facts import with_facts
from cai_core.models.endpoint_probe import probe
from cai_core.types import Choice, Choose, Endpoint, ModelRef, assistant, user
from tests.fake_server import BEGUN, MODEL, Fake, serving

CHAT_ONLY = frozenset({"chat/completions", "models"})


def found(fake: Fake, **settings: Any) -> dict[str, Any]:
    with serving(fake):
        return probe(ModelRef(fake.url, endpoint=Endpoint(**{"model": MODEL, **settings})))


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_server_that_can_do_all(api: str) -> None:
    facts = found(Fake(context=4096), api=api)
    assert facts == {
        "model": MODEL,
        "api": api,
        "context_length": 4096,
        "seeds": "repeat",
        "stop": True,
        "n": True,
        "goes_on": True if api == "chat" else None,
        "completions": True,
        "top_logprobs": 20,
        "prompt_logprobs": True,
        "thinks": False,
        "stages": dict.fromkeys(("response", "critique", "revision", "ask", "feedback", "judge"), True),
        "remarks": [],
    }


@pytest.mark.parametrize(
    ("fake", "expected", "remark"),
    [
        (Fake(unknown_fields=frozenset(BEGUN)), {"goes_on": False, "top_logprobs": 20}, "as plain text"),
        (Fake(ignores=frozenset(BEGUN)), {"goes_on": False, "top_logprobs": 20}, "as plain text"),
        (Fake(ignores=frozenset({"seed"})), {"seeds": "unknown"}, "one text for every seed"),
        (Fake(unknown_fields=frozenset({"seed"})), {"seeds": "refused"}, "takes no seeds"),
        (Fake(ignores=frozenset({"stop"})), {"stop": False}, "no stop strings"),
        (Fake(ignores=frozenset({"n"})), {"n": False}, None),
        (Fake(unknown_fields=frozenset({"n"})), {"n": False}, None),
        (Fake(most_logprobs=5), {"top_logprobs": 5}, None),
        (Fake(most_logprobs=0), {"top_logprobs": 0}, "cannot label or judge"),
        (Fake(thinks="<think>Hm.</think>"), {"thinks": True}, "room for it"),
        (Fake(paths=CHAT_ONLY), {"completions": False, "prompt_logprobs": False, "goes_on": True}, None),
        (Fake(paths=frozenset({"chat/completions"})), {"context_length": None}, None),
        (Fake(unknown_fields=frozenset({"prompt_logprobs"})), {"prompt_logprobs": False}, None),
        (Fake(usage=False), {"goes_on": False}, "as plain text"),
    ],
)
def test_what_is_missing_is_found(fake: Fake, expected: dict[str, Any], remark: str | None) -> None:
    facts = found(fake)
    assert {name: facts[name] for name in expected} == expected
    assert len(facts["remarks"]) == (remark is not None), facts["remarks"]
    assert remark is None or remark in facts["remarks"][0]


def test_log_probabilities_that_are_silently_left_out_are_found_with_the_way_out() -> None:
    facts = found(Fake(ignores=frozenset({"logprobs"})))
    assert (facts["top_logprobs"], facts["stages"]["feedback"], facts["stages"]["judge"]) == (0, False, False)
    assert facts["stages"]["revision"]
    assert "transformers serve" in facts["remarks"][0]
    assert "vLLM" in facts["remarks"][0]


def test_a_chat_that_can_neither_go_on_nor_complete_cannot_label() -> None:
    facts = found(Fake(unknown_fields=frozenset(BEGUN), paths=CHAT_ONLY))
    assert not facts["stages"]["feedback"]
    assert "local model" in facts["remarks"][0]


@pytest.mark.parametrize(
    "fake", [Fake(), Fake(unknown_fields=frozenset(BEGUN)), Fake(most_logprobs=5, unknown_fields=frozenset({"seed"}))]
)
def test_an_endpoint_with_its_facts_asks_so_that_the_server_answers(fake: Fake) -> None:
    facts = found(fake)
    with serving(fake):
        asked = EndpointModel(ModelRef(fake.url, endpoint=with_facts(Endpoint(MODEL), facts)))
        [(_, choice)] = asked.answer([("0", Choose((user("Q"), assistant("The answer is:")), (" (A)", " (B)")))])
    assert isinstance(choice, Choice)
    assert choice.mass > 0.5


def test_an_unnamed_model_is_the_only_one_listed() -> None:
    assert found(Fake(), model="")["model"] == MODEL
    with pytest.raises(ModelError, match="lists none"):
        found(Fake(paths=CHAT_ONLY - {"models"}), model="")


def test_a_busy_server_is_asked_again() -> None:
    assert found(Fake(trouble=lambda number, _: "429" if number % 3 == 0 else None))["top_logprobs"] == 20


@pytest.mark.parametrize(
    ("fake", "settings", "words"),
    [
        (Fake(), {"model": "other"}, "does not exist"),
        (Fake(key="k"), {}, "wants a key"),
        (Fake(trouble=lambda *_: "500"), {}, "500"),
        (Fake(paths=frozenset({"models"})), {}, "base URL"),
    ],
)
def test_a_server_that_answers_nothing_is_an_error_in_words(fake: Fake, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        found(fake, **settings)


def test_nobody_there_is_an_error_in_words() -> None:
    with serving() as fake:
        gone = fake.url
    with pytest.raises(ModelError, match="Start the server"):
        probe(ModelRef(gone, endpoint=Endpoint("")))
