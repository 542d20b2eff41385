"""Splits by the hash of a prompt: the same prompt is in the same split, whatever file it comes in and beside what."""

import math
from collections.abc import Mapping

from cai_core.errors import PromptError
from cai_core.types import Split, derive_seed

Shares = Mapping[Split, float]
"""The share of prompts that each split gets; together 1."""


def read_shares(text: str) -> Shares:
    """Shares as they are typed: 'train', or 'train=.8,dev=.1,test=.1'. `PromptError` if they make no whole."""
    if text in list(Split):
        return {Split(text): 1.0}
    shares: dict[Split, float] = {}
    for part in text.split(","):
        name, _, value = (word.strip() for word in part.partition("="))
        if name not in list(Split) or name in shares:
            raise _wrong(text, f"{name!r} is said twice" if name in shares else f"{name!r} is no split")
        shares[Split(name)] = _share(text, value)
    if not math.isclose(sum(shares.values()), 1, abs_tol=1e-6):
        raise _wrong(text, f"the shares are {sum(shares.values()):g} together")
    return shares


def split_of(uid: str, shares: Shares, seed: int) -> Split:
    """The split of the prompt with this uid: only uid, shares and seed decide."""
    place = derive_seed(seed, "split", uid) / 2**63
    given = [split for split in Split if shares.get(split)]
    for split in given[:-1]:
        place -= shares[split]
        if place < 0:
            return split
    return given[-1]


def _share(text: str, value: str) -> float:
    try:
        share = float(value)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise _wrong(text, f"{value!r} is no share from 0 to 1")
    return share


def _wrong(text: str, why: str) -> PromptError:
    return PromptError(f"the split {text!r} cannot be: {why}. Say train, dev or test, or train=.8,dev=.1,test=.1.")
