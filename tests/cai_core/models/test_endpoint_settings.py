"""An endpoint's settings: what is accepted, what is stored, and that a key does not slip in."""

from typing import Any

import pytest

from cai_core.errors import ModelError
from cai_core.models.endpoint_settings import dump_settings, load_settings, to_endpoint
from cai_core.models.endpoint_use import Asked, Use, cost, estimate_tokens, expected_use, with_cost
from cai_core.models.endpoint_wire import base_url
from cai_core.types import Endpoint


def test_settings_come_back_as_they_went() -> None:
    values = {"model": "m", "api": "completions", "key_env": "MY_KEY", "max_requests": 3, "price_in": 1.5}
    config = load_settings(values)
    assert load_settings(dump_settings(config)) == config
    assert to_endpoint(config) == Endpoint("m", api="completions", key_env="MY_KEY", max_requests=3, price_in=1.5)


def test_the_defaults_are_the_noun_s() -> None:
    assert to_endpoint(load_settings({"model": "m"})) == Endpoint("m")


@pytest.mark.parametrize(
    "values",
    [{"api": "other"}, {"max_requests": 0}, {"timeout": 0.0}, {"price_in": -1.0}, {"key": "x"}, {"max_tokens": "many"}],
)
def test_what_does_not_fit_is_named(values: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=next(iter(values))):
        load_settings({"model": "m", **values})


@pytest.mark.parametrize("key", ["sk-abc123", "hf_AbCdEf", "MY KEY", "", "A" * 80])
def test_a_key_in_the_place_of_its_name_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(ModelError, match="not the key") as error:
        load_settings({"model": "m", "key_env": key})
    assert not key or key not in str(error.value)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        (" https://host.example/api/v1 ", "https://host.example/api/v1"),
        ("http://host/v1/chat/completions", "http://host/v1"),
        ("http://host/v1/completions", "http://host/v1"),
    ],
)
def test_a_base_url_is_stored_in_one_form(given: str, stored: str) -> None:
    assert base_url(given) == stored


@pytest.mark.parametrize(
    "given", ["", "host:8000", "ftp://host", "http://", "/tmp/model", "http://h/v1?key=x", "org/m"]
)
def test_what_is_no_base_url_is_refused(given: str) -> None:
    with pytest.raises(ModelError, match="no base URL"):
        base_url(given)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ModelError, match="environment variable") as error:
        base_url("https://me:secret@host/v1")
    assert "secret" not in str(error.value)


def test_money_is_counted_by_the_million_and_only_with_both_prices() -> None:
    priced = Endpoint("m", price_in=2.0, price_out=10.0)
    assert cost(priced, 500_000, 100_000) == pytest.approx(2.0)
    assert cost(Endpoint("m", price_in=2.0), 1, 1) is None
    assert cost(Endpoint("m", price_in=0.0, price_out=0.0), 5, 5) == 0.0


def test_a_use_is_summed_and_what_is_not_told_is_counted_apart() -> None:
    use = Use(requests=3)
    use.add(10, 5)
    use.add(None, 5)
    assert with_cost(Endpoint("m", price_in=1e6, price_out=2e6), use) == {
        "requests": 3,
        "sent_again": 0,
        "prompt_tokens": 10,
        "completion_tokens": 10,
        "uncounted": 1,
        "cost": 30.0,
    }


def test_an_estimate_takes_a_token_for_three_bytes() -> None:
    assert [estimate_tokens(text) for text in ("", "abc", "abcd", "ééé")] == [0, 1, 2, 2]
    asked = Asked()
    for _ in range(4):
        asked.add(300, 50)
    assert expected_use(Endpoint("m"), asked) == {
        "requests": 4,
        "prompt_tokens": 400,
        "completion_tokens_at_most": 200,
    }
    assert expected_use(Endpoint("m", price_in=1e6, price_out=1e6), asked)["cost_at_most"] == 600.0
