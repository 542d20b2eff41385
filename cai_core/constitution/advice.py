"""What to look at again while a constitution is written: what cannot run, and what may not do what was meant.

What cannot run is what `find_problems` finds. All other advice may be wrong and never blocks. Why each kind is there:

- **missing:** a half that is absent, or a kind of principle or of few-shots without which a stage has nothing to do.
- **alike:** two enabled principles whose half has most of its word triples in common: what they say is drawn twice as
  often, and a comparison of versions cannot tell the two apart.
- **asks nothing:** a request without a question or a verb of asking, a comparison that asks for no choice. A model goes
  on from the last words it reads, and these call for no answer. Only English is judged.
- **placeholder:** braces, brackets and marks that other tools fill in. Nothing is filled in here: models read them.
- **markup:** role labels, tags and special tokens. The templates add the labels; a second one confuses who speaks.
- **length:** a request of a few words can be read in many ways; a very long one leaves less of the context to answers.
- **weight:** a principle that takes more than half of the draws, where three or more could be drawn.
- **unbalanced:** few-shot comparisons that answer one letter more than twice as often: models copy the letter.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cai_core.constitution import wording
from cai_core.constitution.draw import Half, candidates
from cai_core.constitution.problems import HALF, find_problems
from cai_core.types import SHOT_LISTS, ComparisonShot, Constitution, CritiqueRevisionShot, Principle, PrincipleKind

ALIKE = 0.6
"""Share of word triples that two halves have in common, from which on they are called alike."""
LEAST_TRIPLES = 12
"""That they have in common at least, unless they say the very same: in short texts one word makes the difference."""
LOOKED_AT = 400
"""Words of a half that are compared with others'."""
LONG, SHORT = 150, 4
"""Words of a request: more are very many, fewer very few."""
REQUESTS = ("critique_request", "revision_request", "comparison")
NAMED = {"critique_request": "critique request", "revision_request": "revision request", "comparison": "comparison"}
SHOT_TEXTS = (
    "critique_request",
    "critique",
    "revision_request",
    "revision",
    "comparison",
    "response_a",
    "response_b",
    "reasoning",
)


class AdviceKind(StrEnum):
    """What advice is about; the module says why."""

    PROBLEM = "problem"
    MISSING = "missing"
    ALIKE = "alike"
    ASKS_NOTHING = "asks nothing"
    PLACEHOLDER = "placeholder"
    MARKUP = "markup"
    LENGTH = "length"
    WEIGHT = "weight"
    UNBALANCED = "unbalanced"


class Severity(StrEnum):
    """Whether the constitution can be saved as it is."""

    BLOCKS = "blocks"
    ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to look at."""

    list: str | None
    """'principles' or one of `SHOT_LISTS`; None: the constitution as a whole."""
    index: int
    """Of the entry, from 0."""
    field: str
    """Its field; 'half' for what both halves lack; '' for the whole entry."""
    kind: AdviceKind
    severity: Severity
    text: str
    """What is the matter and what may be done, in one sentence or two."""


def advise(constitution: Constitution) -> tuple[Advice, ...]:
    """All advice: what blocks first, then in order of place, the constitution as a whole last."""
    blocks = [
        Advice(one.list, one.index, one.field, AdviceKind.PROBLEM, Severity.BLOCKS, one.text)
        for one in find_problems(constitution)
    ]
    found = [*_on_principles(constitution), *_on_shots(constitution), *_on_the_whole(constitution)]
    places = ["principles", *SHOT_LISTS, None]
    return (*blocks, *sorted(found, key=lambda one: (places.index(one.list), one.index)))


def request_advice(field: str, text: str) -> tuple[tuple[AdviceKind, str], ...]:
    """What the words of one of `REQUESTS` give away; blank ones are not looked at."""
    return _of_request(field, text) if text.strip() else ()


def likeness(first: str, second: str) -> float:
    """The share of their word triples that two texts have in common, 0..1 (Jaccard)."""
    return _share(wording.triples(first, LOOKED_AT), wording.triples(second, LOOKED_AT))


def _share(first: frozenset[object], second: frozenset[object]) -> float:
    both = len(first & second)
    return both / max(1, len(first) + len(second) - both)


@lru_cache(4096)
def _of_request(field: str, text: str) -> tuple[tuple[AdviceKind, str], ...]:
    found, count = [*_of_text(text)], len(wording.words(text))
    if field == "comparison" and not wording.asks_for_a_choice(text):
        found.append((AdviceKind.ASKS_NOTHING, "It does not ask for a choice: say 'choose', 'prefer' or 'which'."))
    elif field != "comparison" and not wording.asks_for_something(text):
        what = "what to look for" if field == "critique_request" else "how to rewrite"
        found.append(
            (AdviceKind.ASKS_NOTHING, f"It asks for nothing: begin with a verb, or a question, that says {what}.")
        )
    if count > LONG:
        found.append((AdviceKind.LENGTH, f"It has {count:,} words; more than {LONG} leave less room for the answer."))
    elif count < SHORT:
        found.append((AdviceKind.LENGTH, f"It has {count} word{'s' * (count != 1)}; say more of what is wanted."))
    return tuple(found)


@lru_cache(4096)
def _of_text(text: str) -> tuple[tuple[AdviceKind, str], ...]:
    """What is the matter with any text that models read."""
    found = []
    if marks := wording.placeholders(text):
        found.append((AdviceKind.PLACEHOLDER, f"{_quoted(marks)} will not be filled in: models read it as it stands."))
    if labels := wording.role_labels(text):
        found.append(
            (AdviceKind.MARKUP, f"{_quoted(labels)} looks like a turn's label; the labels are added by themselves.")
        )
    if tags := wording.markup(text):
        found.append((AdviceKind.MARKUP, f"{_quoted(tags)} is markup, which models read as it stands."))
    return tuple(found)


def _quoted(marks: Sequence[str]) -> str:
    shown = ", ".join(f"'{mark[:40]}'" for mark in marks[:3])
    return shown + (f" and {len(marks) - 3} more" if len(marks) > 3 else "")


def _principle(index: int, field: str, kind: AdviceKind, text: str) -> Advice:
    return Advice("principles", index, field, kind, Severity.ADVICE, text)


def _whole(field: str, kind: AdviceKind, text: str) -> Advice:
    return Advice(None, 0, field, kind, Severity.ADVICE, text)


def _on_principles(constitution: Constitution) -> Iterator[Advice]:
    for index, principle in enumerate(constitution.principles):
        for field in REQUESTS:
            for kind, text in request_advice(field, getattr(principle, field) or ""):
                yield _principle(index, field, kind, text)
        yield from _halves(index, principle)
    yield from _alike(constitution.principles)
    yield from _weights(constitution)


def _halves(index: int, principle: Principle) -> Iterator[Advice]:
    """What is not done with a principle that has one half alone."""
    critique = bool(principle.critique_request or principle.revision_request)
    if critique and not principle.comparison:
        text = "No comparison: responses are criticised and revised under it, but never compared."
        yield _principle(index, "comparison", AdviceKind.MISSING, text)
    if principle.comparison and not critique:
        text = "No critique and revision request: responses are compared under it, but never revised."
        yield _principle(index, HALF, AdviceKind.MISSING, text)


def _alike(principles: Sequence[Principle]) -> Iterator[Advice]:
    """Every principle with its nearest double, half by half; what is off is never drawn and doubles nothing."""
    for field, fields in (("critique_request", REQUESTS[:2]), ("comparison", REQUESTS[2:])):
        texts = [" ".join(getattr(one, name) or "" for name in fields) if one.enabled else "" for one in principles]
        there = [(index, wording.triples(text, LOOKED_AT)) for index, text in enumerate(texts) if text.strip()]
        near: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for place, (first, said) in enumerate(there):
            for second, other in there[place + 1 :]:
                share = _share(said, other)
                if share >= ALIKE and (share == 1 or len(said & other) >= LEAST_TRIPLES):
                    near[first].append((share, second))
                    near[second].append((share, first))
        half = "comparison" if field == "comparison" else "critique and revision"
        for index, found in near.items():
            yield _principle(index, field, AdviceKind.ALIKE, _nearest(half, found, principles))


def _nearest(half: str, found: Sequence[tuple[float, int]], principles: Sequence[Principle]) -> str:
    share, other = max(found, key=lambda one: (one[0], -one[1]))
    more = f", and {len(found) - 1} more are nearly as close" if len(found) > 1 else ""
    how = "the same as" if share == 1 else f"{share * 100:.0f} % alike with"
    return f"Its words for {half} are {how} those of '{principles[other].id[:64]}'{more}: keep one, or tell them apart."


def _weights(constitution: Constitution) -> Iterator[Advice]:
    """Critiques draw from all kinds together, comparisons from one kind."""
    kinds: list[tuple[Half, PrincipleKind | None, str]] = [("critique", None, "critiques")]
    kinds += [("comparison", kind, f"comparisons of {kind}") for kind in PrincipleKind]
    place = {id(one): index for index, one in enumerate(constitution.principles)}
    for half, kind, what in kinds:
        drawn = candidates(constitution, kind=kind, half=half)
        total = sum(one.weight for one in drawn)
        for one in drawn if len(drawn) > 2 else ():
            if one.weight > total / 2:
                text = f"With weight {one.weight:g} it takes {one.weight / total:.0%} of the draws for {what}."
                yield _principle(place[id(one)], "weight", AdviceKind.WEIGHT, text)


def _on_shots(constitution: Constitution) -> Iterator[Advice]:
    for name in SHOT_LISTS:
        for index, shot in enumerate(getattr(constitution.few_shots, name)):
            for field, text in _texts(shot):
                for kind, said in _of_text(text):
                    yield Advice(name, index, field, kind, Severity.ADVICE, said)


def _texts(shot: CritiqueRevisionShot | ComparisonShot) -> Iterator[tuple[str, str]]:
    for turn in shot.conversation:
        yield "conversation", turn.content
    for field in SHOT_TEXTS:
        if text := getattr(shot, field, None):
            yield field, text


def _on_the_whole(constitution: Constitution) -> Iterator[Advice]:
    critique = candidates(constitution, kind=None, half="critique")
    compared = candidates(constitution, kind=None, half="comparison")
    if not critique:
        text = "No principle that is on has a critique and revision request: chains cannot run under it."
        yield _whole("principles", AdviceKind.MISSING, text)
    if not compared:
        text = "No principle that is on has a comparison: pairs cannot be labelled under it."
        yield _whole("principles", AdviceKind.MISSING, text)
    elif not any(one.kind is PrincipleKind.HELPFULNESS for one in compared):
        text = "No helpfulness principle has a comparison: pairs on helpful prompts cannot be labelled."
        yield _whole("principles", AdviceKind.MISSING, text)
    elif all(one.kind is PrincipleKind.HELPFULNESS for one in compared):
        text = "No harmlessness principle has a comparison: pairs on red-team prompts cannot be labelled."
        yield _whole("principles", AdviceKind.MISSING, text)
    shots = constitution.few_shots
    if critique and not shots.critique_revision:
        text = "No few-shots of critique and revision: both are asked for bare, and models without chat training drift."
        yield _whole("critique_revision", AdviceKind.MISSING, text)
    if compared and not shots.comparison:
        text = "No few-shots of comparison: options are chosen bare, and models without chat training name neither."
        yield _whole("comparison", AdviceKind.MISSING, text)
    yield from _balance("comparison", shots.comparison)
    yield from _balance("comparison_with_reasoning", shots.comparison_with_reasoning)


def _balance(name: str, shots: Sequence[ComparisonShot]) -> Iterator[Advice]:
    a = sum(shot.answer == "A" for shot in shots)
    b = sum(shot.answer == "B" for shot in shots)
    if a + b > 1 and max(a, b) > 2 * min(a, b):
        text = f"{a} of the few-shots answer A and {b} answer B: models copy the letter, so balance them."
        yield _whole(name, AdviceKind.UNBALANCED, text)
