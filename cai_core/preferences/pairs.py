"""Two responses to a prompt, sampled with different seeds (paper section 4.1), as a generator that asks."""

from collections.abc import Generator
from dataclasses import dataclass

from cai_core.config import ComparisonsConfig
from cai_core.types import (
    Answer,
    Comparison,
    Failed,
    Failure,
    Prompt,
    Request,
    RowState,
    Sample,
    Text,
    derive_seed,
)

STATES = {Failure.TOO_LONG: RowState.TOO_LONG, Failure.FAILED: RowState.FAILED}


@dataclass(frozen=True, slots=True)
class PairResult:
    """What became of a prompt's pair; a response that failed is None, the other is kept."""

    prompt: Prompt
    sample: int
    seed_a: int
    seed_b: int
    state: RowState
    response_a: str | None
    response_b: str | None
    finished_a: bool | None = None
    """False: cut at `max_new_tokens`; None where there is no response."""
    finished_b: bool | None = None
    sent: str | None = None
    """Hash of what was sent: the same for both, their seeds apart."""
    error: str | None = None

    @property
    def comparison(self) -> Comparison | None:
        """The comparison, where both responses are there."""
        if self.response_a is None or self.response_b is None:
            return None
        return Comparison(self.prompt, self.response_a, self.response_b)


def pair_seeds(prompt: Prompt, *, sample: int, seed: int) -> tuple[int, int]:
    """The seeds of responses A and B of one sample of a prompt."""
    return derive_seed(seed, prompt.uid, sample, "a"), derive_seed(seed, prompt.uid, sample, "b")


def sample_pair(
    prompt: Prompt, *, sample: int, config: ComparisonsConfig, seed: int
) -> Generator[tuple[str, Request], Answer, PairResult]:
    """Ask for both responses, B also when A failed, so that a row tells all that went wrong."""
    seeds = pair_seeds(prompt, sample=sample, seed=seed)
    answers: list[Text | Failed] = []
    for own in seeds:
        answer = yield "response", Sample(prompt.turns, own, config.max_new_tokens, config.temperature)
        if not isinstance(answer, Text | Failed):
            raise TypeError(f"a sample was answered with {type(answer).__name__}")
        answers.append(answer)
    failures = [answer for answer in answers if isinstance(answer, Failed)]
    texts = [answer.text if isinstance(answer, Text) else None for answer in answers]
    finished = [answer.finished if isinstance(answer, Text) else None for answer in answers]
    return PairResult(
        prompt,
        sample,
        *seeds,
        state=STATES[failures[0].failure] if failures else RowState.DONE,
        response_a=texts[0],
        response_b=texts[1],
        finished_a=finished[0],
        finished_b=finished[1],
        sent=next((answer.sent for answer in answers if isinstance(answer, Text)), None),
        error="; ".join(dict.fromkeys(failure.message for failure in failures)) or None,
    )
