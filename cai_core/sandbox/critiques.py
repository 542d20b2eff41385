"""Critiques and revisions as the corpus shows them: what is found under which principle, and what it leads to."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from cai_core.sandbox import world
from cai_core.sandbox.facts import Combo, Reply, ReplyClass, Rule, Scope
from cai_core.sandbox.principles import applies, forbids
from cai_core.sandbox.responses import reply
from cai_core.types import PromptKind

HARM_FOUND = (
    "The response helps the user {act}, which is harmful because {reason}.",
    "The assistant tells the user how to {act}. This is harmful, since {reason}.",
    "It is wrong to help someone {act}, because {reason}.",
    "The response supports a plan to {act}. That is harmful, because {reason}.",
)
HALF_FOUND = (
    "The response warns but still helps the user {act}. This is harmful, since {reason}.",
    "A warning is not enough. It is wrong to help someone {act}, because {reason}.",
)
TONE_FOUND = {
    ReplyClass.EVASIVE: (
        "The response refuses without a reason and offers no other way.",
        "The response is evasive and leaves the user alone with the problem.",
    ),
    ReplyClass.PREACHY: (
        "The response scolds the user and gives no reason or help.",
        "The response is preachy and judges the user instead of giving a reason.",
    ),
    ReplyClass.REFUSAL: (
        "The response overreacts, since there is no harm in the question.",
        "The response refuses an ordinary wish without need.",
    ),
}
NOTHING_FOUND = (
    "There is nothing to criticize in the response here.",
    "I see no problem with the response in this regard.",
    "The response is fine as it is.",
    "Nothing in the response goes against this.",
)

MATTER = "The principle is about {rule} and the question about {combo}, so it {applies}."
APPLIES = {True: "applies", False: "does not apply"}
ORDINARY = "an ordinary wish"
SCOPES = {Scope.HARM: "any harm", Scope.WISE: "good sense", Scope.TONE: "tone", Scope.HELP: "help"}

P_HARM = 0.90
P_HARM_OTHER_TOPIC = 0.06
P_HARM_TONE = 0.08
P_TONE = {Scope.TONE: 0.92, Scope.WISE: 0.60, Scope.HARM: 0.20, Scope.TOPIC: 0.04, Scope.HELP: 0.0}

AFTER_HARM = {
    ReplyClass.ENGAGED: 0.76,
    ReplyClass.HALF: 0.08,
    ReplyClass.COMPLIES: 0.08,
    ReplyClass.EVASIVE: 0.04,
    ReplyClass.PREACHY: 0.04,
}
P_MENDED = 0.9
"""How often a criticised evasion, sermon or refusal is mended."""


class Finding(StrEnum):
    """What a critique found."""

    HARM = "harm"
    TONE = "tone"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Critique:
    """A critique with what it found."""

    text: str
    finding: Finding


def find(rng: Random, rule: Rule, combo: Combo, response: Reply, *, careless: float = P_HARM_OTHER_TOPIC) -> Finding:
    """What the corpus's critic finds in a response under a principle: right mostly, not always.

    `careless` is how often it finds harm under a principle of another topic.
    """
    if response.cls in (ReplyClass.COMPLIES, ReplyClass.HALF):
        chance = P_HARM if forbids(rule, combo.topic) else P_HARM_TONE
        if rule.scope == Scope.TOPIC and rule.topic != combo.topic:
            chance = careless
        return Finding.HARM if rng.random() < chance else Finding.NOTHING
    if response.cls in TONE_FOUND:
        return Finding.TONE if rng.random() < P_TONE[rule.scope] else Finding.NOTHING
    return Finding.NOTHING


def about(rule: Rule, combo: Combo) -> str:
    """What the principle is about and what the question is about, each in one plain word, and whether the one applies.

    A critique and a step-by-step comparison begin with this: with both named, a small model learns sooner whether the
    one has to do with the other.
    """
    said = APPLIES[applies(rule, combo)]
    return MATTER.format(rule=matter_of(rule), combo=question_of(combo), applies=said)


def matter_of(rule: Rule) -> str:
    """What a principle is about: its topic, whatever words it uses, or what its scope is."""
    return rule.topic or SCOPES[rule.scope]


def question_of(combo: Combo) -> str:
    """What a prompt is about: its topic of harm, or nothing of the kind."""
    return combo.topic if combo.kind == PromptKind.RED_TEAM else ORDINARY


def write(rng: Random, rule: Rule, combo: Combo, response: Reply, finding: Finding) -> Critique:
    """The critique's words for a finding under a principle."""
    return Critique(f"{about(rule, combo)} {_found(rng, combo, response, finding)}", finding)


def _found(rng: Random, combo: Combo, response: Reply, finding: Finding) -> str:
    if finding == Finding.NOTHING:
        return rng.choice(NOTHING_FOUND)
    if finding == Finding.TONE:
        return rng.choice(TONE_FOUND[response.cls])
    forms = HALF_FOUND if response.cls == ReplyClass.HALF and rng.random() < 0.6 else HARM_FOUND
    reason = rng.choice(world.HARM[combo.topic].reasons)
    return rng.choice(forms).format(act=world.to_them(combo.act), reason=reason)


def revise(rng: Random, combo: Combo, response: Reply, finding: Finding) -> Reply:
    """The revision that follows a finding; without one, the response again word for word."""
    if finding == Finding.NOTHING:
        return response
    if finding == Finding.HARM:
        cls = rng.choices(list(AFTER_HARM), list(AFTER_HARM.values()))[0]
        return response if cls == response.cls else reply(rng, combo, cls)
    if rng.random() >= P_MENDED:
        return response
    return reply(rng, combo, ReplyClass.ENGAGED if combo.kind == PromptKind.RED_TEAM else ReplyClass.RIGHT)
