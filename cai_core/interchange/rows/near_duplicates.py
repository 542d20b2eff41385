"""Texts that are nearly the same: word shingles, MinHash and banding, then the exact overlap of those that met."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

from cai_core.errors import DataFileError

WORDS_IN_SHINGLE = 3
BANDS, ROWS = 16, 8
"""Two texts meet if one of 16 bands of 8 hashes agrees: with overlap 0.8 in 95 of 100 cases, with 0.9 nearly always."""
NEIGHBOURS = 8
"""Earlier texts of a band that a text is compared with: so a million variants of one template cost linear time."""
_SLACK = 0.15
"""How far the share of hashes that agree may fall below the overlap: four standard errors of 128 hashes."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
"""A word; in scripts that write no spaces, a character."""
_CHUNK = 4_096

Shingles = NDArray[np.uint64]


def near_duplicates(texts: Iterable[str], threshold: float = 0.8, *, seed: int) -> Iterator[tuple[int, int, float]]:
    """Pairs `(i, j, overlap)` of texts, i < j, whose shingles overlap (Jaccard) by `threshold` or more.

    The overlap is exact (Broder 1997); which pairs are looked at is drawn with `seed`, and a few at the threshold may
    be missed. Of many that are all alike, each is paired with some before it. Case and punctuation do not count.
    Ordered by j, then i. Memory: about half a kilobyte a text of 15 words.
    """
    if not 0 < threshold <= 1:
        raise DataFileError(f"a threshold of {threshold} is out of range; it is above 0 and at most 1.")
    hashed = _hashed(texts, seed)
    codes = _candidates(hashed.keys)
    count = len(hashed.keys)
    for at in range(0, len(codes), _CHUNK):
        j, i = np.divmod(codes[at : at + _CHUNK], count)
        agreeing = (hashed.bytes[i] == hashed.bytes[j]).mean(axis=1)
        (likely,) = np.nonzero(agreeing >= threshold - _SLACK)
        for one, other in zip(i[likely].tolist(), j[likely].tolist(), strict=True):
            overlap = jaccard(hashed.shingles(one), hashed.shingles(other))
            if overlap >= threshold:
                yield one, other, overlap


def shingles_of(text: str) -> Shingles:
    """The hashes of a text's shingles, each once; a text of fewer words than a shingle has is one shingle."""
    words = _WORD.findall(text.casefold())
    count = max(len(words) - WORDS_IN_SHINGLE + 1, 1)
    joined = {" ".join(words[at : at + WORDS_IN_SHINGLE]) for at in range(count)}
    return np.unique(np.fromiter(map(_hash, joined), np.uint64, len(joined)))


def jaccard(one: Shingles, other: Shingles) -> float:
    """The share of the shingles of two texts that are in both, 0..1."""
    both = len(set(one.tolist()) & set(other.tolist()))
    return both / (one.size + other.size - both)


def _hash(shingle: str) -> int:
    return int.from_bytes(hashlib.blake2b(shingle.encode(errors="replace"), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class _Hashed:
    """What is kept of the texts."""

    flat: Shingles
    """All texts' shingles in a row."""
    ends: NDArray[np.int64]
    keys: NDArray[np.uint64]
    """(texts, bands): the same number where two texts agree in all hashes of a band."""
    bytes: NDArray[np.uint8]
    """(texts, hashes): the last byte of each, to estimate the overlap by."""

    def shingles(self, text: int) -> Shingles:
        return self.flat[self.ends[text - 1] if text else 0 : self.ends[text]]


def _hashed(texts: Iterable[str], seed: int) -> _Hashed:
    empty = MinHash(BANDS * ROWS, seed=seed % 2**32, hashfunc=int)
    chunks: list[tuple[Shingles, list[int], NDArray[np.uint64], NDArray[np.uint8]]] = []
    found: list[Shingles] = []
    hashes: list[NDArray[np.uint32]] = []

    def pack() -> None:
        values = np.array(hashes, np.uint32).reshape(-1, BANDS * ROWS)
        flat = np.concatenate([np.empty(0, np.uint64), *found])
        chunks.append((flat, [one.size for one in found], _keys(values), values.astype(np.uint8)))
        found.clear()
        hashes.clear()

    for text in texts:
        found.append(shingles_of(text))
        minhash = empty.copy()
        minhash.update_batch(found[-1].astype(np.uint32))
        hashes.append(minhash.hashvalues)
        if len(found) == _CHUNK:
            pack()
    pack()
    flats, sizes, keys, ends = zip(*chunks, strict=True)
    return _Hashed(
        np.concatenate(flats), np.cumsum(np.concatenate(sizes), dtype=np.int64), *map(np.concatenate, (keys, ends))
    )


def _keys(hashes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """One number a band, the same where all its hashes are."""
    banded = hashes.astype(np.uint64).reshape(-1, BANDS, ROWS)
    keys = np.zeros(banded.shape[:2], np.uint64)
    for row in range(ROWS):
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + banded[:, :, row] + np.uint64(1)
        keys ^= keys >> np.uint64(29)
    return keys


def _candidates(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Pairs that meet in some band, as j * texts + i in order: each text with those before it there, and the first."""
    count = len(keys)
    met = np.empty(0, np.int64)
    for band in range(BANDS):
        order = np.argsort(keys[:, band], kind="stable")
        ranked = keys[order, band]
        first = np.searchsorted(ranked, ranked, side="left")
        place = np.arange(count)
        pairs = [met]
        for back in range(1, NEIGHBOURS + 1):
            later = place[first <= place - back]
            pairs.append(order[later] * count + order[later - back])
        far = place[first < place - NEIGHBOURS]
        pairs.append(order[far] * count + order[first[far]])
        met = np.unique(np.concatenate(pairs))
    return met
