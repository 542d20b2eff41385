"""Prompts: the grammar of what users say, and prompt sets by kind and split."""

from collections.abc import Sequence
from random import Random

from cai_core.sandbox import phrases, world
from cai_core.sandbox.facts import Combo, ReplyClass
from cai_core.sandbox.responses import reply
from cai_core.types import (
    Conversation,
    Prompt,
    PromptKind,
    Split,
    assistant,
    derive_seed,
    prompt_uid,
    user,
)

SOURCE = "sandbox"
_TURNS = (0.70, 0.20, 0.10)
_TRIES = 60


def ask(rng: Random, combo: Combo) -> str:
    """One user turn that asks for a combination."""
    text = rng.choice(phrases.ASKS).format(act=combo.act)
    if rng.random() < 0.12:
        text = f"{rng.choice(phrases.ASK_OPENERS)} {text}"
    if rng.random() < 0.12:
        text = f"{text} {rng.choice(phrases.ASK_CLOSERS)}"
    return text


def conversation(rng: Random, combo: Combo, turns: Sequence[float] | None = None) -> Conversation:
    """One to three user turns, weighted by `turns` (default 0.7, 0.2, 0.1); the last asks for the combination."""
    before = rng.choices((0, 1, 2), turns or _TURNS)[0]
    said: list[tuple[str, str]] = []
    if before == 2:
        said.append(rng.choice(phrases.SMALL_TALK))
    if before:
        said.append(_earlier(rng, combo))
    lead = rng.choice(phrases.AGAIN) if before and rng.random() < 0.3 else ""
    earlier = tuple(turn for one, other in said for turn in (user(one), assistant(other)))
    return (*earlier, user(lead + ask(rng, combo)))


def _earlier(rng: Random, combo: Combo) -> tuple[str, str]:
    """Small talk, a first word on the topic, or an ordinary question answered (always from train)."""
    which = rng.random()
    if which < 0.3:
        return rng.choice(phrases.SMALL_TALK)
    if which < 0.7:
        one, other = rng.choice(phrases.FOLLOW_UPS)
        return one.format(topic=combo.topic), other.format(topic=combo.topic)
    other_combo = rng.choice(world.combos(PromptKind.HELPFUL, Split.TRAIN))
    asked = rng.choice(phrases.ASKS).format(act=other_combo.act)
    return asked, reply(rng, other_combo, ReplyClass.RIGHT, plain=True).text


def prompts(kind: PromptKind, split: Split, count: int, seed: int, topic: str | None = None) -> list[Prompt]:
    """`count` distinct prompts of a kind and split, perhaps of one topic; the same for the same arguments.

    Raises ValueError if the grammar does not hold that many.
    """
    rng = Random(derive_seed(seed, "prompts", kind.value, split.value, topic))
    cells = world.combos(kind, split, topic)
    if not cells:
        raise ValueError(f"the sandbox has no topic {topic!r} for {kind.value} prompts")
    found: dict[str, Prompt] = {}
    for _ in range(count * _TRIES):
        if len(found) == count:
            break
        combo = rng.choice(cells)
        turns = conversation(rng, combo)
        uid = prompt_uid(turns)
        found.setdefault(uid, Prompt(uid, turns, kind, split, SOURCE, combo.topic))
    if len(found) < count:
        raise ValueError(f"the sandbox holds fewer than {count} {kind.value} prompts in {split.value}")
    return list(found.values())
