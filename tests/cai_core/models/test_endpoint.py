"""An endpoint as a model, against a strict server: no row lost, none doubled, none mislabelled, whatever goes wrong."""

import asyncio
import gc
import socket
import threading
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx2
import psutil
import pytest

from cai_core.errors import ModelError
from cai_core.models.endpoint import EndpointModel
from cai_core.models.endpoint_flight import TRIES, Clock
from cai_core.models.endpoint_pace import Pace
from cai_core.models.load import load_text_model
from cai_core.types import Answer, Choice, Choose, Endpoint, Failed, Failure, ModelRef, Sample, Text, assistant, user
from tests.fake_server import MODEL, TROUBLES, Body, Fake, few_times, serving, soft_tokens, text_for

OPTIONS = (" (A)", " (B)")


class Hours:
    """A clock that only sleeping moves, by as much."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def clock(self) -> Clock:
        async def sleep(seconds: float) -> None:
            self.time += seconds
            self.slept.append(seconds)
            await asyncio.sleep(0)

        return Clock(lambda: self.time, sleep)


def model(fake: Fake, hours: Hours | None = None, **settings: Any) -> EndpointModel:
    endpoint = Endpoint(MODEL, **{"timeout": 30.0, **settings})
    return EndpointModel(ModelRef(fake.url, endpoint=endpoint), clock=(hours or Hours()).clock(), rng=Random(0))


def samples(count: int, first: int = 0) -> Iterator[tuple[str, Sample]]:
    for number in range(first, first + count):
        yield str(number), Sample((user(f"question {number}"),), seed=number, max_new_tokens=64)


def choices(count: int) -> Iterator[tuple[str, Choose]]:
    for number in range(count):
        yield str(number), Choose((user(f"question {number}"), assistant("The answer is:")), OPTIONS)


def expected(key: str) -> str:
    return text_for(f"user: question {key}", {"seed": int(key)})


def all_right(answers: list[tuple[str, Answer]], count: int) -> bool:
    """Every key once, each with the answer that is its own."""
    keys = sorted(int(key) for key, _ in answers)
    return keys == list(range(count)) and all(isinstance(a, Text) and a.text == expected(key) for key, a in answers)


def test_what_goes_to_this_machine_goes_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as fake:
        assert all_right(list(model(fake).answer(samples(2))), 2)


def test_every_request_has_its_own_answer() -> None:
    with serving() as fake:
        asked = model(fake)
        assert all_right(list(asked.answer(samples(100))), 100)
    assert asked.use.requests == 100
    assert (asked.use.prompt_tokens, asked.use.completion_tokens, asked.use.uncounted) == (400, 500, 0)


@pytest.mark.parametrize("trouble", [one for one in TROUBLES if one != "hang"])
def test_one_trouble_among_many_answers_costs_another_try_and_no_row(trouble: str) -> None:
    with serving(Fake(trouble=few_times(lambda number, _: trouble if number % 5 == 2 else None))) as fake:
        asked = model(fake)
        assert all_right(list(asked.answer(samples(40))), 40)
    assert set(fake.answered.values()) == {1}
    assert asked.use.sent_again == asked.use.requests - 40 > 0


def test_a_server_that_hangs_is_asked_again() -> None:
    with serving(Fake(trouble=lambda number, _: "hang" if number == 1 else None)) as fake:
        assert all_right(list(model(fake, timeout=0.5).answer(samples(6))), 6)


def test_all_troubles_at_once_lose_double_and_mislabel_nothing() -> None:
    rng = Random(5)
    kinds = [one for one in TROUBLES if one != "hang"]
    with serving(Fake(trouble=few_times(lambda *_: rng.choice(kinds) if rng.random() < 0.2 else None))) as fake:
        asked = model(fake)
        assert all_right(list(asked.answer(samples(200))), 200)
        found = dict(asked.answer(choices(100)))
    assert len(found) == 100
    for key, choice in found.items():
        assert isinstance(choice, Choice)
        prompt = {"messages": [{"role": "user", "content": f"question {key}"}]}
        prompt["messages"].append({"role": "assistant", "content": "The answer is: ("})
        tokens = soft_tokens(prompt)
        assert [round(2.718281828459045**x, 6) for x in choice.logprobs] == [round(tokens[t], 6) for t in "AB"]


def test_a_row_that_fails_where_others_do_not_is_given_up_after_a_few_tries() -> None:
    def poison(_: int, body: Body) -> str | None:
        return "500" if body["messages"][0]["content"] == "question 3" else None

    with serving(Fake(trouble=poison)) as fake:
        found = dict(model(fake).answer(samples(10)))
        alone = dict(model(fake).answer(samples(1, first=3)))
    for answers in (found, alone):
        failed = answers.pop("3")
        assert isinstance(failed, Failed)
        assert failed.failure is Failure.FAILED
        assert f"after {TRIES} tries" in failed.message
    assert all(isinstance(answer, Text) for answer in found.values())
    assert sum(body["messages"][0]["content"] == "question 3" for body in fake.seen) == 2 * TRIES


def test_a_server_that_is_gone_ends_the_answering_and_fails_no_row() -> None:
    hours = Hours()
    got: list[tuple[str, Answer]] = []
    dies = Fake(trouble=lambda number, _: None if number < 20 else "500")
    with serving(dies) as fake, pytest.raises(ModelError, match=r"answered nothing for \d+ s.*Resume"):
        got.extend(model(fake, hours).answer(samples(100)))
    assert 0 < len(got) <= 20
    assert all(isinstance(answer, Text) for _, answer in got), "rows that have their answer are kept"
    assert hours.time > 120


def test_nobody_at_the_address_ends_the_answering_in_words() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        fake = Fake(url=f"http://127.0.0.1:{free.getsockname()[1]}/v1")
    with pytest.raises(ModelError, match="connection to http"):
        list(model(fake).answer(samples(3)))


def test_a_server_that_comes_back_is_gone_on_with() -> None:
    with serving(Fake(trouble=lambda number, _: "drop" if 10 <= number < 20 else None)) as fake:
        assert all_right(list(model(fake).answer(samples(50))), 50)


def test_retry_after_is_kept() -> None:
    hours = Hours()
    with serving(Fake(trouble=lambda number, _: "429-7" if number == 0 else None)) as fake:
        assert all_right(list(model(fake, hours).answer(samples(1))), 1)
    assert 7.0 <= hours.slept[0] < 8.0


def test_a_server_that_is_only_busy_is_waited_for_longer_than_tries_last() -> None:
    with serving(Fake(trouble=lambda number, _: "429-1" if number < 4 * TRIES else None)) as fake:
        assert all_right(list(model(fake).answer(samples(1))), 1)


def test_waits_grow_where_the_server_does_not_say_how_long() -> None:
    hours = Hours()
    with serving(Fake(trouble=lambda *_: "503")) as fake, pytest.raises(ModelError, match="answered nothing"):
        list(model(fake, hours).answer(samples(1)))
    assert len(hours.slept) < 30, "a wait of a second at most would take many more to tire"
    assert max(hours.slept[-4:]) > 4 * max(hours.slept[:2])


def test_a_wait_beyond_patience_is_said_and_not_waited() -> None:
    hours = Hours()
    with serving(Fake(trouble=lambda *_: "429-3600")) as fake, pytest.raises(ModelError, match="to wait 3600 s"):
        list(model(fake, hours).answer(samples(1)))
    assert hours.slept == []


@pytest.mark.parametrize(("settings", "most"), [({"max_requests": 3}, 3), ({"max_tokens": 300}, 2)])
def test_as_many_fly_as_may_and_never_more(settings: dict[str, Any], most: int) -> None:
    """The server answers none before `most` have come; each request takes more than 100 tokens and less than 150."""
    together = threading.Barrier(most, timeout=60)

    def wait(*_: object) -> None:
        together.wait()

    with serving(Fake(trouble=wait)) as fake:
        asked = model(fake, **settings)
        asked._standing.pace = Pace(asked.endpoint.max_requests, timeout=30.0, start=64)
        assert all_right(list(asked.answer(samples(30))), 30)
    assert fake.most_flying == most


def test_requests_are_pulled_only_as_there_is_room() -> None:
    pulled: list[str] = []

    def source() -> Iterator[tuple[str, Sample]]:
        for key, sample in samples(1000):
            pulled.append(key)
            yield key, sample

    with serving() as fake:
        answers = model(fake).answer(source())
        next(answers)
        assert len(pulled) <= 4
        answers.close()


def test_a_source_that_has_more_after_its_end_is_asked_again() -> None:
    class Growing(Iterator[tuple[str, Sample]]):
        left: list[tuple[str, Sample]]

        def __next__(self) -> tuple[str, Sample]:
            if not self.left:
                raise StopIteration
            return self.left.pop()

    source = Growing()
    source.left = list(samples(1))
    with serving() as fake:
        answers = []
        for key, answer in model(fake).answer(source):
            answers.append((key, answer))
            if len(answers) < 5:
                source.left = list(samples(1, first=len(answers)))
    assert all_right(answers, 5)


def test_closing_leaves_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    before = set(threading.enumerate())
    with serving(Fake(trouble=lambda number, _: "hang" if number else None)) as fake:
        answers = model(fake, max_requests=8).answer(samples(50))
        next(answers)
        answers.close()
        gc.collect()  # an event loop or a socket that nobody closed would warn here, and warnings are errors
        port = httpx2.URL(fake.url).port
        assert [c for c in psutil.Process().net_connections() if c.raddr and c.raddr.port == port] == []
        assert [record for record in caplog.records if record.name == "asyncio"] == [], "a task was left in the air"
        ours = [t for t in set(threading.enumerate()) - before if "process_request" not in t.name]
        assert len(ours) == 1, f"beside the server's own: {ours}"


@pytest.mark.parametrize("ends", [RuntimeError, KeyError])
def test_what_the_source_or_the_listener_raises_ends_the_answering(ends: type[Exception]) -> None:
    def source() -> Iterator[tuple[str, Sample]]:
        yield from samples(2)
        raise ends("stop")

    def listener(key: str, text: str) -> None:
        raise ends("stop")

    with serving() as fake:
        with pytest.raises(ends):
            list(model(fake, max_requests=8).answer(source()))
        with pytest.raises(ends):
            list(model(fake).answer(samples(2), on_text=listener))


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_listener_hears_the_answer_grow(api: str) -> None:
    heard: dict[str, list[str]] = {}
    with serving() as fake:
        asked = model(fake, api=api)
        found = dict(asked.answer(samples(4), on_text=lambda key, text: heard.setdefault(key, []).append(text)))
    assert asked.use.completion_tokens == 20
    for key, answer in found.items():
        assert isinstance(answer, Text)
        assert heard[key][-1] == answer.text
        assert len(heard[key]) > 3
        assert all(later.startswith(earlier) for earlier, later in zip(heard[key], heard[key][1:], strict=False))


def test_streams_that_break_are_asked_for_again() -> None:
    with serving(Fake(trouble=few_times(lambda number, _: "cut" if number % 2 else None))) as fake:
        assert all_right(list(model(fake).answer(samples(20), on_text=lambda *_: None)), 20)


def test_thinking_is_no_part_of_the_answer_nor_of_what_a_listener_hears() -> None:
    heard: list[str] = []
    with serving(Fake(thinks="<think>Hm, let me see.</think>\n")) as fake:
        [(key, answer)] = model(fake).answer(samples(1), on_text=lambda _, text: heard.append(text))
    assert isinstance(answer, Text)
    assert (answer.text, answer.thinking) == (expected(key), "Hm, let me see.")
    assert not any("see" in text or "think" in text for text in heard)


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_choice_reads_the_server_s_probabilities(api: str) -> None:
    with serving(Fake(tokens=lambda _: {"A": 0.5, " A": 0.25, "B)": 0.125, "The": 0.1})) as fake:
        [(_, choice)] = model(fake, api=api).answer(choices(1))
    assert isinstance(choice, Choice)
    assert [round(2.718281828459045**x, 9) for x in choice.logprobs] == [0.75, 0.125]
    assert choice.bounded == ()


def test_a_context_that_is_too_long_is_the_row_s_own_failure() -> None:
    long = ("long", Sample((user("word " * 50),), 1, 10))
    with serving(Fake(context=40)) as fake:
        found = dict(model(fake).answer([long, ("short", Sample((user("word"),), 1, 10))]))
    assert isinstance(found["long"], Failed)
    assert found["long"].failure is Failure.TOO_LONG
    assert isinstance(found["short"], Text)


def test_what_a_server_refuses_from_the_first_ends_the_answering_and_later_fails_the_row() -> None:
    strict = Fake(unknown_fields=frozenset({"seed"}))
    with serving(strict) as fake, pytest.raises(ModelError, match=r"seed.*would refuse all"):
        list(model(fake).answer(samples(10)))

    def refuses(body: Body) -> str | None:
        return "bad words" if body["messages"][0]["content"] == "question 5" else None

    with serving(Fake(refuses=refuses)) as fake:
        found = dict(model(fake).answer(samples(10)))
    assert {key for key, answer in found.items() if isinstance(answer, Failed)} == {"5"}


def test_a_filter_s_refusal_is_the_row_s_own_even_if_it_comes_first() -> None:
    with serving(Fake(refuses=lambda _: "content_filter: the prompt was filtered")) as fake:
        [(_, answer)] = model(fake).answer(samples(1))
    assert isinstance(answer, Failed)


@pytest.mark.parametrize(
    ("settings", "words"), [({"model": "other"}, "other.*does not exist"), ({"key_env": "FAKE_KEY"}, "FAKE_KEY")]
)
def test_no_such_model_or_no_such_key_ends_it_at_once(
    settings: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_KEY", "wrong-secret")
    with serving(Fake(key="right-secret" if "key_env" in settings else None)) as fake:
        ref = ModelRef(fake.url, endpoint=Endpoint(**{"model": MODEL, **settings}))
        with pytest.raises(ModelError, match=words) as error:
            list(EndpointModel(ref).answer(samples(5)))
    assert "secret" not in str(error.value)


def test_the_key_goes_beside_what_is_sent_and_a_missing_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Fake(key="right-secret")) as fake:
        with pytest.raises(ModelError, match="FAKE_KEY is not set"):
            model(fake, key_env="FAKE_KEY")
        monkeypatch.setenv("FAKE_KEY", "right-secret\n")
        asked = model(fake, key_env="FAKE_KEY")
        assert all_right(list(asked.answer(samples(2))), 2)
    assert fake.headers[0]["authorization"] == "Bearer right-secret"
    assert "secret" not in asked.render(next(samples(1))[1]) + repr(asked.endpoint) + repr(fake.seen)


def test_what_is_rendered_is_what_is_sent() -> None:
    import json

    with serving() as fake:
        asked = model(fake)
        [(_, sample)] = samples(1)
        list(asked.answer([("0", sample)]))
        assert json.loads(asked.render(sample)) == fake.seen[0]


def test_tokens_that_the_server_does_not_count_are_said_to_be_uncounted() -> None:
    with serving(Fake(usage=False)) as fake:
        asked = model(fake)
        answers = list(asked.answer(samples(3)))
    assert all_right(answers, 3)
    assert (asked.use.uncounted, asked.use.prompt_tokens) == (3, 0)


def test_a_ref_with_an_endpoint_loads_as_one() -> None:
    ref = ModelRef("http://127.0.0.1:9/v1", endpoint=Endpoint("m", context_length=4096))
    loaded = load_text_model(ref)
    assert isinstance(loaded, EndpointModel)
    assert loaded.context_length == 4096
    assert loaded.count_tokens("abcdef") == 2
