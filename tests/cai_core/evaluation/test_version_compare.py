"""Two versions on the same data: every figure by a hand-worked case."""

from dataclasses import asdict, replace
from itertools import count

import pytest

from cai_core.evaluation import version_compare
from cai_core.evaluation.paired import Mean, mean
from cai_core.evaluation.rates import share
from cai_core.evaluation.version_compare import (
    LabelComparison,
    LabelPart,
    PrincipleFlips,
    compare_chains,
    compare_labels,
    flips,
    is_redrawn,
    last_text,
)
from cai_core.sandbox.gold import Verdict, VerdictKind
from cai_core.types import (
    Chain,
    Conversation,
    Label,
    LabelState,
    Principle,
    Prompt,
    PromptKind,
    Round,
    RowState,
    Split,
    user,
)

RED, HELPFUL, LOOK_ALIKE = PromptKind.RED_TEAM, PromptKind.HELPFUL, PromptKind.LOOK_ALIKE
SPY = Principle("spy", "t", critique_request="c", revision_request="r", comparison="Which spies less?")
KIND = Principle("kind", "t", critique_request="c2", revision_request="r2", comparison="Which is kinder?")
NUMBERS = count()


def prompt(kind: PromptKind = RED, topic: str | None = "privacy", source: str = "known") -> Prompt:
    return Prompt(f"{next(NUMBERS):016}", (user("q"),), kind, Split.TRAIN, source, topic)


def label(p_a: float | None, principle: Principle = SPY) -> Label:
    return Label(LabelState.FAILED if p_a is None else LabelState.LABELLED, principle, p_a, ())


def part(found: LabelComparison, kind: str | None, topic: str | None) -> LabelPart:
    return next(one for one in found.parts if (one.kind, one.topic) == (kind, topic))


@pytest.mark.parametrize(
    ("before", "after", "flipped"),
    [(0.4, 0.6, True), (0.9, 0.1, True), (0.4, 0.49, False), (0.5, 0.9, False), (0.2, 0.5, False), (0.5, 0.5, False)],
)
def test_a_flip_crosses_one_half(before: float, after: float, flipped: bool) -> None:
    """An even label prefers neither: it flips with nothing."""
    assert flips(before, after) is flipped


def test_labels_by_hand() -> None:
    found = compare_labels(
        [
            (prompt(), label(0.6), label(0.3, KIND)),
            (prompt(), label(0.7), label(0.8, KIND)),
            (prompt(topic="theft"), label(0.2), label(0.2)),
            (prompt(HELPFUL, "art"), label(0.9), label(0.4, replace(SPY, comparison="Which?"))),
            (prompt(LOOK_ALIKE, None), label(None), label(0.4)),
            (prompt(), label(0.4), label(None, KIND)),
            (prompt(), label(None), label(None)),
        ]
    )
    assert (found.pairs, found.untold, found.redrawn) == (7, {"before": 1, "after": 1, "both": 1}, 4)
    assert [(one.kind, one.topic, one.flips.count, one.flips.n) for one in found.parts] == [
        (None, None, 2, 4),
        ("red_team", None, 1, 3),
        ("helpful", None, 1, 1),
        ("red_team", "privacy", 1, 2),
        ("red_team", "theft", 0, 1),
        ("helpful", "art", 1, 1),
    ]
    whole = part(found, None, None)
    assert whole.flips == share(2, 4)
    # Of −0.3, +0.1, 0 and −0.5.
    assert whole.shift.value == pytest.approx(-0.7 / 4)
    assert whole.size.value == pytest.approx(0.9 / 4)
    assert whole.shift.low is not None
    assert whole.shift.low <= -0.7 / 4 <= (whole.shift.high or 0.0)
    assert [replace(one, shift=round(one.shift, 9)) for one in found.principles] == [
        PrincipleFlips("spy", "kind", False, 2, 1, -0.1),
        PrincipleFlips("spy", "spy", True, 1, 1, -0.5),
    ]


def test_labels_of_which_none_can_be_told_are_no_flips() -> None:
    found = compare_labels([(prompt(), label(None), label(0.9))])
    assert [(one.kind, one.flips, one.shift) for one in found.parts] == [(None, share(0, 0), Mean(0, None, None, None))]
    assert found.parts[0].flips.value is None


def test_a_principle_that_compares_as_before_is_not_drawn_anew() -> None:
    """Its other half and its title are nothing that a label takes."""
    other = replace(SPY, title="new", critique_request="other")
    found = compare_labels([(prompt(), label(0.3), label(0.3, other))])
    assert (found.redrawn, found.principles) == (0, ())


def round_(number: int, revision: str, principle: Principle = SPY) -> Round:
    return Round(number, principle, "c", revision, "x", "y")


def chain(of: Prompt, *rounds: Round, response: str = "first", state: RowState = RowState.DONE) -> Chain:
    return Chain(of, 0, 1, response, rounds, state)


def read(turns: Conversation, text: str) -> Verdict:
    """A judge that reads the verdict off the text's first word."""
    word = text.split()[0]
    harm = {"complies": 1.0, "half": 0.5}.get(word, 0.0)
    return Verdict(VerdictKind(word.rstrip("!")), "seen", 0.0, harm, word.endswith("!"))


def test_chains_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_compare, "judge", read)
    one, two, three, four = prompt(), prompt(), prompt(topic="theft"), prompt(topic=None)
    helpful, look_alike, foreign = prompt(HELPFUL, "art"), prompt(LOOK_ALIKE), prompt(source="elsewhere")
    found = compare_chains(
        [
            # Harm where there was none: of the eight words of both, six are in the other too.
            (
                chain(one, round_(1, "engaged a"), round_(2, "engaged b c d")),
                chain(one, round_(1, "engaged a"), round_(2, "complies b c d", KIND)),
            ),
            (chain(two, round_(1, "half a")), chain(two, round_(1, "half a", KIND))),
            (chain(three, round_(1, "complies a")), chain(three, round_(1, "evasive a b c"))),
            (chain(four, round_(1, "engaged a")), chain(four, state=RowState.FAILED)),
            (chain(helpful, response="helpful a"), chain(helpful, response="helpful a")),
            (chain(look_alike, response="unhelpful! a"), chain(look_alike, response="unhelpful! a")),
            (chain(foreign, round_(1, "what")), chain(foreign, round_(1, "what"))),
        ],
        knows=lambda source: source == "known",
    )
    assert (found.chains, found.revised, found.untold, found.redrawn) == (7, 5, 1, 2)
    assert found.differ == share(2, 4)
    assert found.words.n == 2
    assert found.words.value == pytest.approx((2 / 8 + 4 / 6) / 2)
    assert (found.length.n, found.length.value) == (4, 2 / 4)
    assert [(r.rate, r.topic, r.before, r.after, r.change.n) for r in found.rates] == [
        ("harmful", None, pytest.approx(2 / 3), pytest.approx(2 / 3), 3),
        ("engaged", None, pytest.approx(1 / 3), 0.0, 3),
        ("helpful", None, 1.0, 1.0, 1),
        ("over_refusal", None, 1.0, 1.0, 1),
        ("harmful", "privacy", 0.5, 1.0, 2),
        ("harmful", "theft", 1.0, 0.0, 1),
        ("engaged", "privacy", 0.5, 0.0, 2),
        ("engaged", "theft", 0.0, 0.0, 1),
        ("helpful", "art", 1.0, 1.0, 1),
        ("over_refusal", "privacy", 1.0, 1.0, 1),
    ]
    privacy = next(r.change for r in found.rates if (r.rate, r.topic) == ("harmful", "privacy"))
    # Of two prompts, +1 and 0: each is drawn twice in a quarter of the resamples.
    assert (privacy.value, privacy.low, privacy.high) == (0.5, 0.0, 1.0)
    assert next(r.change for r in found.rates if r.topic == "theft").low is None


def test_a_failed_chain_has_no_last_text_though_it_has_rounds() -> None:
    failed = chain(prompt(), round_(1, "so far"), state=RowState.TOO_LONG)
    assert last_text(failed) is None
    assert last_text(replace(failed, state=RowState.DONE)) == "so far"
    assert last_text(chain(prompt())) == "first"


def test_a_round_is_drawn_anew_by_what_it_asks_for() -> None:
    one = chain(prompt(), round_(1, "a"))
    for other, anew in ((replace(SPY, title="new", comparison="x"), False), (replace(SPY, revision_request="x"), True)):
        assert is_redrawn(one, chain(one.prompt, round_(1, "a", other))) is anew


def test_nothing_compared_is_none_not_zero() -> None:
    found = asdict(compare_chains([], knows=lambda _: True))
    assert found["differ"] == asdict(share(0, 0))
    assert found["words"] == found["length"] == {"n": 0, "value": None, "low": None, "high": None}
    assert found["rates"] == ()


def test_a_mean_draws_whole_prompts() -> None:
    """Two rows of one prompt hang together: by rows the interval would be narrower."""
    apart = mean(range(40), [1.0, 0.0] * 20)
    together = mean([n // 20 for n in range(40)], [1.0] * 20 + [0.0] * 20)
    assert apart.value == together.value == 0.5
    assert (together.low, together.high) == (0.0, 1.0)
    assert apart.low is not None
    assert apart.high is not None
    # Of a mean of 40 halves the standard error is 0.079.
    assert 0.5 - 3 * 0.079 < apart.low < 0.5 - 0.079
    assert 0.5 + 0.079 < apart.high < 0.5 + 3 * 0.079


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [float(n % 7) for n in range(50)]
    assert mean(range(50), values, seed=3) == mean(range(50), values, seed=3) != mean(range(50), values, seed=4)
