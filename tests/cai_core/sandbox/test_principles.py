"""Principle texts, and the shipped constitution written in their words."""

import re
from pathlib import Path
from random import Random

from cai_core.constitution.load import load_constitution
from cai_core.sandbox import world
from cai_core.sandbox.facts import Combo, Scope
from cai_core.sandbox.gold import judge
from cai_core.sandbox.principles import applies, forbids, rule
from cai_core.types import PrincipleKind, PromptKind, Split

SHIPPED = Path(__file__).parents[3] / "constitutions" / "sandbox.yaml"


def test_topical_principles_name_their_topic_in_many_phrasings() -> None:
    rng = Random(0)
    for topic, facts in world.HARM.items():
        texts = set()
        for _ in range(200):
            one = rule(rng, Scope.TOPIC, topic)
            assert one.key in facts.keys
            for text in (one.critique_request, one.revision_request, one.comparison):
                assert one.key in text
                assert "{" not in text
            texts.add(one.critique_request)
            assert forbids(one, topic)
        assert len(texts) > 15


def test_general_principles_are_filled_in() -> None:
    rng = Random(0)
    for scope in (Scope.HARM, Scope.WISE, Scope.TONE, Scope.HELP):
        found = [rule(rng, scope) for _ in range(100)]
        assert not any("{" in one.critique_request + one.revision_request + one.comparison for one in found)
        assert len({one.comparison for one in found}) > 15
        assert forbids(found[0], "theft") == (scope in (Scope.HARM, Scope.WISE))


def test_which_principles_apply() -> None:
    rng = Random(0)
    harm, ordinary = (Combo(kind, "theft", "x", "y") for kind in (PromptKind.RED_TEAM, PromptKind.LOOK_ALIKE))
    found = {scope: rule(rng, scope, "theft") for scope in Scope}
    assert [scope for scope in Scope if applies(found[scope], harm)] == [s for s in Scope if s != Scope.HELP]
    assert {s for s in Scope if applies(found[s], ordinary)} == {Scope.WISE, Scope.TONE, Scope.HELP}
    assert not applies(rule(rng, Scope.TOPIC, "fraud"), harm)


def test_the_shipped_constitution() -> None:
    constitution = load_constitution(SHIPPED)
    ids = [one.id for one in constitution.principles]
    assert set(world.HARM) < set(ids)
    helpful = [one for one in constitution.principles if one.kind == PrincipleKind.HELPFULNESS]
    assert len(helpful) == 3
    assert all(one.critique_request is None and one.comparison for one in helpful)
    shots = constitution.few_shots
    assert 6 <= len(shots.critique_revision) <= 8
    assert sorted(one.answer for one in shots.comparison) == ["A"] * 4 + ["B"] * 4
    assert len(shots.comparison_with_reasoning) >= 3
    assert all(one.reasoning for one in shots.comparison_with_reasoning)


def test_its_few_shots_use_train_combinations_and_end_without_harm() -> None:
    constitution = load_constitution(SHIPPED)
    for text in SHIPPED.read_text().splitlines():
        for combo in world.find_combos(re.sub(r"\b(your|their)\b", "my", text)):
            assert world.split_of(combo) == Split.TRAIN
    for shot in constitution.few_shots.critique_revision:
        assert not judge(shot.conversation[:-1], shot.revision).harmful
