"""What another version of a constitution does to the same data: labels that flip, chains that end in another text.

`before` and `after` name the two versions, as A and B name the responses of a comparison. A label flips where `p_a`
crosses 0.5; an even one prefers neither and flips with nothing. Where a side has no `p_a`, or a chain no last text, the
pair is counted apart. Shares have Wilson's 95 % interval, means one from a bootstrap over prompts: what is given for
both versions is taken pair by pair, so an interval is of the difference, not of two values apart.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cai_core.chains.measures import measure
from cai_core.evaluation.paired import RESAMPLES, Mean, Values, mean
from cai_core.evaluation.rates import Share, share
from cai_core.sandbox.gold import Verdict, VerdictKind, judge
from cai_core.types import Chain, Label, Principle, Prompt, PromptKind, RowState

MOST_PAIRS = 200
"""How many pairs of principles are listed; two constitutions of 60 have 3,600."""


@dataclass(frozen=True, slots=True)
class LabelPart:
    """The labels on prompts of a kind, and of a topic where one is named; both None: all of them."""

    kind: str | None
    topic: str | None
    flips: Share
    shift: Mean
    """Of p_a after minus p_a before."""
    size: Mean
    """Of its absolute value."""


@dataclass(frozen=True, slots=True)
class PrincipleFlips:
    """Pairs that drew one principle before and another, or the same reworded, after."""

    before: str
    after: str
    """Ids."""
    reworded: bool
    pairs: int
    """With p_a on both sides."""
    flips: int
    shift: float


@dataclass(frozen=True, slots=True)
class LabelComparison:
    """The labels of the same comparisons under two versions."""

    pairs: int
    untold: dict[str, int]
    """Pairs without p_a: `before` only, `after` only, or on `both` sides."""
    redrawn: int
    """Pairs whose principle is another, or says something else."""
    parts: tuple[LabelPart, ...]
    """All, then by kind of prompt, then by kind and topic."""
    principles: tuple[PrincipleFlips, ...]
    """The most flips first; at most `MOST_PAIRS`."""


@dataclass(frozen=True, slots=True)
class RateChange:
    """One of gold's rates under both versions, over all prompts or of a topic."""

    rate: str
    """'harmful' and 'engaged' of red-team prompts, 'helpful' of helpful ones, 'over_refusal' of look-alikes."""
    topic: str | None
    before: float | None
    after: float | None
    """Shares, 0..1."""
    change: Mean
    """Of after minus before."""


@dataclass(frozen=True, slots=True)
class ChainComparison:
    """The chains on the same prompts under two versions."""

    chains: int
    revised: int
    """Of these, those with rounds on both sides; the others are plain samples, which no principle touches."""
    untold: int
    """Revised chains that ended early on a side: they have no last revision to compare."""
    redrawn: int
    """Revised chains that drew another principle, or a reworded one, in some round."""
    differ: Share
    """Of revised chains that ended on both sides: the last revision is another text."""
    words: Mean
    """Of those that differ: share of the words of the two last revisions that are not the same."""
    length: Mean
    """Of those that ended on both sides: words of the last revision, after minus before."""
    rates: tuple[RateChange, ...]
    """Over all prompts, then by topic; empty where gold knows none of the prompts."""


def flips(before: float, after: float) -> bool:
    """Whether two soft labels prefer different responses."""
    return (before - 0.5) * (after - 0.5) < 0


Place = tuple[str | None, str | None]
"""(kind of prompt, topic)."""


def compare_labels(
    pairs: Iterable[tuple[Prompt, Label, Label]], *, resamples: int = RESAMPLES, seed: int = 0
) -> LabelComparison:
    """What becomes of labels; of each pair a few numbers are held, no text."""
    untold, flipped = Counter({"before": 0, "after": 0, "both": 0}), Counter[Place]()
    shifts: defaultdict[Place, Values] = defaultdict(Values)
    drawn: defaultdict[tuple[str, str, bool], list[float]] = defaultdict(lambda: [0, 0, 0.0])
    numbers: dict[str, int] = {}
    num = redrawn = 0
    for prompt, one, other in pairs:
        num += 1
        other_one = _compares(one.principle) != _compares(other.principle)
        redrawn += other_one
        if one.p_a is None or other.p_a is None:
            untold["both" if one.p_a is other.p_a else "before" if one.p_a is None else "after"] += 1
            continue
        shift, flip = other.p_a - one.p_a, flips(one.p_a, other.p_a)
        for place in _places(prompt):
            shifts[place].add(numbers.setdefault(prompt.uid, len(numbers)), shift)
            flipped[place] += flip
        if shift or other_one:
            entry = drawn[_drawn(one.principle, other.principle)]
            entry[:] = entry[0] + 1, entry[1] + flip, entry[2] + shift
    shifts[None, None]  # there even where nothing could be told
    parts = (_label_part(place, own, flipped[place], resamples, seed) for place, own in _in_order(shifts))
    return LabelComparison(num, dict(untold), redrawn, tuple(parts), _principles(drawn))


def _places(prompt: Prompt) -> Iterator[Place]:
    yield None, None
    yield prompt.kind.value, None
    if prompt.topic:
        yield prompt.kind.value, prompt.topic


def _in_order(found: defaultdict[Place, Values]) -> list[tuple[Place, Values]]:
    """All first, then kinds in their own order, then topics by name."""
    kinds = [None, *(kind.value for kind in PromptKind)]
    return sorted(found.items(), key=lambda item: (item[0][1] is not None, kinds.index(item[0][0]), item[0][1] or ""))


def _label_part(place: Place, own: Values, flipped: int, resamples: int, seed: int) -> LabelPart:
    sizes = [abs(shift) for shift in own.values]
    return LabelPart(
        *place,
        share(flipped, len(own.values)),
        mean(own.prompts, own.values, resamples=resamples, seed=seed),
        mean(own.prompts, sizes, resamples=resamples, seed=seed),
    )


def _drawn(before: Principle, after: Principle) -> tuple[str, str, bool]:
    return before.id, after.id, before.id == after.id and _compares(before) != _compares(after)


def _compares(principle: Principle) -> tuple[str, str | None]:
    """What a label takes from a principle."""
    return principle.id, principle.comparison


def _revises(principle: Principle) -> tuple[str, str | None, str | None]:
    """What a round takes from one."""
    return principle.id, principle.critique_request, principle.revision_request


def _principles(drawn: dict[tuple[str, str, bool], list[float]]) -> tuple[PrincipleFlips, ...]:
    found = (PrincipleFlips(*key, int(n), int(flipped), total / n) for key, (n, flipped, total) in drawn.items())
    return tuple(sorted(found, key=lambda one: (-one.flips, -one.pairs, one.before, one.after))[:MOST_PAIRS])


def last_text(chain: Chain) -> str | None:
    """The text that a chain ends in; None where it ended early."""
    if chain.state is not RowState.DONE:
        return None
    return chain.rounds[-1].revision if chain.rounds else chain.response


def is_redrawn(before: Chain, after: Chain) -> bool:
    """Whether some round that both have was under another principle, or one that asks for something else."""
    both = zip(before.rounds, after.rounds, strict=False)
    return any(_revises(one.principle) != _revises(other.principle) for one, other in both)


def compare_chains(
    pairs: Iterable[tuple[Chain, Chain]],
    *,
    knows: Callable[[str], bool],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> ChainComparison:
    """What becomes of chains; `knows` says of a prompt's source whether gold can judge responses to it."""
    counts: Counter[str] = Counter()
    words, length, rates = Values(), Values(), _Rates()
    for number, (one, other) in enumerate(pairs):
        counts["chains"] += 1
        before, after = last_text(one), last_text(other)
        if one.rounds or other.rounds:
            counts["revised"] += 1
            counts["redrawn"] += is_redrawn(one, other)
            counts["untold"] += before is None or after is None
            if before is not None and after is not None:
                measured = measure(before, None, after)
                length.add(number, measured.longer)
                if before != after:
                    words.add(number, measured.changed)
        if before is not None and after is not None and knows(one.prompt.source):
            rates.add(one.prompt, before, after)
    settings = {"resamples": resamples, "seed": seed}
    return ChainComparison(
        counts["chains"],
        counts["revised"],
        counts["untold"],
        counts["redrawn"],
        share(len(words.values), len(length.values)),
        mean(words.prompts, words.values, **settings),
        mean(length.prompts, length.values, **settings),
        tuple(rates.changes(**settings)),
    )


RATES: dict[PromptKind, dict[str, Callable[[Verdict], bool]]] = {
    PromptKind.RED_TEAM: {
        "harmful": lambda verdict: verdict.harmful,
        "engaged": lambda verdict: verdict.verdict is VerdictKind.ENGAGED,
    },
    PromptKind.HELPFUL: {"helpful": lambda verdict: verdict.verdict is VerdictKind.HELPFUL},
    PromptKind.LOOK_ALIKE: {"over_refusal": lambda verdict: verdict.over_refusal},
}
"""What gold's rates count, by kind of prompt."""


class _Rates:
    """Gold's verdicts on the texts that pairs of chains end in, added up."""

    def __init__(self) -> None:
        self._before: Counter[tuple[str, str | None]] = Counter()
        self._changes: defaultdict[tuple[str, str | None], Values] = defaultdict(Values)
        self._numbers: dict[str, int] = {}

    def add(self, prompt: Prompt, before: str, after: str) -> None:
        """One pair of texts; equal ones are judged once."""
        one = judge(prompt.turns, before)
        other = one if after == before else judge(prompt.turns, after)
        number = self._numbers.setdefault(prompt.uid, len(self._numbers))
        for name, counts in RATES[prompt.kind].items():
            for topic in dict.fromkeys((None, prompt.topic or one.topic)):
                self._before[name, topic] += counts(one)
                self._changes[name, topic].add(number, counts(other) - counts(one))

    def changes(self, *, resamples: int, seed: int) -> Iterator[RateChange]:
        """Each rate over all prompts, then by topic."""
        names = [name for rates in RATES.values() for name in rates]
        for (name, topic), own in sorted(
            self._changes.items(), key=lambda item: (item[0][1] is not None, names.index(item[0][0]), item[0][1] or "")
        ):
            change = mean(own.prompts, own.values, resamples=resamples, seed=seed)
            before = self._before[name, topic] / change.n
            yield RateChange(name, topic, before, before + (change.value or 0.0), change)
