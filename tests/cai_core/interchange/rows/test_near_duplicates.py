"""Near duplicates: by hand, against all pairs, and where everything is alike."""

import random

import pytest

from cai_core.errors import DataFileError
from cai_core.interchange.rows.near_duplicates import NEIGHBOURS, jaccard, near_duplicates, shingles_of

TEXT = "how do i get the red paint out of my new coat"


def test_the_overlap_is_that_of_word_shingles() -> None:
    # 12 words make 10 shingles; another last word changes one of them: 9 shared of 11.
    other = TEXT.replace("coat", "hat")
    assert jaccard(shingles_of(TEXT), shingles_of(other)) == pytest.approx(9 / 11)
    assert [(i, j) for i, j, _ in near_duplicates([TEXT, "what is it", other], 0.81, seed=1)] == [(0, 2)]
    assert list(near_duplicates([TEXT, other], 0.82, seed=1)) == []


def test_case_punctuation_and_spaces_do_not_count() -> None:
    assert list(near_duplicates([TEXT, f"  {TEXT.upper()}?!\n".replace(" ", "  ")], seed=1)) == [(0, 1, 1.0)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Hi", "hi!", True),
        ("Hi", "Ho", False),
        ("", "?!", True),
        ("今日は元気ですか", "今日は元気ですか。", True),
        ("今日は元気", "明日は雨", False),
    ],
)
def test_short_texts_and_scripts_without_spaces(one: str, other: str, same: bool) -> None:
    assert bool(list(near_duplicates([one, other], seed=1))) == same


def test_no_texts_and_one() -> None:
    assert list(near_duplicates([], seed=1)) == []
    assert list(near_duplicates(["a"], seed=1)) == []


def test_a_threshold_out_of_range() -> None:
    with pytest.raises(DataFileError, match="above 0 and at most 1"):
        list(near_duplicates([], 1.5, seed=1))


def test_all_pairs_well_above_the_threshold_are_found_and_no_other() -> None:
    draw = random.Random(7)
    words = [f"w{n}" for n in range(400)]
    texts = [" ".join(draw.choices(words, k=draw.randint(6, 30))) for _ in range(300)]
    for n in range(150):
        changed = texts[n].split()
        for _ in range(draw.randint(0, 2)):
            changed[draw.randrange(len(changed))] = draw.choice(words)
        texts.append(" ".join(changed))
    shingles = [set(shingles_of(text).tolist()) for text in texts]
    overlaps = {
        (i, j): len(shingles[i] & shingles[j]) / len(shingles[i] | shingles[j])
        for j in range(len(texts))
        for i in range(j)
    }
    found = {(i, j): overlap for i, j, overlap in near_duplicates(iter(texts), 0.8, seed=3)}
    assert all(overlap == pytest.approx(overlaps[pair]) and overlap >= 0.8 for pair, overlap in found.items())
    assert {pair for pair, overlap in overlaps.items() if overlap >= 0.9} <= found.keys()
    missed = [pair for pair, overlap in overlaps.items() if overlap >= 0.8 and pair not in found]
    assert len(missed) <= 0.05 * len(found)


def test_the_same_seed_gives_the_same_pairs_in_order() -> None:
    texts = [f"{TEXT} number {n // 3} if you please" for n in range(200)]
    pairs = list(near_duplicates(texts, 0.5, seed=5))
    assert pairs == list(near_duplicates(texts, 0.5, seed=5))
    assert pairs == sorted(pairs, key=lambda pair: (pair[1], pair[0]))


def test_of_many_that_are_alike_each_is_paired_with_a_few() -> None:
    count = 3_000
    pairs = list(near_duplicates([TEXT] * count, seed=1))
    assert {j for _, j, _ in pairs} == set(range(1, count))
    assert {j for i, j, _ in pairs if i == 0} == set(range(1, count))
    assert len(pairs) <= (NEIGHBOURS + 1) * count
