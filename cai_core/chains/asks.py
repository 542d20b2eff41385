"""An ask as a generator of requests: the very chain that a chains run would make, of a prompt and a principle given.

The principle is not drawn: the constitution is narrowed to it, so that the draw cannot choose another. Seeds, few-shots
and words are the chains stage's, which is the one implementation of them.
"""

from collections.abc import Generator
from dataclasses import replace

from cai_core.chains.critique_revision import critique_and_revise, plain_sample
from cai_core.chains.few_shots import draw_prefixes
from cai_core.config import ChainsConfig
from cai_core.types import (
    Answer,
    Ask,
    AskKind,
    Choose,
    Constitution,
    Failed,
    Prompt,
    PromptKind,
    Request,
    RowState,
    Split,
    prompt_uid,
)

Asking = Generator[tuple[str, Request], Answer, str | None]
"""Yields (part, request), is sent the answer, and returns what went wrong, in words; None if nothing did."""

CHOICE = "choice"
SHORTEN = "Shorten the prompt, ask for fewer tokens, or take a model with a longer context."


def requests_of(ask: Ask, constitution: Constitution | None) -> Asking:
    """What is asked of the model, step by step; `constitution` is the version that the ask names."""
    if ask.kind is AskKind.CHOOSE:
        answer = yield CHOICE, Choose(ask.turns, ask.options)
        return answer.message if isinstance(answer, Failed) else None
    prompt = Prompt(prompt_uid(ask.turns), ask.turns, PromptKind.RED_TEAM, Split.TRAIN, source="ask")
    config = _config(ask)
    if constitution is None:
        chain = yield from plain_sample(prompt, sample=0, config=config, seed=ask.seed)
    else:
        chain = yield from critique_and_revise(
            prompt,
            sample=0,
            constitution=narrowed(constitution, ask.principle or ""),
            config=config,
            prefixes=draw_prefixes(
                constitution.few_shots.critique_revision,
                count=config.few_shot_prefixes,
                size=config.few_shots,
                seed=ask.seed,
            ),
            seed=ask.seed,
        )
    if chain.state is RowState.DONE:
        return None
    return f"{chain.error} {SHORTEN}" if chain.state is RowState.TOO_LONG else chain.error


def narrowed(constitution: Constitution, principle: str) -> Constitution:
    """The constitution with one of its principles alone, enabled."""
    chosen = tuple(replace(one, enabled=True) for one in constitution.principles if one.id == principle)
    return replace(constitution, principles=chosen)


def _config(ask: Ask) -> ChainsConfig:
    return ChainsConfig(
        constitution=ask.constitution or "",
        model=ask.model,
        rounds=1,
        temperature=ask.temperature,
        max_new_tokens=ask.max_new_tokens,
        few_shots=ask.few_shots,
    )
