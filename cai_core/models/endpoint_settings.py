"""The settings of an endpoint, as they are stored and as forms ask for them."""

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from cai_core.config import STRICT
from cai_core.errors import ModelError
from cai_core.types import Endpoint

Price = Annotated[float, Field(ge=0.0, le=1e6)]


@dataclass(frozen=True, config=STRICT)
class EndpointConfig:
    """How an OpenAI-compatible server is asked for a model."""

    model: Annotated[str, Field(max_length=200)]
    """The server's name for the model; empty takes the only one that it lists."""
    api: Literal["chat", "completions"] = "chat"
    """Chat, where the server applies the model's template, or completions: plain text, turns in the paper's form."""
    key_env: Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$", max_length=64)] | None = None
    """Name of the environment variable that holds the server's key, in capitals. The key itself is stored nowhere."""
    max_requests: Annotated[int, Field(ge=1, le=4096)] = 64
    """Most requests in flight; the best number up to it is found by trying."""
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000_000)] = 500_000
    """Most tokens in flight, prompts and longest answers together."""
    timeout: Annotated[float, Field(ge=1.0, le=86_400.0)] = 300.0
    """Seconds an answer may take before it is asked for again."""
    price_in: Price | None = None
    """Price of a million prompt tokens, in a currency of your choice."""
    price_out: Price | None = None
    """Price of a million tokens written."""


_ADAPTER: TypeAdapter[EndpointConfig] = TypeAdapter(EndpointConfig)


def load_settings(values: dict[str, Any]) -> EndpointConfig:
    """Check settings; `ModelError` names each that does not fit. A key in the place of its variable's name is not
    repeated.
    """
    try:
        return EndpointConfig(**values)
    except ValidationError as error:
        problems = "; ".join(_problem(str(one["loc"][0]), one["msg"], one["input"]) for one in error.errors())
        accepted = ", ".join(field.name for field in fields(EndpointConfig))
        raise ModelError(f"the endpoint's settings do not fit: {problems}. Accepted settings: {accepted}.") from None


def _problem(name: str, words: str, value: object) -> str:
    if name == "key_env":
        return "key_env is no variable's name in capitals (give the name, such as MY_KEY, and not the key)"
    return f"{name} = {value!r:.80}: {words}"


def dump_settings(config: EndpointConfig) -> dict[str, Any]:
    """As plain JSON values; `load_settings` of them gives the same."""
    values: dict[str, Any] = _ADAPTER.dump_python(config, mode="json")
    return values


def to_endpoint(config: EndpointConfig) -> Endpoint:
    """The noun, with nothing known of the server yet."""
    return Endpoint(**dump_settings(config))
