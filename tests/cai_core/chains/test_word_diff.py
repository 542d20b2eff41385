"""The word diff is lossless, and folds what would only flicker."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cai_core.chains.word_diff import MAX_TOKENS, Op, word_diff

texts = st.text() | st.lists(st.sampled_from(["the", "cat", "sat", " ", "\n", ".", ",", "é", "a_b", "'"])).map("".join)


@given(texts, texts)
def test_runs_give_both_texts_back(old: str, new: str) -> None:
    runs = word_diff(old, new)
    assert "".join(text for op, text in runs if op is not Op.INSERT) == old
    assert "".join(text for op, text in runs if op is not Op.DELETE) == new
    assert all(text for _, text in runs)
    for (one, _), (two, _) in pairwise(runs):
        assert one is not two
        assert (one, two) != (Op.INSERT, Op.DELETE)


@given(texts)
def test_equal_texts_are_one_run(text: str) -> None:
    assert word_diff(text, text) == ([(Op.EQUAL, text)] if text else [])


def test_a_word_changed() -> None:
    assert word_diff("the cat sat on the mat", "the dog sat on the mat") == [
        (Op.EQUAL, "the "),
        (Op.DELETE, "cat"),
        (Op.INSERT, "dog"),
        (Op.EQUAL, " sat on the mat"),
    ]


def test_short_common_runs_between_edits_are_folded() -> None:
    assert word_diff("one of two", "six of ten") == [(Op.DELETE, "one of two"), (Op.INSERT, "six of ten")]
    kept = word_diff("one and so on two", "six and so on ten")
    assert (Op.EQUAL, " and so on ") in kept


def test_very_long_texts_are_not_compared() -> None:
    old, new = "a " * MAX_TOKENS, "b " * MAX_TOKENS
    assert word_diff(old, new) == [(Op.DELETE, old), (Op.INSERT, new)]
