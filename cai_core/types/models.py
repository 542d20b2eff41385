"""Models, and what is asked of them: requests and answers."""

from dataclasses import dataclass
from enum import StrEnum

from cai_core.types.conversations import Conversation


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How an OpenAI-compatible server is asked for a model; the server's address is the ref's `base`."""

    model: str
    """The server's name for the model."""
    api: str = "chat"
    """'chat', or 'completions' for a plain text."""
    key_env: str | None = None
    """Name of the environment variable with the key; None sends none. The key itself is kept nowhere."""
    max_requests: int = 64
    """Most requests in flight."""
    max_tokens: int = 500_000
    """Most tokens in flight, prompts estimated; a single longer request goes alone."""
    timeout: float = 300.0
    """Seconds an answer may take."""
    price_in: float | None = None
    """Money for a million prompt tokens."""
    price_out: float | None = None
    """Money for a million tokens written."""
    goes_on: bool | None = None
    """Whether its chat goes on from a begun answer; None where nobody has looked."""
    completions: bool | None = None
    """Whether it also completes plain text; None where nobody has looked."""
    seeds: bool = True
    """Whether it takes a seed."""
    top_logprobs: int = 20
    """How many of the likeliest tokens it lists."""
    context_length: int | None = None
    """Tokens that prompt and answer may take together, where the server says it."""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which weights: a base (built-in name, folder or Hub id), perhaps an adapter folder, perhaps a revision.

    With an `endpoint`, `base` is a server's URL and nothing is loaded here.
    """

    base: str
    adapter: str | None = None
    revision: str | None = None
    endpoint: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Ask for text. `context` is sent as text, or as turns through the model's chat template."""

    context: str | Conversation
    seed: int
    max_new_tokens: int
    temperature: float = 1.0
    """0 means greedy."""
    top_p: float = 1.0
    """Draw from the fewest likeliest tokens whose probabilities reach this sum."""
    top_k: int = 0
    """Draw from this many of the likeliest tokens; 0: from all."""
    stop: tuple[str, ...] = ()
    shared_turns: int = 0
    """How many of the first turns many requests begin with (few-shots). A hint for speed: it changes no answer."""


@dataclass(frozen=True, slots=True)
class Choose:
    """Ask for the log-probability of each option as the continuation of `context`."""

    context: str | Conversation
    options: tuple[str, ...]
    shared_turns: int = 0
    """As of a `Sample`."""


Request = Sample | Choose


@dataclass(frozen=True, slots=True)
class Text:
    """Answer to a `Sample`."""

    text: str
    finished: bool
    """The model ended its turn (or met a stop string); False: cut at `max_new_tokens`."""
    num_tokens: int
    sent: str
    """Hash of what was sent."""
    thinking: str | None = None
    """What a reasoning model wrote before its answer, where a server tells it apart."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Answer to a `Choose`."""

    logprobs: tuple[float, ...]
    """Natural log-probability of each option, in the order of the request."""
    sent: str
    """Hash of what was sent."""
    bounded: tuple[bool, ...] = ()
    """Which of them are only upper bounds, because a server did not list the option; empty: none."""

    @property
    def mass(self) -> float:
        """Probability known to lie on the options together, 0..1; a mere bound counts as none."""
        from math import exp

        bounded = self.bounded or (False,) * len(self.logprobs)
        return min(1.0, sum(exp(x) for x, bound in zip(self.logprobs, bounded, strict=True) if not bound))


class Failure(StrEnum):
    """Why a request has no answer."""

    TOO_LONG = "too_long"
    """The context does not fit the model with the tokens asked for."""
    FAILED = "failed"
    """The model raised an error."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A request without an answer: stored and counted, never replaced by a guess."""

    failure: Failure
    message: str


Answer = Text | Choice | Failed
