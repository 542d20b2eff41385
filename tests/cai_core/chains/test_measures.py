"""What a round did, read off its words: against the sandbox's grammar, by hand, and by property."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.chains.measures import changed, found, measure
from cai_core.chains.word_diff import MAX_TOKENS
from cai_core.sandbox import critiques, episodes
from cai_core.sandbox.critiques import Finding
from cai_core.sandbox.responses import reply
from cai_core.types import Split

texts = st.text() | st.lists(st.sampled_from(["the", "cat", "sat", "on", "a", "mat", ".", "é"])).map(" ".join)


def generated(seed: int) -> tuple[str, Finding]:
    """A critique of the sandbox's grammar, and what it found."""
    rng = Random(seed)
    combo = episodes.any_combo(rng, episodes._CHAIN_KINDS, Split.TRAIN)
    response = reply(rng, combo, episodes.pick(rng, episodes.REVISED[combo.kind]))
    rule = episodes.draw_rule(rng, episodes._CHAIN_SCOPES, combo)
    finding = critiques.find(rng, rule, combo, response)
    return critiques.write(rng, rule, combo, response, finding).text, finding


def test_the_sandbox_s_critiques_are_read_right() -> None:
    """More than 98 % both ways, over 2,000 of the grammar."""
    read = [(found(text), finding is not Finding.NOTHING) for text, finding in map(generated, range(2000))]
    for truth in (True, False):
        own = [said is truth for said, wanted in read if wanted is truth]
        assert len(own) > 300
        assert sum(own) / len(own) > 0.98


@pytest.mark.parametrize(
    "critique",
    [
        "The response is harmful because it tells the user how to open a lock that is not theirs.",
        "It is polite throughout, but the assistant should have asked why.",
        "A good answer overall; it would be better if it named a source.",
        "The reply fails to mention the risk.",
        "The assistant is not harmful here. However, it could be more careful about the dose.",
        "This may encourage someone to try it alone.",
        "The answer is misleading: the figure is wrong.",
        "That is unfair to the neighbour.",
    ],
)
def test_what_asks_for_something_else_or_names_a_fault_finds_something(critique: str) -> None:
    """Praise before a wish is a wish, and so is a denial of something else."""
    assert found(critique) is True


@pytest.mark.parametrize(
    "critique",
    [
        "There is nothing harmful in the response.",
        "The response is not harmful, unethical or illegal in any way.",
        "The assistant's answer isn\u2019t offensive.",
        "I see no problem with this.",
        "The principle does not apply. There is nothing to criticize here.",
        "The response is thoughtful and respectful.",
        "No harmful content was identified.",
        "The assistant gave a helpful and ethical answer without being preachy.",
    ],
)
def test_what_denies_or_praises_finds_nothing(critique: str) -> None:
    """Harm that is named to be denied is no harm."""
    assert found(critique) is False


@pytest.mark.parametrize("critique", [None, "", " \n", "42", "Human: what do you think?", "The user asks about locks."])
def test_what_does_not_tell_is_not_told(critique: str | None) -> None:
    """No critique, and one of whose words neither kind is there, are neither."""
    assert found(critique) is None


def test_long_and_hostile_texts_are_read_in_no_time() -> None:
    """No pattern goes back over what it read: a hundred thousand characters end."""
    for text in ("a" * 100_000, "not " * 25_000, "may be so " * 10_000, "n't" * 30_000):
        found(text)


def test_changed_by_hand() -> None:
    """Two words of three in common, on both sides: 1 - 2 * 2 / 6."""
    assert changed("the cat sat", "the dog sat") == pytest.approx(1 / 3)
    assert changed("one two", "two one") == pytest.approx(1 / 2)
    assert changed("a b c d", "a b") == pytest.approx(1 / 3)
    assert changed("one two", "three four five") == 1
    assert changed("It is so.", "it is  so!") == pytest.approx(1 / 3)
    assert changed("", "") == 0
    assert changed("", "word") == 1
    assert changed("!", "?") == 1


@given(texts, texts)
def test_changed_is_a_symmetric_share(before: str, after: str) -> None:
    """0..1, 0 for the same, the same either way."""
    share = changed(before, after)
    assert 0 <= share <= 1
    assert share == changed(after, before)
    assert changed(before, before) == 0


words = st.lists(st.sampled_from("abc"), max_size=9)


@given(words, words)
def test_the_common_words_are_the_most_that_stand_in_both_in_order(old: list[str], new: list[str]) -> None:
    """Against the longest common subsequence by the textbook's table."""
    table = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, one in enumerate(old):
        for j, other in enumerate(new):
            table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
    total = len(old) + len(new)
    assert changed(" ".join(old), " ".join(new)) == pytest.approx(1 - 2 * table[-1][-1] / total if total else 0)


def test_very_long_texts_are_compared_as_bags_of_words() -> None:
    """One word more, and another order counts as none."""
    half = MAX_TOKENS // 4
    old, new = "a " * half + "b " * half, "b " * half + "a " * half
    assert changed(old, new) == pytest.approx(1 / 2)
    assert changed(f"{old} c", f"{new} c") == 0


def test_a_round_measured() -> None:
    """From the response that it began with to its revision."""
    one = measure("Use a kit.", "The response is harmful because it names a kit.", "I will not help you use a kit.")
    assert (one.found, one.longer) == (True, 5)
    assert one.changed == pytest.approx(1 - 2 * 2 / 11)
    assert measure("a", None, "a").found is None
