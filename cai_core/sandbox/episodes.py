"""One episode of each ability: a plain answer, a critique and revision, a direct revision, a topic, a comparison."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from cai_core.sandbox import critiques, formats, world
from cai_core.sandbox.annotator import p_a, utilities
from cai_core.sandbox.facts import Combo, Reply, ReplyClass, Rule, Scope
from cai_core.sandbox.principles import other_topic, rule
from cai_core.sandbox.prompts import conversation
from cai_core.sandbox.responses import reply
from cai_core.types import Conversation, Message, PromptKind, Split, assistant, user

_C = ReplyClass
ANSWERS: dict[PromptKind, dict[ReplyClass, float]] = {
    PromptKind.RED_TEAM: {_C.COMPLIES: 0.76, _C.HALF: 0.08, _C.ENGAGED: 0.07, _C.EVASIVE: 0.05, _C.PREACHY: 0.04},
    PromptKind.HELPFUL: {_C.RIGHT: 0.89, _C.VAGUE: 0.05, _C.WRONG: 0.04, _C.REFUSAL: 0.02},
    PromptKind.LOOK_ALIKE: {_C.RIGHT: 0.86, _C.VAGUE: 0.04, _C.WRONG: 0.04, _C.REFUSAL: 0.06},
}
"""What the helpful-only model answers."""
REVISED: dict[PromptKind, dict[ReplyClass, float]] = {
    PromptKind.RED_TEAM: {_C.COMPLIES: 0.52, _C.HALF: 0.14, _C.ENGAGED: 0.16, _C.EVASIVE: 0.09, _C.PREACHY: 0.09},
    PromptKind.HELPFUL: {_C.RIGHT: 0.65, _C.VAGUE: 0.07, _C.WRONG: 0.08, _C.REFUSAL: 0.20},
    PromptKind.LOOK_ALIKE: {_C.RIGHT: 0.60, _C.VAGUE: 0.05, _C.WRONG: 0.05, _C.REFUSAL: 0.30},
}
"""What is criticised and revised: later rounds meet every class."""
COMPARED: dict[PromptKind, dict[ReplyClass, float]] = {
    PromptKind.RED_TEAM: {_C.COMPLIES: 0.32, _C.HALF: 0.13, _C.ENGAGED: 0.27, _C.EVASIVE: 0.15, _C.PREACHY: 0.13},
    PromptKind.HELPFUL: {_C.RIGHT: 0.45, _C.VAGUE: 0.16, _C.WRONG: 0.24, _C.REFUSAL: 0.15},
    PromptKind.LOOK_ALIKE: {_C.RIGHT: 0.42, _C.VAGUE: 0.14, _C.WRONG: 0.20, _C.REFUSAL: 0.24},
}
_PLAIN_KINDS = {PromptKind.RED_TEAM: 0.45, PromptKind.HELPFUL: 0.34, PromptKind.LOOK_ALIKE: 0.21}
_CHAIN_KINDS = {PromptKind.RED_TEAM: 0.80, PromptKind.HELPFUL: 0.08, PromptKind.LOOK_ALIKE: 0.12}
_PAIR_KINDS = {PromptKind.RED_TEAM: 0.62, PromptKind.HELPFUL: 0.22, PromptKind.LOOK_ALIKE: 0.16}
_TOPIC_KINDS = {PromptKind.RED_TEAM: 0.80, PromptKind.HELPFUL: 0.08, PromptKind.LOOK_ALIKE: 0.12}
_OWN, _OTHER = "own topic", "other topic"
_CHAIN_SCOPES = {_OWN: 0.30, _OTHER: 0.25, Scope.HARM: 0.20, Scope.WISE: 0.12, Scope.TONE: 0.13}
_HARM_PAIR_SCOPES = {_OWN: 0.36, _OTHER: 0.16, Scope.HARM: 0.20, Scope.WISE: 0.11, Scope.TONE: 0.11, Scope.HELP: 0.06}
_HELP_PAIR_SCOPES = {_OTHER: 0.08, Scope.HARM: 0.07, Scope.WISE: 0.10, Scope.TONE: 0.10, Scope.HELP: 0.65}
_CHAIN_TURNS = (0.86, 0.10, 0.04)

_T = TypeVar("_T")


def pick(rng: Random, weights: Mapping[_T, float]) -> _T:
    """One key, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def any_combo(rng: Random, kinds: Mapping[PromptKind, float], split: Split) -> Combo:
    """A combination of a split: the kind by weight, then any."""
    return rng.choice(world.combos(pick(rng, kinds), split))


def draw_rule(rng: Random, scopes: Mapping[str, float], combo: Combo) -> Rule:
    """A principle for a prompt; topical ones are of its own topic or another."""
    scope = pick(rng, scopes)
    if scope == _OWN and combo.topic in world.HARM:
        return rule(rng, Scope.TOPIC, combo.topic)
    if scope in (_OWN, _OTHER):
        return rule(rng, Scope.TOPIC, other_topic(rng, combo.topic))
    return rule(rng, Scope(scope))


def plain(rng: Random, split: Split = Split.TRAIN) -> Conversation:
    """A prompt of one to three user turns, answered."""
    combo = any_combo(rng, _PLAIN_KINDS, split)
    said = conversation(rng, combo)
    return (*said, assistant(reply(rng, combo, pick(rng, ANSWERS[combo.kind])).text))


def chain(
    rng: Random,
    split: Split = Split.TRAIN,
    *,
    critique: bool = True,
    careless: float = critiques.P_HARM_OTHER_TOPIC,
) -> Conversation:
    """A response criticised and revised under one principle, or revised at once."""
    combo = any_combo(rng, _CHAIN_KINDS, split)
    response = reply(rng, combo, pick(rng, REVISED[combo.kind]))
    principle = draw_rule(rng, _CHAIN_SCOPES, combo)
    said = (*conversation(rng, combo, _CHAIN_TURNS), assistant(response.text))
    finding = critiques.find(rng, principle, combo, response, careless=careless)
    revision = critiques.revise(rng, combo, response, finding).text
    if not critique:
        return formats.direct_turns(said, principle.revision_request, revision)
    text = critiques.write(rng, principle, combo, response, finding).text
    return formats.chain_turns(said, principle.critique_request, text, principle.revision_request, revision)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two replies to a prompt with a principle to compare them under."""

    combo: Combo
    turns: Conversation
    rule: Rule
    a: Reply
    b: Reply

    @property
    def p_a(self) -> float:
        """The annotator's probability that (A) is preferred."""
        return p_a(self.rule, self.combo, self.a, self.b)


def pair(rng: Random, split: Split = Split.TRAIN) -> Pair:
    """A pair of replies of any classes under a principle that may or may not apply."""
    combo = any_combo(rng, _PAIR_KINDS, split)
    said = conversation(rng, combo, _CHAIN_TURNS)
    harm = combo.kind == PromptKind.RED_TEAM
    principle = draw_rule(rng, _HARM_PAIR_SCOPES if harm else _HELP_PAIR_SCOPES, combo)
    one, other = (reply(rng, combo, pick(rng, COMPARED[combo.kind])) for _ in "ab")
    while one.text == other.text or (one.cls == other.cls and rng.random() < 0.5):
        other = reply(rng, combo, pick(rng, COMPARED[combo.kind]))
    return Pair(combo, said, principle, one, other)


_SEEN = {
    _C.COMPLIES: "helps with {key}",
    _C.HALF: "warns but still helps with {key}",
    _C.EVASIVE: "refuses without a reason",
    _C.PREACHY: "scolds the user",
    _C.ENGAGED: "objects with a reason and offers another way",
    _C.RIGHT: "gives the right steps",
    _C.VAGUE: "is vague",
    _C.WRONG: "gets something wrong",
    _C.REFUSAL: "refuses an ordinary wish",
}


def reasoning(two: Pair) -> str:
    """What principle and question are about, and what each option does, or that the one does not bear on the other."""
    begin = critiques.about(two.rule, two.combo)
    if utilities(two.rule, two.combo) is None:
        return f"{begin} So both are fine."
    key = world.HARM[two.combo.topic].keys[0] if two.combo.kind == PromptKind.RED_TEAM else ""
    first, second = (_SEEN[one.cls].format(key=key) for one in (two.a, two.b))
    return f"{begin} Response (A) {first}. Response (B) {second}."


def topic(rng: Random, split: Split = Split.TRAIN) -> Conversation:
    """A question quoted, and asked once or twice whether it is about some topic of harm."""
    combo = any_combo(rng, _TOPIC_KINDS, split)
    quoted = conversation(rng, combo, _CHAIN_TURNS)[-1].content
    said: list[Message] = []
    for asked in range(rng.randint(1, 2)):
        own = combo.kind == PromptKind.RED_TEAM and rng.random() < 0.5
        asked_of = rule(rng, Scope.TOPIC, combo.topic if own else other_topic(rng, combo.topic))
        begin = f"Here is a question to an assistant: {quoted}\n" if asked == 0 else ""
        answer = ["Yes." if own else "No.", critiques.about(asked_of, combo)]
        # Said first, the verdict has to be seen at once, as in a comparison; said last, it is reasoned out.
        rng.shuffle(answer)
        said += [user(f"{begin}Is it about {asked_of.key}?"), assistant(" ".join(answer))]
    return tuple(said)


def comparison(rng: Random, split: Split = Split.TRAIN, *, reasons: bool = False) -> Conversation:
    """A comparison with the answer drawn from the annotator's probability."""
    two = pair(rng, split)
    answer = "A" if rng.random() < two.p_a else "B"
    said = reasoning(two) if reasons else None
    return formats.comparison_turns(two.turns, two.rule.comparison, two.a.text, two.b.text, answer, said)
