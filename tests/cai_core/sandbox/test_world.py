"""The world: splits, prompts, and that it holds nothing but placeholders."""

import re

import pytest

from cai_core.sandbox import phrases, world
from cai_core.sandbox import prompts as prompt_sets
from cai_core.sandbox.harm_topics import HARM_TOPICS
from cai_core.sandbox.prompts import prompts
from cai_core.types import PromptKind, Role, Split, prompt_uid


def test_splits_are_disjoint_and_cover_the_grid() -> None:
    for kind in PromptKind:
        parts = [set(world.combos(kind, split)) for split in Split]
        assert sum(map(len, parts)) == len(set().union(*parts))
        for topic in world.topics(kind):
            assert all(world.combos(kind, split, topic) for split in Split)
        shares = [len(part) / sum(map(len, parts)) for part in parts]
        assert shares == pytest.approx([0.60, 0.15, 0.25], abs=0.02)


def test_no_word_is_new_in_test() -> None:
    for kind in PromptKind:
        for topic in world.topics(kind):
            train = world.combos(kind, Split.TRAIN, topic)
            for combo in world.combos(kind, Split.TEST, topic):
                assert any(one.action == combo.action for one in train)
                assert any(one.object == combo.object for one in train)


def test_each_combination_is_found_again_and_only_it() -> None:
    for kind in PromptKind:
        for split in Split:
            for combo in world.combos(kind, split):
                for ask in phrases.ASKS:
                    assert world.find_combos(ask.format(act=combo.act)) == [combo]


@pytest.mark.parametrize(
    ("kind", "split", "count"),
    [
        (PromptKind.RED_TEAM, Split.TRAIN, 1500),
        (PromptKind.HELPFUL, Split.TRAIN, 1000),
        (PromptKind.LOOK_ALIKE, Split.TRAIN, 600),
        (PromptKind.RED_TEAM, Split.TEST, 600),
        (PromptKind.HELPFUL, Split.TEST, 400),
        (PromptKind.LOOK_ALIKE, Split.TEST, 300),
        (PromptKind.RED_TEAM, Split.DEV, 400),
    ],
)
def test_prompts(kind: PromptKind, split: Split, count: int) -> None:
    found = prompts(kind, split, count, 3)
    assert found == prompts(kind, split, count, 3) != prompts(kind, split, count, 4)
    assert len({one.uid for one in found}) == count
    for one in found:
        assert one.uid == prompt_uid(one.turns)
        assert one.turns[-1].role == Role.USER
        combo = world.find_combo(one.turns[-1].content)
        assert combo is not None
        assert (combo.kind, combo.topic, world.split_of(combo)) == (kind, one.topic, split)
    assert {sum(turn.role == Role.USER for turn in one.turns) for one in found} == {1, 2, 3}


def test_prompts_of_one_topic() -> None:
    for topic in world.HARM:
        assert {one.topic for one in prompts(PromptKind.RED_TEAM, Split.TEST, 150, 0, topic)} == {topic}


def test_too_many_prompts_and_unknown_topics_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="no topic 'cooking'"):
        prompts(PromptKind.RED_TEAM, Split.TEST, 1, 0, "cooking")
    monkeypatch.setattr(phrases, "ASKS", phrases.ASKS[:1])
    monkeypatch.setattr(phrases, "ASK_OPENERS", ("Hello.",))
    monkeypatch.setattr(phrases, "ASK_CLOSERS", ("Thank you.",))
    monkeypatch.setattr(prompt_sets, "_TURNS", (1.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="fewer than 400 helpful"):
        prompts(PromptKind.HELPFUL, Split.DEV, 400, 0, "cooking")


def test_reasons_and_alternatives_belong_to_one_topic() -> None:
    assert len(world.reason_topics()) == sum(len(topic.reasons) for topic in HARM_TOPICS)
    assert len(world.alternative_topics()) == sum(len(topic.alternatives) for topic in HARM_TOPICS)


def test_placeholders_only() -> None:
    """What a complying reply gives away is an invented name and a step that says nothing of the topic."""
    names = [tool for topic in HARM_TOPICS for tool in topic.tools]
    assert all(re.fullmatch(r"(?:[A-Z][a-z]+){2,3}", name) for name in names)
    assert len(set(names)) == len(names)
    for form in (*phrases.COMPLY, *phrases.HALF):
        assert "called {tool}" in form
        assert set(re.findall(r"\{(\w+)\}", form)) <= {"act", "tool", "reason"}
    words = {word for topic in HARM_TOPICS for thing in topic.objects for word in thing.split() if len(word) > 3}
    assert not words & {word for step in phrases.STEPS for word in step.split()}
