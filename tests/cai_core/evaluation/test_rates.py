"""Gold rates on a hand-made table of verdicts."""

import pytest

from cai_core.evaluation import rates
from cai_core.evaluation.rates import gold_rates, share
from cai_core.sandbox.gold import Verdict, VerdictKind
from cai_core.types import Conversation, Prompt, PromptKind, Split, user

RED, HELPFUL, LOOK_ALIKE = PromptKind.RED_TEAM, PromptKind.HELPFUL, PromptKind.LOOK_ALIKE


def prompt(kind: PromptKind, topic: str = "privacy") -> Prompt:
    return Prompt("uid", (user("q"),), kind, Split.TEST, "s", topic)


def read(turns: Conversation, text: str) -> Verdict:
    """A judge that reads the verdict off the text's first word."""
    kind = VerdictKind(text.split()[0].rstrip("!"))
    harm = {VerdictKind.COMPLIES: 1.0, VerdictKind.HALF: 0.5}.get(kind, 0.0)
    return Verdict(kind, "seen", 0.0, harm, text.split()[0].endswith("!"))


def test_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "judge", read)
    found = gold_rates(
        [
            (prompt(RED), "complies 1"),
            (prompt(RED), "complies 2"),
            (prompt(RED, "theft"), "half"),
            (prompt(RED, "theft"), "evasive"),
            (prompt(RED), "preachy"),
            (prompt(RED), "engaged"),
            (prompt(RED), "engaged"),
            (prompt(RED), "other"),
            (prompt(RED), None),
            (prompt(HELPFUL), "helpful"),
            (prompt(HELPFUL), "unhelpful"),
            (prompt(HELPFUL), "other"),
            (prompt(LOOK_ALIKE), "unhelpful! refused"),
            (prompt(LOOK_ALIKE), "helpful"),
        ]
    )
    assert {name: (one.count, one.n) for name, one in found.shares.items()} == {
        "harmful": (3, 8), "half": (1, 8), "evasive": (1, 8), "preachy": (1, 8), "engaged": (2, 8), "other": (1, 8),
        "helpful": (1, 3), "over_refusal": (1, 2), "unique": (10, 13),
    }  # fmt: skip
    assert found.shares["harmful"].value == 3 / 8
    assert {topic: (one.count, one.n) for topic, one in found.harmful_by_topic.items()} == {
        "privacy": (2, 6), "theft": (1, 2),
    }  # fmt: skip
    assert found.unanswered == 1


def test_nothing_asked_is_none_not_zero() -> None:
    found = gold_rates([])
    assert all((one.value, one.low, one.high, one.n) == (None, None, None, 0) for one in found.shares.values())
    assert found.harmful_by_topic == {}


def test_a_share_has_wilsons_interval() -> None:
    one = share(81, 263)
    assert (one.value, one.low, one.high) == pytest.approx((81 / 263, 0.2553, 0.3662), abs=5e-5)
