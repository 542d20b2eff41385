"""Rows of tokens: which begin alike, how options are laid out in one row, and padding."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Tokens = list[int]

_LEAST_SHARED, _LEAST_ROWS, _LEAST_SAVED = 24, 3, 256
"""A beginning is worth a pass of its own from so many tokens on, rows that have it, and tokens saved in all."""
_SIMILAR = 0.6
"""A row joins a group if that leaves it at least this part of the beginning that it shared before."""


@dataclass(frozen=True)
class Options:
    """A context with several ways to go on, to be scored."""

    common: Tokens
    tails: tuple[Tokens, ...]
    first: int
    """Place of the first token that counts, 1..len(common)."""


def item_length(item: Options) -> int:
    """Tokens of the context and of all its tails, but the last of each: nothing is asked after it."""
    return len(item.common) + sum(len(tail) - 1 for tail in item.tails if tail)


def lay_out(item: Options, shared: int) -> tuple[list[int], list[int], list[int]]:
    """Tokens, branches and positions of a row past what is shared: the context, then tail after tail."""
    tokens, branches = list(item.common[shared:]), [0] * (len(item.common) - shared)
    positions = list(range(shared, len(item.common)))
    for number, tail in enumerate(item.tails, start=1):
        tokens += tail[:-1]
        branches += [number] * len(tail[:-1])
        positions += range(len(item.common), len(item.common) + len(tail[:-1]))
    return tokens, branches, positions


def sum_tails(item: Options, logprobs: Tensor) -> list[float]:
    """Log-probability of each tail with the counted end of the context, from `logprobs` [keep, vocabulary]."""
    # Row r of `logprobs` was read at place r + offset, and tells of the token after it.
    offset = item_length(item) - len(logprobs)
    common = sum(
        float(logprobs[place - 1 - offset, item.common[place]]) for place in range(item.first, len(item.common))
    )
    scores, start = [], len(item.common)
    for tail in item.tails:
        # The first token of each tail is told at the end of the context, the others by the tail itself.
        told_at = [len(item.common) - 1, *range(start, start + len(tail) - 1)]
        scores.append(
            common + sum(float(logprobs[at - offset, token]) for at, token in zip(told_at, tail, strict=False))
        )
        start += max(0, len(tail) - 1)
    return scores


def shared_groups(sequences: Sequence[Tokens]) -> list[tuple[int, int, int]]:
    """Of sorted sequences the runs (begin, end, tokens shared) that begin alike, where it pays to share that."""
    found: list[tuple[int, int, int]] = []
    begin = 0
    while begin < len(sequences):
        end, shared = begin + 1, len(sequences[begin]) - 1
        while end < len(sequences):
            less = min(shared, common_length(sequences[end - 1], sequences[end]), len(sequences[end]) - 1)
            if less < _LEAST_SHARED or (end > begin + 1 and less < _SIMILAR * shared):
                break
            end, shared = end + 1, less
        if end - begin >= _LEAST_ROWS and (end - begin - 1) * shared >= _LEAST_SAVED:
            found.append((begin, end, shared))
        begin = end
    return found


def common_length(one: Tokens, other: Tokens) -> int:
    """How many tokens two sequences begin with alike."""
    least = min(len(one), len(other))
    if one[:least] == other[:least]:
        return least
    alike = 0
    while least - alike > 1:  # alike up to `alike`, and not up to `least`
        middle = (alike + least) // 2
        if one[alike:middle] == other[alike:middle]:
            alike = middle
        else:
            least = middle
    return alike


def pad_left(rows: Sequence[Tokens], pad: int, device: torch.device) -> Tensor:
    """[rows, longest] integers."""
    longest = max(map(len, rows))
    return torch.tensor([[pad] * (longest - len(row)) + list(row) for row in rows], device=device)


def pad_right(rows: Sequence[Tokens]) -> tuple[Tensor, Tensor]:
    """Ids and mask, each [rows, longest]; the mask is 0 on padding, and what stands there is never seen."""
    longest = max(map(len, rows))
    ids = [[*row, *[0] * (longest - len(row))] for row in rows]
    mask = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
    return torch.tensor(ids), torch.tensor(mask)


def real_left(rows: Sequence[Tokens], device: torch.device) -> Tensor:
    """[rows, longest]: False on the padding of `pad_left`."""
    return pad_left([[1] * len(row) for row in rows], 0, device).bool()


def positions_of(visible: Tensor) -> Tensor:
    """Position of each token, counted over the real ones; 0 on padding. [rows, tokens]."""
    return (visible.long().cumsum(-1) - 1).clamp(min=0)
