"""What a status means, how long to wait, and that a key is never repeated."""

from email.utils import formatdate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import ModelError
from cai_core.models.endpoint_trouble import (
    BASE_SECONDS,
    MOST_SECONDS,
    Hitch,
    Refused,
    backoff,
    check_status,
    retry_after,
    said_by,
)
from cai_core.types import Failure


def check(status: int, said: str = "words", key_env: str | None = "MY_KEY", **headers: str) -> None:
    check_status(status, {k.replace("_", "-"): v for k, v in headers.items()}, said, model="m", key_env=key_env, now=0)


def test_two_hundred_is_fine() -> None:
    check(200)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(status: int) -> None:
    with pytest.raises(Hitch, match=str(status)) as hitch:
        check(status, retry_after="3")
    assert hitch.value.wait == 3.0
    assert hitch.value.busy == (status in (429, 503))


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
        "The prompt (total length 9000) is longer than the maximum model length of 4096: max_model_len",
        "the request exceeds the available context size (4096 tokens)",
        "context_length_exceeded",
        "Input is too long for the model: too many tokens",
    ],
)
def test_a_context_that_is_too_long_is_the_row_s_own(said: str) -> None:
    with pytest.raises(Refused) as refused:
        check(400, said)
    assert (refused.value.failure, refused.value.own) == (Failure.TOO_LONG, True)


@pytest.mark.parametrize(("said", "own"), [("Extra inputs are not permitted", False), ("content_filter", True)])
def test_another_refusal_is_the_row_s_own_only_where_it_says_so(said: str, own: bool) -> None:
    with pytest.raises(Refused) as refused:
        check(400, said)
    assert (refused.value.failure, refused.value.own) == (Failure.FAILED, own)


@pytest.mark.parametrize(
    ("status", "words"), [(401, "MY_KEY"), (403, "MY_KEY"), (404, "'m'"), (301, "base URL"), (418, "base URL")]
)
def test_what_would_meet_every_row_ends_the_run_in_words(status: int, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        check(status)


def test_without_a_key_it_says_that_one_is_wanted() -> None:
    with pytest.raises(ModelError, match="wants a key"):
        check(401, key_env=None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, None), ("7", 7.0), ("1.5", 1.5), ("-3", 0.0), (formatdate(1000, usegmt=True), 900.0), ("soon", None)],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, 100.0) == seconds


@given(tries=st.integers(0, 10_000), seed=st.integers())
def test_waits_are_anywhere_up_to_a_limit_that_doubles(tries: int, seed: int) -> None:
    assert 0 <= backoff(tries, None, Random(seed)) <= min(MOST_SECONDS, BASE_SECONDS * 2 ** min(tries, 20))


@given(wait=st.floats(0.01, 1e6), seed=st.integers())
def test_a_wait_that_was_asked_for_is_kept_whole(wait: float, seed: int) -> None:
    assert wait <= backoff(3, wait, Random(seed)) <= wait + BASE_SECONDS


def test_waits_differ_from_row_to_row() -> None:
    rng = Random(0)
    assert len({backoff(4, None, rng) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("reply", "text", "said"),
    [
        ({"error": {"message": "No key sk-1 here", "code": 401}}, "", "No key [the key] here"),
        ({"error": {"message": "Too long", "code": "context_length_exceeded"}}, "", "Too long context_length_exceeded"),
        ({"detail": "bad sk-1"}, "", "bad [the key]"),
        ({"object": "error", "message": "bad"}, "", "bad"),
        (None, "<html>\n sk-1 </html>", "<html> [the key] </html>"),
        ({"error": "plain"}, "", "plain"),
        ({}, "", ""),
    ],
)
def test_the_server_s_words_are_kept_and_the_key_is_not(reply: object, text: str, said: str) -> None:
    assert said_by(reply, text, "sk-1") == said


def test_long_words_are_cut() -> None:
    assert len(said_by({"error": "x" * 5000}, "", None)) < 400
