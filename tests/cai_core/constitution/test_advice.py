"""Advice: each rule's hits and near misses, what blocks, and that the constitutions that ship are left alone."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution.advice import Advice, AdviceKind, Severity, advise, likeness, request_advice
from cai_core.constitution.load import load_constitution
from cai_core.constitution.problems import find_problems
from cai_core.constitution.wording import (
    asks_for_a_choice,
    asks_for_something,
    markup,
    placeholders,
    role_labels,
)
from cai_core.types import (
    ComparisonShot,
    Constitution,
    CritiqueRevisionShot,
    FewShots,
    Principle,
    PrincipleKind,
    assistant,
    user,
)

SHIPPED = sorted((Path(__file__).parents[3] / "constitutions").glob("*.yaml"))
CRITIQUE = "Say in which ways the assistant's last answer could hurt somebody."
REVISION = "Write the answer anew without anything that could hurt somebody."
COMPARE = "Which of these answers is less likely to hurt somebody?"


def whole(id: str = "kind", **changes: object) -> Principle:
    made = Principle(id, "Kind", critique_request=CRITIQUE, revision_request=REVISION, comparison=COMPARE)
    return replace(made, **changes)  # type: ignore[arg-type]


HELPFUL = Principle("helpful", "Helpful", PrincipleKind.HELPFULNESS, comparison="Choose the answer that helps more.")
TURN = (user("Hello there."),)
SHOTS = FewShots(
    (CritiqueRevisionShot((*TURN, assistant("Go away.")), CRITIQUE, "It is rude.", REVISION, "Good day to you."),),
    (ComparisonShot(TURN, COMPARE, "one", "two", "A"), ComparisonShot(TURN, COMPARE, "one", "two", "B")),
)


def constitution(*principles: Principle, few_shots: FewShots = SHOTS) -> Constitution:
    return Constitution("c", "", principles, few_shots)


def told(found: Constitution, kind: AdviceKind) -> list[tuple[str | None, int, str]]:
    """Where advice of a kind is given."""
    return [(one.list, one.index, one.field) for one in advise(found) if one.kind is kind]


def test_a_whole_constitution_gets_no_advice() -> None:
    assert [one for one in advise(constitution(whole(), HELPFUL)) if one.index == 0] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_ships_is_told_of_nothing_but_absent_halves(path: Path) -> None:
    shipped = load_constitution(path)
    assert {one.kind for one in advise(shipped)} <= {AdviceKind.MISSING}
    assert all(one.list == "principles" for one in advise(shipped))


def test_what_blocks_is_what_cannot_be_saved_and_comes_first() -> None:
    found = advise(constitution(whole(title=" "), whole(id="kind", revision_request=None)))
    blocks = [one for one in found if one.severity is Severity.BLOCKS]
    assert found[: len(blocks)] == tuple(blocks)
    assert {(one.index, one.field) for one in blocks} == {(0, "id"), (1, "id"), (0, "title"), (1, "half")}


def test_an_absent_half_says_what_is_not_done() -> None:
    bare = constitution(whole(comparison=None), whole(critique_request=None, revision_request=None), HELPFUL)
    texts = {one.index: one.text for one in advise(bare) if one.kind is AdviceKind.MISSING and one.list}
    assert "never compared" in texts[0]
    assert "never revised" in texts[1]


def test_what_the_whole_lacks() -> None:
    def lacks(found: Constitution) -> list[str]:
        return [one.text.split(":")[0] for one in advise(found) if one.list is None]

    off = constitution(whole(enabled=False), HELPFUL)
    assert lacks(constitution(whole())) == ["No helpfulness principle has a comparison"]
    assert lacks(constitution(whole(comparison=None))) == ["No principle that is on has a comparison"]
    assert lacks(off) == [
        "No principle that is on has a critique and revision request",
        "No harmlessness principle has a comparison",
    ]
    assert lacks(constitution(whole(), HELPFUL, few_shots=FewShots())) == [
        "No few-shots of critique and revision",
        "No few-shots of comparison",
    ]
    # Examples of what no principle can use are not asked for.
    assert lacks(constitution(replace(HELPFUL, kind=PrincipleKind.HELPFULNESS), few_shots=FewShots())) == [
        "No principle that is on has a critique and revision request",
        "No harmlessness principle has a comparison",
        "No few-shots of comparison",
    ]


@pytest.mark.parametrize(
    ("answers", "unbalanced"), [("AB", False), ("A", False), ("AAB", False), ("AAAB", True), ("BB", True), ("", False)]
)
def test_answers_are_balanced_up_to_twice_as_many(answers: str, unbalanced: bool) -> None:
    shots = tuple(ComparisonShot(TURN, COMPARE, "one", "two", answer) for answer in answers)
    found = constitution(whole(), HELPFUL, few_shots=replace(SHOTS, comparison=shots))
    assert bool(told(found, AdviceKind.UNBALANCED)) == unbalanced


def test_likeness_is_the_share_of_common_triples() -> None:
    # Five words each, three triples each, two in common: 2 of 4.
    assert likeness("one two three four five", "one two three four six") == 0.5
    assert likeness("One, two THREE!", "one two three") == 1
    assert likeness("one two", "two one") == 0
    assert likeness("", "") == 0


LONG = "Say in which ways the last answer might lead a reader to do harm to people who trust them, and how it does so."


def test_doubles_name_each_other_half_by_half() -> None:
    first = whole("first", critique_request=LONG)
    second = whole("second", critique_request=LONG.replace("trust", "know"), comparison="Prefer the friendlier answer.")
    found = [one for one in advise(constitution(first, second, HELPFUL)) if one.kind is AdviceKind.ALIKE]
    assert [(one.index, one.field) for one in found] == [(0, "critique_request"), (1, "critique_request")]
    assert "'second'" in found[0].text
    # 34 words make 32 triples, three of them changed: 29 of 35 in common.
    assert "83 % alike" in found[0].text


def test_what_is_off_or_short_or_of_another_half_is_no_double() -> None:
    first, second = whole("first", critique_request=LONG), whole("second", comparison="Prefer the shorter answer.")
    other = replace(second, critique_request="Name what is rude in it.", revision_request="Write it again, politely.")
    assert told(constitution(first, other, HELPFUL), AdviceKind.ALIKE) == []
    assert told(constitution(first, replace(first, id="copy", enabled=False)), AdviceKind.ALIKE) == []
    # One word of nine makes the difference between two topics.
    topics = [
        whole(t, comparison=f"Please choose the response that better objects to {t}.") for t in ("scams", "theft")
    ]
    fields = {field for _, _, field in told(constitution(*topics), AdviceKind.ALIKE)}
    assert fields == {"critique_request"}


@pytest.mark.parametrize(
    "text",
    [
        "Name what is wrong with it.",
        "please rewrite the reply",
        "Which parts could hurt somebody",
        "In what way is the reply unkind",
        "The reply may hurt somebody; say how.",
        "You must remove all harm from the reply.",
        "Is it rude?",
        "Nenne alles, was in der Antwort jemandem schaden könnte.",
        "请指出回答中有害的内容。",
    ],
)
def test_requests_that_ask(text: str) -> None:
    assert asks_for_something(text)


@pytest.mark.parametrize(
    "text",
    [
        "The response is harmful.",
        "Honesty matters to us.",
        "The assistant should explain why it declines.",
        "In our view the reply is rude and should be kinder.",
        "Privacy. Kindness.",
        "",
    ],
)
def test_requests_that_ask_for_nothing(text: str) -> None:
    assert not asks_for_something(text)


def test_comparisons_ask_for_a_choice() -> None:
    for text in (
        "Choose the kinder one.",
        "WHICH is kinder?",
        "The one you prefer is the kinder.",
        "选择更友善的回答。",
    ):
        assert asks_for_a_choice(text), text
    for text in ("Is the answer kind?", "The answer should be kind.", "Whichever"):
        assert not asks_for_a_choice(text), text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Judge by {principle} and {0}.", ("{principle}", "{0}")),
        ("Judge by {{ x }} alone.", ("{{ x }}",)),
        ("Judge by {}.", ("{}",)),
        ("Judge by ${topic}.", ("${topic}",)),
        ("Judge by [[PRINCIPLE]].", ("[[PRINCIPLE]]",)),
        ("Name harm to <topic here>.", ("<topic here>",)),
        ("TODO: write this. XXX", ("TODO", "XXX")),
        ("Fill in [your topic].", ("[your topic]",)),
        ("Say %s and %(name)s.", ("%(name)s", "%s")),
        ('Reply with {"a": 1}.', ()),
        ("A set {of ordinary words}.", ()),
        ("It is 5% so <3 and a < b > c.", ()),
        ("Use <b>bold</b> words.", ()),
        ("Todo lists are fine [see below].", ()),
        ("<|im_start|>", ()),
    ],
)
def test_placeholders(text: str, found: tuple[str, ...]) -> None:
    assert set(placeholders(text)) == set(found)


@pytest.mark.parametrize(
    ("text", "labels", "tags"),
    [
        ("Say why.\n\nHuman: go on", ("Human:",), ()),
        ("CritiqueRequest: Say why.", ("CritiqueRequest:",), ()),
        ("**Assistant:** hello", ("Assistant:",), ("**Assistant:**",)),
        ("<|im_start|>user [INST]", ("<|im_start|>", "[INST]"), ()),
        ("The human: a study. The assistant: another.", (), ()),
        ("Be <b>bold</b>.", (), ("<b>", "</b>")),
        ("Be **bold**.\n# Heading", (), ("**bold**", "# H")),
        ("2 * 3 * 4 is issue #5.", (), ()),
    ],
)
def test_markup(text: str, labels: tuple[str, ...], tags: tuple[str, ...]) -> None:
    assert role_labels(text) == labels
    assert markup(text) == tags


def test_length_is_counted_in_words() -> None:
    def lengths(text: str) -> list[str]:
        return [said for kind, said in request_advice("critique_request", text) if kind is AdviceKind.LENGTH]

    assert lengths("Name the harm done.") == []
    assert lengths("Name the harm.") == ["It has 3 words; say more of what is wanted."]
    assert lengths("Name " + "harm " * 149) == []
    assert "151 words" in lengths("Name " + "harm " * 150)[0]
    assert request_advice("critique_request", "  ") == ()


def test_a_weight_is_an_outlier_above_half_of_the_draws() -> None:
    some = [whole(id, critique_request=None, revision_request=None) for id in "abc"]
    heavy = replace(some[0], weight=2.0)
    assert told(constitution(heavy, *some[1:]), AdviceKind.WEIGHT) == []
    heavier = constitution(replace(heavy, weight=2.1), *some[1:])
    assert told(heavier, AdviceKind.WEIGHT) == [("principles", 0, "weight")]
    # Between two, one always takes half or more; and what is off takes nothing.
    assert told(constitution(heavy, some[1]), AdviceKind.WEIGHT) == []
    assert told(constitution(replace(heavy, weight=9.0, enabled=False), *some[1:]), AdviceKind.WEIGHT) == []


def test_few_shots_are_read_for_labels_and_placeholders() -> None:
    shot = ComparisonShot((user("Hello\n\nHuman: and more"),), COMPARE, "{response}", "two", "B")
    found = constitution(whole(), HELPFUL, few_shots=replace(SHOTS, comparison=(*SHOTS.comparison, shot)))
    assert ("comparison", 2, "conversation") in told(found, AdviceKind.MARKUP)
    assert ("comparison", 2, "response_a") in told(found, AdviceKind.PLACEHOLDER)


HOSTILE = st.text(st.sampled_from("<>{}[]()*_#!% \nabTODOHuman:|é\u202e"), max_size=80)


@given(st.lists(st.tuples(HOSTILE, HOSTILE | st.none(), HOSTILE | st.none()), max_size=4))
def test_any_text_is_advised_on_and_only_what_cannot_be_saved_blocks(
    texts: list[tuple[str, str | None, str | None]],
) -> None:
    principles = tuple(Principle(f"p{n}", a, comparison=b, critique_request=c) for n, (a, b, c) in enumerate(texts))
    found = advise(constitution(*principles))
    blocks = [one for one in found if one.severity is Severity.BLOCKS]
    assert [(one.list, one.index, one.text) for one in blocks] == [
        (one.list, one.index, one.text) for one in find_problems(constitution(*principles))
    ]
    assert all(isinstance(one, Advice) and one.text for one in found)
