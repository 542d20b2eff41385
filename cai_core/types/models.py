"""Models, and what is asked of them: requests and answers."""

from dataclasses import dataclass
from enum import StrEnum

from cai_core.types.conversations import Conversation


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Which weights: a base (built-in name, folder or Hub id), perhaps an adapter folder, perhaps a revision."""

    base: str
    adapter: str | None = None
    revision: str | None = None


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


@dataclass(frozen=True, slots=True)
class Choose:
    """Ask for the log-probability of each option as the continuation of `context`."""

    context: str | Conversation
    options: tuple[str, ...]


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


@dataclass(frozen=True, slots=True)
class Choice:
    """Answer to a `Choose`."""

    logprobs: tuple[float, ...]
    """Natural log-probability of each option, in the order of the request."""
    sent: str
    """Hash of what was sent."""

    @property
    def mass(self) -> float:
        """Probability on all options together, 0..1."""
        from math import exp

        return min(1.0, sum(exp(x) for x in self.logprobs))


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
