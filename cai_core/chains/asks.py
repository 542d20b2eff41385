"""An ask as generators of requests: the very chains that a chains run would make, of a prompt and principles given.

A principle is not drawn: the constitution is narrowed to it, so that the draw cannot choose another. Seeds, few-shots
and words are the chains stage's, which is the one implementation of them. Where several chains begin with the same
response, they ask for it at the same place, and it is written once.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

from cai_core.chains.critique_revision import Chaining, critique_and_revise, plain_sample
from cai_core.chains.few_shots import draw_prefixes
from cai_core.config import ChainsConfig
from cai_core.types import (
    Answer,
    Ask,
    AskKind,
    Choose,
    Constitution,
    Failed,
    Order,
    Prompt,
    PromptKind,
    Request,
    RowState,
    Split,
    prompt_uid,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Which of an ask's requests one is; its answer is that part of the ask."""

    position: int
    """Fixed by the ask alone, whatever is answered first."""
    part: str
    """'response', 'critique', 'revision' or 'choice'."""
    sample: int = 0
    principle: str | None = None
    """Id of the principle behind it."""
    order: Order | None = None


Asking = Generator[tuple[Place, Request], Answer, str | None]
"""Yields (place, request), is sent the answer, and returns what went wrong, in words; None if nothing did."""

SHORTEN = "Shorten the prompt, ask for fewer tokens, or take a model with a longer context."


def chains_of(ask: Ask, constitution: Constitution | None) -> list[Asking]:
    """What is asked of the model: each sample, under each principle; `constitution` is what the ask names."""
    if ask.kind is AskKind.CHOOSE:
        return [_choice(ask)]
    asked: list[Asking] = []
    for sample in range(ask.samples):
        base = sample * (1 + 2 * len(ask.principles))
        response = Place(base, "response", sample)
        if constitution is None or not ask.principles:
            asked.append(_placed(_plain(ask, sample), {"response": response}))
            continue
        for number, principle in enumerate(ask.principles):
            places = {
                "response": response,
                "critique": Place(base + 2 * number + 1, "critique", sample, principle),
                "revision": Place(base + 2 * number + 2, "revision", sample, principle),
            }
            asked.append(_placed(_under(ask, constitution, principle, sample), places))
    return asked


def prompt_of(ask: Ask) -> Prompt:
    """The prompt that a run would have of these turns."""
    return Prompt(prompt_uid(ask.turns), ask.turns, PromptKind.RED_TEAM, Split.TRAIN, source="ask")


def narrowed(constitution: Constitution, principle: str) -> Constitution:
    """The constitution with one of its principles alone, enabled; of several with this id, the first."""
    chosen = [replace(one, enabled=True) for one in constitution.principles if one.id == principle]
    return replace(constitution, principles=tuple(chosen[:1]))


def said(error: str | None, state: str) -> str | None:
    """What went wrong, and what may be done where it is the length."""
    return f"{error} {SHORTEN}" if state == RowState.TOO_LONG else error


def _choice(ask: Ask) -> Asking:
    answer = yield Place(0, "choice"), Choose(ask.turns, ask.options)
    return answer.message if isinstance(answer, Failed) else None


def _plain(ask: Ask, sample: int) -> Chaining:
    return plain_sample(prompt_of(ask), sample=sample, config=_config(ask), seed=ask.seed)


def _under(ask: Ask, constitution: Constitution, principle: str, sample: int) -> Chaining:
    config = _config(ask)
    return critique_and_revise(
        prompt_of(ask),
        sample=sample,
        constitution=narrowed(constitution, principle),
        config=config,
        prefixes=draw_prefixes(
            constitution.few_shots.critique_revision,
            count=config.few_shot_prefixes,
            size=config.few_shots,
            seed=ask.seed,
        ),
        seed=ask.seed,
    )


def _placed(chaining: Chaining, places: Mapping[str, Place]) -> Asking:
    """A chain, each of its requests at its place."""
    try:
        part, request = next(chaining)
        while True:
            answer = yield places[part], request
            part, request = chaining.send(answer)
    except StopIteration as returned:
        chain = returned.value
    finally:
        chaining.close()
    return None if chain.state is RowState.DONE else said(chain.error, chain.state)


def _config(ask: Ask) -> ChainsConfig:
    return ChainsConfig(
        constitution=ask.constitution or "",
        model=ask.model,
        rounds=1,
        temperature=ask.temperature,
        max_new_tokens=ask.max_new_tokens,
        few_shots=ask.few_shots,
    )
