"""What a run asks of servers: estimated when it begins, counted as it goes on, both kept in its result."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from cai_core.chains.critique_revision import PARTS
from cai_core.chains.new_prompts import HEADS
from cai_core.config import ChainsConfig, PromptsConfig
from cai_core.models.base import TextModel
from cai_core.models.endpoint_use import BYTES_A_TOKEN, Asked, Use, expected_use, with_cost
from cai_core.types import Comparison, ComparisonShot, Conversation, CritiqueRevisionShot, Endpoint, Prompt, PromptKind
from db.schema import RunRow

USE, EXPECTED = "use", "expected"
"""Where they are in a run's result, by the model's name."""
_REQUEST = 400
"""Bytes that a principle and the words around it are taken to hold."""


class Meter:
    """One endpoint's use in a run. What is new is stored with the rows it was for, or with the run's end."""

    def __init__(self, name: str, endpoint: Endpoint, use: Use) -> None:
        self._name, self._endpoint, self._use, self._stored = name, endpoint, use, Use()

    def store(self, row: RunRow) -> None:
        """Add what the run's row does not have yet. A process that is killed takes the use of unstored rows with it."""
        before = row.result.get(USE, {}).get(self._name, {})
        new = {name: count - getattr(self._stored, name) for name, count in asdict(self._use).items()}
        if not any(new.values()):
            return
        total = Use(**{name: int(before.get(name, 0)) + count for name, count in new.items()})
        self._stored = Use(**asdict(self._use))
        uses = {**row.result.get(USE, {}), self._name: with_cost(self._endpoint, total)}
        row.result = {**row.result, USE: uses}


def meter(name: str, model: TextModel) -> Meter | None:
    """A meter for a model that asks a server; None for one that computes here."""
    endpoint, use = getattr(model, "endpoint", None), getattr(model, "use", None)
    return Meter(name, endpoint, use) if isinstance(endpoint, Endpoint) and isinstance(use, Use) else None


def expect(row: RunRow, name: str, endpoint: Endpoint, asked: Asked) -> None:
    """Enter what a run will ask of an endpoint in all, rows that it has already included."""
    known: dict[str, Any] = row.result.get(EXPECTED, {})
    row.result = {**row.result, EXPECTED: {**known, name: expected_use(endpoint, asked)}}


def asked_by_chains(
    config: ChainsConfig,
    prompts: Iterable[Prompt],
    few: Sequence[CritiqueRevisionShot],
    parts: Collection[str] = PARTS,
) -> Asked:
    """What chains ask for these parts: responses and critiques are taken to be half as long as they may be.

    No revision is taken to be skipped, so that what is asked can only be less.
    """
    shots = _prefix([_size_of_shot(shot) for shot in few], config.few_shots)
    written = config.max_new_tokens * BYTES_A_TOKEN / 2
    asked = Asked()
    for prompt in prompts:
        size = _size(prompt.turns)
        if "response" in parts:
            asked.add(size, config.max_new_tokens)
        for _ in range(config.rounds if prompt.kind is PromptKind.RED_TEAM else 0):
            behind = shots + size + written + _REQUEST
            if config.critique and "critique" in parts:
                asked.add(behind, config.max_new_tokens)
            if "revision" in parts:
                asked.add(behind + (written + _REQUEST) * config.critique, config.max_new_tokens)
    return asked


def asked_by_prompts(config: PromptsConfig, examples: Sequence[str]) -> Asked:
    """What a prompts run asks, its examples being as long as these on the mean."""
    mean = sum(len(text.encode(errors="surrogatepass")) for text in examples) / max(1, len(examples))
    head = len(HEADS[PromptKind(config.kind)])
    asked = Asked()
    for _ in range(config.prompts):
        asked.add(head + config.examples * (mean + len("10. \n")), config.max_new_tokens)
    return asked


def asked_by_samples(prompts: Iterable[Prompt], *, each: int, max_new_tokens: int) -> Asked:
    """What responses ask, so many to each prompt."""
    asked = Asked()
    for prompt in prompts:
        for _ in range(each):
            asked.add(_size(prompt.turns), max_new_tokens)
    return asked


def asked_by_labels(comparisons: Iterable[Comparison], few: Sequence[ComparisonShot], num_shots: int) -> Asked:
    """What labels ask: one token in each order, behind so many few-shots."""
    shots = _prefix([_size_of_comparison(shot) for shot in few], num_shots)
    asked = Asked()
    for one in comparisons:
        shown = len((one.response_a + one.response_b).encode(errors="surrogatepass"))
        for _ in range(2):
            asked.add(shots + _size(one.prompt.turns) + shown + _REQUEST, 1)
    return asked


def _size(turns: Conversation) -> int:
    return sum(len(turn.content.encode(errors="surrogatepass")) for turn in turns)


def _size_of_shot(shot: CritiqueRevisionShot) -> int:
    texts = (shot.critique_request, shot.critique, shot.revision_request, shot.revision)
    return _size(shot.conversation) + sum(len(text.encode(errors="surrogatepass")) for text in texts)


def _size_of_comparison(shot: ComparisonShot) -> int:
    texts = (shot.comparison, shot.response_a, shot.response_b, shot.reasoning or "")
    return _size(shot.conversation) + sum(len(text.encode(errors="surrogatepass")) for text in texts)


def _prefix(sizes: Sequence[int], count: int) -> float:
    """The mean size of a prefix of so many few-shots, drawn from all."""
    return min(count, len(sizes)) * sum(sizes) / len(sizes) if sizes else 0.0
