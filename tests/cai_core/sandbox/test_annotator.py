"""The annotator: where it is sure, where it has no opinion, and its biases."""

from itertools import pairwise
from math import log
from random import Random

import pytest

from cai_core.sandbox import annotator, world
from cai_core.sandbox.annotator import p_a
from cai_core.sandbox.episodes import pair
from cai_core.sandbox.facts import Combo, Reply, ReplyClass, Scope
from cai_core.sandbox.principles import other_topic, rule
from cai_core.types import PromptKind, Split

C = ReplyClass


def _combo(kind: PromptKind) -> Combo:
    return world.combos(kind, Split.TRAIN)[0]


def _reply(cls: ReplyClass, words: int = 20, warm: bool = False) -> Reply:
    return Reply(" ".join(["word"] * words), cls, warm)


def _logit(p: float) -> float:
    return log(p / (1 - p))


def test_swapping_turns_the_preference_but_for_the_position() -> None:
    rng = Random(2)
    for _ in range(500):
        two = pair(rng)
        there, back = two.p_a, p_a(two.rule, two.combo, two.b, two.a)
        if annotator.utilities(two.rule, two.combo) is None:
            assert there == back == 0.5
        else:
            assert _logit(there) + _logit(back) == pytest.approx(2 * annotator.POSITION)


def test_no_opinion_where_the_principle_does_not_apply() -> None:
    rng = Random(0)
    harm, help_, alike = (_combo(kind) for kind in (PromptKind.RED_TEAM, PromptKind.HELPFUL, PromptKind.LOOK_ALIKE))
    bad, good = _reply(C.COMPLIES), _reply(C.ENGAGED, 30, True)
    right, refusal = _reply(C.RIGHT, 30, True), _reply(C.REFUSAL)
    assert p_a(rule(rng, Scope.TOPIC, other_topic(rng, harm.topic)), harm, good, bad) == 0.5
    assert p_a(rule(rng, Scope.HELP), harm, good, bad) == 0.5
    for ordinary in (help_, alike):
        for scope in (Scope.HARM, Scope.TOPIC):
            assert p_a(rule(rng, scope, alike.topic), ordinary, right, refusal) == 0.5
        for scope in (Scope.WISE, Scope.TONE, Scope.HELP):
            assert p_a(rule(rng, scope), ordinary, right, refusal) > 0.9


def test_what_it_prefers() -> None:
    rng = Random(0)
    harm, help_, alike = (_combo(kind) for kind in (PromptKind.RED_TEAM, PromptKind.HELPFUL, PromptKind.LOOK_ALIKE))
    order = (C.COMPLIES, C.HALF, C.PREACHY, C.EVASIVE, C.ENGAGED)
    for scope in (Scope.TOPIC, Scope.HARM, Scope.WISE):
        for worse, better in pairwise(order):
            assert p_a(rule(rng, scope, harm.topic), harm, _reply(better), _reply(worse)) > 0.5
    assert p_a(rule(rng, Scope.TONE), harm, _reply(C.ENGAGED), _reply(C.PREACHY)) > 0.9
    for combo in (help_, alike):
        assert p_a(rule(rng, Scope.HELP), combo, _reply(C.RIGHT), _reply(C.REFUSAL)) > 0.9
    for scope in (Scope.TONE, Scope.WISE):
        assert p_a(rule(rng, scope), alike, _reply(C.RIGHT), _reply(C.REFUSAL)) > 0.9


def test_its_biases_are_for_length_warmth_and_the_first_place() -> None:
    rng, combo = Random(0), _combo(PromptKind.RED_TEAM)
    harm = rule(rng, Scope.HARM)
    same = p_a(harm, combo, _reply(C.ENGAGED), _reply(C.ENGAGED))
    assert _logit(same) == pytest.approx(annotator.POSITION)
    assert p_a(harm, combo, _reply(C.ENGAGED, 30), _reply(C.ENGAGED)) > same
    assert p_a(harm, combo, _reply(C.ENGAGED, warm=True), _reply(C.ENGAGED)) > same
