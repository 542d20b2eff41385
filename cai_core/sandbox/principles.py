"""The grammar of principle texts: many phrasings for each topic, for harm in general, for tone, for helpfulness.

What a principle covers is carried by its key words, so an edited principle still works while it names its topic.
"""

from random import Random

from cai_core.sandbox.facts import Combo, Rule, Scope
from cai_core.sandbox.harm_topics import HARM_TOPICS
from cai_core.sandbox.world import HARM
from cai_core.types import PromptKind

ADJECTIVES = ("harmful", "unethical", "dangerous", "illegal", "toxic", "unsafe", "immoral", "hurtful")
TONES = ("preachy", "evasive", "overreactive", "judgmental", "dismissive", "condescending")

TOPIC_CRITIQUE = (
    "Identify how the last response helps with {key}.",
    "Explain whether the assistant's last response supports {key}.",
    "Does the assistant's answer help with {key}? Point out the harm.",
    "Find anything in the response that encourages {key}.",
    "Discuss how the response could harm people through {key}.",
    "Critique the last response with regard to {key}.",
    "Say what is wrong with the response if it has to do with {key}.",
)
TOPIC_REVISION = (
    "Rewrite the response so that it does not help with {key} and offers something better.",
    "Revise the answer to remove any help with {key}.",
    "Please rewrite the assistant's response without any support for {key}.",
    "Change the response so that it objects to {key}, says why and offers another way.",
    "Write the answer again so that it avoids {key}.",
)
TOPIC_COMPARISON = (
    "Which of these responses helps less with {key}?",
    "Choose the response that is less harmful with regard to {key}.",
    "Pick the answer that does more to avoid {key}.",
    "Which response should be preferred if we want to prevent {key}?",
    "Please choose the response that better objects to {key}.",
    "Which assistant response gives less support for {key}?",
)
HARM_CRITIQUE = (
    "Identify ways in which the last response is {a}, {b} or {c}.",
    "Point out anything {a} or {b} in the assistant's response.",
    "Explain how the last response could be {a}, {b} or {c}.",
    "Does the response help with anything {a} or {b}? Say what.",
    "Critique the last response for any {a} or {b} content.",
)
HARM_REVISION = (
    "Rewrite the response to remove all {a}, {b} or {c} content.",
    "Revise the answer so that it is not {a} or {b}.",
    "Please rewrite the assistant's response so that nothing in it is {a} or {b}, and offer something better.",
    "Change the response so that it objects to {a} wishes, says why and offers another way.",
)
HARM_COMPARISON = (
    "Which of these responses is less {a}, {b} or {c}?",
    "Choose the response that is less {a}.",
    "Pick the answer that is less {a} and less {b}.",
    "Please choose the response that better avoids anything {a} or {b}.",
)
WISE_CRITIQUE = (
    "Critique the response as a {a}, {b} and {c} person would.",
    "What would a {a} and {b} person find wrong with the last response?",
    "Say where the response differs from what a {a}, {b} person would say.",
)
WISE_REVISION = (
    "Rewrite the response as a {a}, {b} and {c} person would say it.",
    "Revise the answer so that it sounds like a {a} and {b} person.",
    "Write the answer again as a {a}, {b} friend would.",
)
WISE_COMPARISON = (
    "Which response would a {a}, {b} and {c} person give?",
    "Choose the response that a {a} and {b} person would more likely say.",
    "Pick the answer that sounds more like a {a}, {b} friend.",
)
VIRTUES = ("wise", "ethical", "polite", "friendly", "caring", "thoughtful")
TONE_CRITIQUE = (
    "Point out where the last response is {a} or {b}.",
    "Is the assistant's response {a}, {b} or {c}? Explain.",
    "Critique the response for being {a} or {b} instead of giving reasons and help.",
)
TONE_REVISION = (
    "Rewrite the response so that it is not {a} or {b}, but gives a reason and real help.",
    "Revise the answer to be less {a} and less {b}.",
    "Please rewrite the response without being {a}, {b} or {c}.",
)
TONE_COMPARISON = (
    "Which of these responses is less {a} or {b}?",
    "Choose the response that is less {a} and still not harmful.",
    "Pick the answer that objects, if it must, without being {a} or {b}.",
)
HELP_WORDS = ("helpful", "useful", "correct", "clear", "complete", "practical")
HELP_COMPARISON = (
    "Which of these responses is more {a}?",
    "Choose the response that is more {a} and {b}.",
    "Pick the answer that is more {a}, {b} and {c}.",
    "Which response better answers the question with {a} steps?",
    "Please choose the response that gives more {a} help.",
)


def topic_rule(rng: Random, topic: str) -> Rule:
    """One phrasing of a topic's principle."""
    keys = HARM[topic].keys
    key = rng.choice(keys)
    return Rule(
        Scope.TOPIC,
        topic,
        key,
        rng.choice(TOPIC_CRITIQUE).format(key=key),
        rng.choice(TOPIC_REVISION).format(key=key),
        rng.choice(TOPIC_COMPARISON).format(key=key),
    )


def general_rule(rng: Random, scope: Scope) -> Rule:
    """One phrasing of a general principle: harm, wise, tone or help."""
    if scope == Scope.HELP:
        words = rng.sample(HELP_WORDS, 3)
        return Rule(scope, None, words[0], "", "", _fill(rng, HELP_COMPARISON, words))
    pool, critiques, revisions, comparisons = {
        Scope.HARM: (ADJECTIVES, HARM_CRITIQUE, HARM_REVISION, HARM_COMPARISON),
        Scope.WISE: (VIRTUES, WISE_CRITIQUE, WISE_REVISION, WISE_COMPARISON),
        Scope.TONE: (TONES, TONE_CRITIQUE, TONE_REVISION, TONE_COMPARISON),
    }[scope]
    words = rng.sample(pool, 3)
    texts = [_fill(rng, forms, words) for forms in (critiques, revisions, comparisons)]
    return Rule(scope, None, words[0], *texts)


def _fill(rng: Random, forms: tuple[str, ...], words: list[str]) -> str:
    return rng.choice(forms).format(a=words[0], b=words[1], c=words[2])


def rule(rng: Random, scope: Scope, topic: str | None = None) -> Rule:
    """One phrasing of a principle; a topical one needs its topic."""
    return general_rule(rng, scope) if scope != Scope.TOPIC else topic_rule(rng, topic or HARM_TOPICS[0].id)


def other_topic(rng: Random, topic: str) -> str:
    """A harm topic that is not this one."""
    return rng.choice([name for name in HARM if name != topic])


def forbids(rule_: Rule, topic: str) -> bool:
    """Whether a harmlessness principle speaks against harm of a topic."""
    return rule_.scope in (Scope.HARM, Scope.WISE) or (rule_.scope == Scope.TOPIC and rule_.topic == topic)


def applies(rule_: Rule, combo: Combo) -> bool:
    """Whether a principle has to do with a prompt: those on good sense and tone always have."""
    harm = combo.kind == PromptKind.RED_TEAM
    if rule_.scope == Scope.TOPIC:
        return harm and rule_.topic == combo.topic
    return rule_.scope in (Scope.WISE, Scope.TONE) or harm == (rule_.scope == Scope.HARM)
