"""Settings: of their own type or refused, and the same after a round through JSON."""

import json
from typing import Any

import pytest

from cai_core.config import CONFIGS, PARENTS, dump_config, fitting, load_config
from cai_core.errors import RunError
from cai_core.types import RunKind

LEAST: dict[RunKind, dict[str, Any]] = {
    RunKind.CHAINS: {"constitution": "sandbox"},
    RunKind.LABELS: {"constitution": "sandbox@3"},
    RunKind.BATTLES: {"models": ["a", "b"]},
    RunKind.CASES: {"constitution": "sandbox@3"},
}


@pytest.mark.parametrize("kind", RunKind)
def test_a_config_is_the_same_after_json(kind: RunKind) -> None:
    config = load_config(kind, LEAST.get(kind, {}))
    assert load_config(kind, json.loads(json.dumps(dump_config(config)))) == config


def test_every_stage_has_a_config_and_parents() -> None:
    assert set(CONFIGS) == set(PARENTS) == set(RunKind)


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        (RunKind.CHAINS, {"rounds": True}, "rounds = True: Input should be a valid integer"),
        (RunKind.CHAINS, {"width": 4.0}, "width = 4.0: Input should be a valid integer"),
        (RunKind.CHAINS, {"rounds": "4"}, "rounds = '4'"),
        (RunKind.CHAINS, {"critique": "no"}, "critique = 'no': Input should be a valid boolean"),
        (RunKind.CHAINS, {"critique": 1}, "critique = 1"),
        (RunKind.CHAINS, {"temperature": "1"}, "temperature = '1'"),
        (RunKind.CHAINS, {"temperature": float("nan")}, "temperature = nan"),
        (RunKind.CHAINS, {"model": 5}, "model = 5"),
        (RunKind.CHAINS, {"source": "\ud800"}, "no text"),
        (RunKind.CHAINS, {"colour": 1}, "colour = 1: there is no such setting. Accepted settings: constitution, model"),
        (RunKind.CHAINS, {"rounds": "9" * 5000}, "…: Input should be"),
        (RunKind.BATTLES, {"models": "ab"}, "models = 'ab'"),
        (RunKind.BATTLES, {"models": ["a", 5]}, "models.1 = 5"),
        (RunKind.BATTLES, {"judge": "me"}, "judge = 'me'"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(kind: RunKind, values: dict[str, Any], words: str) -> None:
    with pytest.raises(RunError) as refused:
        load_config(kind, {**LEAST[kind], **values})
    assert words in str(refused.value)
    assert len(str(refused.value)) < 500


def test_what_is_missing_is_named() -> None:
    with pytest.raises(RunError, match="constitution is missing"):
        load_config(RunKind.CHAINS, {})


def test_a_whole_number_is_a_fraction_and_a_list_is_a_tuple() -> None:
    assert load_config(RunKind.CHAINS, {"constitution": "c", "temperature": 1}) == load_config(
        RunKind.CHAINS, {"constitution": "c", "temperature": 1.0}
    )
    assert load_config(RunKind.BATTLES, {"models": ["a", "b"]}) == load_config(RunKind.BATTLES, {"models": ("a", "b")})


def test_of_somebody_elses_settings_those_stay_that_fit() -> None:
    given = {"rounds": 3, "temperature": "hot", "constitution": "mine", "colour": "red", "red_team_prompts": -1}
    taken, others = fitting(RunKind.CHAINS, given)
    assert taken == {"rounds": 3, "constitution": "mine"}
    assert others == ["temperature", "colour", "red_team_prompts"]
    assert fitting(RunKind.CHAINS, {}) == ({}, []), "what is missing is no reason to leave anything out"
    whole = dump_config(load_config(RunKind.SFT, {}))
    assert fitting(RunKind.SFT, whole) == (whole, [])
