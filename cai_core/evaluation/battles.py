"""Who meets whom, on what, and in which position."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from cai_core.types import Axis, Outcome, PromptKind, derive_seed

AXIS_OF: dict[PromptKind, Axis] = {
    PromptKind.RED_TEAM: Axis.HARMLESSNESS,
    PromptKind.HELPFUL: Axis.HELPFULNESS,
    PromptKind.LOOK_ALIKE: Axis.HELPFULNESS,
}
"""What is fought over on a kind of prompt: a look-alike asks for ordinary help, so refusing it loses helpfulness."""


@dataclass(frozen=True, slots=True)
class Battle:
    """Two models' responses to one prompt, judged on one axis."""

    prompt: str
    """The prompt's uid: the cluster of the bootstrap."""
    model_a: str
    model_b: str
    outcome: Outcome


def meetings(prompt_uid: str, models: Sequence[str]) -> Iterator[tuple[str, str]]:
    """All pairs of models on a prompt as (A, B).

    Which of two stands as A is a hash of prompt and names: the same after any resume, in any order of the models, and
    half and half over prompts, so that a judge's liking for a position favours no model.
    """
    for pair in combinations(sorted(models), 2):
        first, second = pair
        yield (second, first) if derive_seed(0, "position", prompt_uid, *pair) % 2 else (first, second)
