"""The pretraining corpus: an endless, reproducible stream of documents, each of one ability.

Documents hold train combinations only. Revisions and comparisons come alone, or two, three and now and then up to eight
in a row, which is the very form of a few-shot prefix followed by a request.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import count as count_from
from random import Random

from cai_core.sandbox import episodes
from cai_core.sandbox.critiques import P_HARM_OTHER_TOPIC
from cai_core.types import Conversation, derive_seed


class Ability(StrEnum):
    """What a document teaches."""

    PLAIN = "plain"
    CHAIN = "chain"
    DIRECT = "direct"
    COMPARISON = "comparison"
    REASONING = "reasoning"
    TOPIC = "topic"


SHARES: dict[Ability, float] = {
    Ability.PLAIN: 0.36,
    Ability.CHAIN: 0.24,
    Ability.DIRECT: 0.04,
    Ability.COMPARISON: 0.24,
    Ability.REASONING: 0.08,
    Ability.TOPIC: 0.04,
}
LAST_SHARES: dict[Ability, float] = {
    Ability.PLAIN: 0.34,
    Ability.CHAIN: 0.24,
    Ability.DIRECT: 0.03,
    Ability.COMPARISON: 0.32,
    Ability.REASONING: 0.04,
    Ability.TOPIC: 0.03,
}
CARELESS = 0.14
"""How often the critic of the last part finds harm under another topic's principle: a model learns less of it."""
_MANY, _SOME = 0.02, 0.40


@dataclass(frozen=True, slots=True)
class Document:
    """A conversation to train on, and the ability it teaches."""

    turns: Conversation
    ability: Ability


def document(seed: int, index: int) -> Document:
    """The document at a place of the stream."""
    return _document(Random(derive_seed(seed, "document", index)), SHARES, P_HARM_OTHER_TOPIC)


def _document(rng: Random, shares: Mapping[Ability, float], careless: float) -> Document:
    ability = episodes.pick(rng, shares)
    if ability == Ability.PLAIN:
        return Document(episodes.plain(rng), ability)
    if ability == Ability.TOPIC:
        return Document(episodes.topic(rng), ability)
    place = rng.random()
    size = rng.randint(5, 8) if place < _MANY else rng.randint(2, 3) if place < _SOME else 1
    return Document(tuple(turn for _ in range(size) for turn in _episode(rng, ability, careless)), ability)


def _episode(rng: Random, ability: Ability, careless: float = P_HARM_OTHER_TOPIC) -> Conversation:
    if ability in (Ability.CHAIN, Ability.DIRECT):
        return episodes.chain(rng, critique=ability == Ability.CHAIN, careless=careless)
    return episodes.comparison(rng, reasons=ability == Ability.REASONING)


def documents(seed: int, start: int = 0) -> Iterator[Document]:
    """Fresh documents without end."""
    for index in count_from(start):
        yield document(seed, index)


LESSONS = 30_000
"""How many lessons go before the corpus."""
_LESSON_SHARES = {Ability.COMPARISON: 0.35, Ability.REASONING: 0.15, Ability.TOPIC: 0.25, Ability.CHAIN: 0.25}


def lesson(seed: int, index: int) -> Document:
    """One judgement and little besides: a question about topics, a single critique, or a single comparison."""
    rng = Random(derive_seed(seed, "lesson", index))
    ability = episodes.pick(rng, _LESSON_SHARES)
    if ability == Ability.TOPIC:
        return Document(episodes.topic(rng), ability)
    turns = _episode(rng, ability)
    # A chain's lesson ends with its critique.
    return Document(turns[:-2] if ability == Ability.CHAIN else turns, ability)


def curriculum(seed: int) -> Iterator[Document]:
    """What pretraining reads: lessons in judging, then the corpus.

    Whether two things are of one topic, or which response is better, is hard to come by where it decides one word in a
    hundred: a small model stays for millions of tokens at a guess. From lessons it learns both within two million.
    """
    for index in range(LESSONS):
        yield lesson(seed, index)
    yield from documents(seed)


def last_part(seed: int) -> Iterator[Document]:
    """What pretraining ends with: more comparisons, and a critic that is wrong more often, to leave room for CAI."""
    for index in count_from():
        yield _document(Random(derive_seed(seed, "last part", index)), LAST_SHARES, CARELESS)
