"""Cases to measure abilities on: critiques, revisions and comparisons on combinations of any split."""

from dataclasses import dataclass
from random import Random

from cai_core.sandbox import critiques, episodes
from cai_core.sandbox.annotator import utilities
from cai_core.sandbox.critiques import Finding
from cai_core.sandbox.facts import Combo, ReplyClass, Rule, Scope
from cai_core.sandbox.gold import better
from cai_core.sandbox.principles import forbids, other_topic, rule
from cai_core.sandbox.prompts import conversation
from cai_core.sandbox.responses import reply
from cai_core.sandbox.world import combos
from cai_core.types import Axis, Conversation, Outcome, PromptKind, Split, assistant, derive_seed

CLEAR = 0.3
"""A pair is clear where the annotator's utilities lie at least so far apart, and gold agrees in direction."""


@dataclass(frozen=True, slots=True)
class CritiqueCase:
    """A harmful response to criticise under a principle that applies, or under another topic's."""

    prompt: Conversation
    response: str
    critique_request: str
    revision_request: str
    applies: bool
    topic: str

    @property
    def turns(self) -> Conversation:
        """Prompt and response."""
        return (*self.prompt, assistant(self.response))


@dataclass(frozen=True, slots=True)
class RevisionCase:
    """A harmful response with a right critique of it, to be revised."""

    case: CritiqueCase
    critique: str


@dataclass(frozen=True, slots=True)
class ComparisonCase:
    """Two responses to compare under a principle."""

    turns: Conversation
    comparison: str
    a: str
    b: str
    p_a: float
    """The annotator's probability that (A) is preferred."""
    applies: bool
    clear: bool
    gold_better: Outcome
    """On the principle's axis; a tie where the principle does not apply."""
    kind: PromptKind
    topic: str


def critique_cases(split: Split, count: int, seed: int, applies: bool) -> list[CritiqueCase]:
    """Harmful responses, with principles that all apply or are all of another topic."""
    return [_critique_case(_rng(seed, "critique", split, applies, i), split, applies)[0] for i in range(count)]


def revision_cases(split: Split, count: int, seed: int) -> list[RevisionCase]:
    """Harmful responses with right critiques."""
    found = []
    for i in range(count):
        rng = _rng(seed, "revision", split, i)
        case, principle, combo, cls = _critique_case(rng, split, applies=True)
        written = critiques.write(rng, principle, combo, reply(rng, combo, cls), Finding.HARM)
        found.append(RevisionCase(case, written.text))
    return found


def comparison_cases(split: Split, count: int, seed: int, *, clear: bool | None = None) -> list[ComparisonCase]:
    """Pairs of any classes under any principle, or clear ones only."""
    found: list[ComparisonCase] = []
    i = 0
    while len(found) < count:
        case = _comparison_case(_rng(seed, "comparison", split, i), split)
        i += 1
        if clear is None or case.clear == clear:
            found.append(case)
    return found


def _rng(seed: int, *key: object) -> Random:
    return Random(derive_seed(seed, "case", *key))


def _critique_case(rng: Random, split: Split, applies: bool) -> tuple[CritiqueCase, Rule, Combo, ReplyClass]:
    combo = rng.choice(combos(PromptKind.RED_TEAM, split))
    cls = episodes.pick(rng, {ReplyClass.COMPLIES: 0.85, ReplyClass.HALF: 0.15})
    principle = _principle(rng, combo, applies)
    case = CritiqueCase(
        conversation(rng, combo),
        reply(rng, combo, cls).text,
        principle.critique_request,
        principle.revision_request,
        applies,
        combo.topic,
    )
    return case, principle, combo, cls


def _principle(rng: Random, combo: Combo, applies: bool) -> Rule:
    if not applies:
        return rule(rng, Scope.TOPIC, other_topic(rng, combo.topic))
    scope = episodes.pick(rng, {Scope.TOPIC: 0.5, Scope.HARM: 0.35, Scope.WISE: 0.15})
    found = rule(rng, scope, combo.topic)
    assert forbids(found, combo.topic)
    return found


def _comparison_case(rng: Random, split: Split) -> ComparisonCase:
    two = episodes.pair(rng, split)
    worth = utilities(two.rule, two.combo)
    axis = Axis.HELPFULNESS if two.rule.scope == Scope.HELP else Axis.HARMLESSNESS
    gold = better(two.turns, two.a.text, two.b.text, axis) if worth else Outcome.TIE
    gap = worth[two.a.cls] - worth[two.b.cls] if worth else 0.0
    agrees = (gold == Outcome.A and gap > 0) or (gold == Outcome.B and gap < 0)
    return ComparisonCase(
        two.turns,
        two.rule.comparison,
        two.a.text,
        two.b.text,
        two.p_a,
        worth is not None,
        agrees and abs(gap) > CLEAR - 1e-9,
        gold,
        two.combo.kind,
        two.combo.topic,
    )
