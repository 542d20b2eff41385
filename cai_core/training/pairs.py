"""Comparisons as a preference model reads them: two conversations, tokenised, that differ in the last turn alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cai_core.models.rendering import Renderer
from cai_core.types import LabelledComparison, assistant, derive_seed


@dataclass(frozen=True, slots=True)
class Pair:
    """A labelled comparison as token ids."""

    a: list[int]
    b: list[int]
    p_a: float
    """Probability that A is preferred, 0..1."""
    source: str
    prompt_uid: str
    length_a: int
    """Characters of response A, without its prompt."""
    length_b: int

    row: int
    """Place among the labelled comparisons."""

    @property
    def longest(self) -> int:
        """Tokens of the longer side."""
        return max(len(self.a), len(self.b))


def tokenised(labelled: Sequence[LabelledComparison], renderer: Renderer) -> list[Pair]:
    """Both sides of each through the chat template, in full: the very tokens that a scorer reads later."""
    return [_pair(row, item, renderer) for row, item in enumerate(labelled)]


def _pair(row: int, labelled: LabelledComparison, renderer: Renderer) -> Pair:
    comparison = labelled.comparison
    a, b = comparison.response_a, comparison.response_b
    turns = comparison.prompt.turns
    return Pair(
        renderer.closed_ids((*turns, assistant(a))),
        renderer.closed_ids((*turns, assistant(b))),
        labelled.p_a,
        labelled.source,
        comparison.prompt.uid,
        len(a),
        len(b),
        row,
    )


def split_by_prompt(pairs: Sequence[Pair], *, share: float, seed: int) -> tuple[list[Pair], list[Pair]]:
    """(to train on, held out). In each source, the `share` of prompts lowest by seeded hash is held out.

    A prompt falls to one side with all its comparisons, or the held-out figures would be those of seen prompts.
    """
    held = set().union(*(_lowest(prompts, share, seed) for prompts in _prompts_by_source(pairs).values()))
    return [p for p in pairs if p.prompt_uid not in held], [p for p in pairs if p.prompt_uid in held]


def _prompts_by_source(pairs: Iterable[Pair]) -> dict[str, set[str]]:
    prompts: dict[str, set[str]] = defaultdict(set)
    for pair in pairs:
        prompts[pair.source].add(pair.prompt_uid)
    return prompts


def _lowest(prompts: set[str], share: float, seed: int) -> set[str]:
    ranked = sorted(prompts, key=lambda uid: (derive_seed(seed, "held out", uid), uid))
    return set(ranked[: round(share * len(prompts))])
