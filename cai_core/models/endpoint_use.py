"""What a server was asked for and what that costs: counted as it happens, estimated before."""

from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from cai_core.types import Endpoint

BYTES_A_TOKEN = 3
"""What a token is taken to hold where no tokenizer is at hand: less than English has, so estimates err upwards."""


@dataclass
class Use:
    """A sum over requests. A request that failed on the way counts, its tokens only where the server told them."""

    requests: int = 0
    """Sent, those sent again included."""
    sent_again: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uncounted: int = 0
    """Answers whose tokens the server did not tell; none are in the sums for them."""

    def add(self, prompt_tokens: int | None, completion_tokens: int | None) -> None:
        """Count an answer's tokens; None where the server did not tell."""
        if prompt_tokens is None or completion_tokens is None:
            self.uncounted += 1
        self.prompt_tokens += prompt_tokens or 0
        self.completion_tokens += completion_tokens or 0


def estimate_tokens(text: str) -> int:
    """About how many tokens a text takes; on English text about a quarter too many."""
    return ceil(len(text.encode(errors="surrogatepass")) / BYTES_A_TOKEN)


def cost(endpoint: Endpoint, prompt_tokens: float, completion_tokens: float) -> float | None:
    """Money, in the currency of the prices; None where they are not given."""
    if endpoint.price_in is None or endpoint.price_out is None:
        return None
    return (prompt_tokens * endpoint.price_in + completion_tokens * endpoint.price_out) / 1e6


def with_cost(endpoint: Endpoint, use: Use) -> dict[str, Any]:
    """A use as plain values, with what it cost where prices are given."""
    money = cost(endpoint, use.prompt_tokens, use.completion_tokens)
    return asdict(use) | ({} if money is None else {"cost": money})


@dataclass
class Asked:
    """Requests that are still to be sent, summed up."""

    requests: int = 0
    prompt_bytes: float = 0.0
    completion_tokens: int = 0
    """If each answer took all it may."""

    def add(self, prompt_bytes: float, max_new_tokens: int) -> None:
        """Count one more."""
        self.requests, self.prompt_bytes = self.requests + 1, self.prompt_bytes + prompt_bytes
        self.completion_tokens += max_new_tokens


def expected_use(endpoint: Endpoint, asked: Asked) -> dict[str, Any]:
    """What requests will take, as plain values: prompts estimated from their size, answers at their longest."""
    prompt = ceil(asked.prompt_bytes / BYTES_A_TOKEN)
    found: dict[str, Any] = {
        "requests": asked.requests,
        "prompt_tokens": prompt,
        "completion_tokens_at_most": asked.completion_tokens,
    }
    money = cost(endpoint, prompt, asked.completion_tokens)
    return found if money is None else {**found, "cost_at_most": money}
