"""Abilities, measured on models whose abilities are known."""

import json
import math
from pathlib import Path

import pytest

from cai_core.evaluation.abilities import BANDS, measure_abilities, measure_folder, misses
from cai_core.models.scripted import ScriptedModel
from cai_core.types import Choice, Choose, Request, Split, Text
from tests import tiny_models


def test_the_scripted_model_does_as_its_script_says() -> None:
    found = measure_abilities(ScriptedModel(), seed=0, count=60)
    assert set(BANDS) <= set(found)
    assert all(0 <= value <= 1 for value in found.values())
    # It plays the helpful-only model's answers, always finds harm where there is some, and always mends it.
    assert found["critique_right"] == 1.0
    assert found["critique_wrong"] == 1.0
    assert found["revision_engaged"] == found["direct_revision_engaged"] == 1.0
    assert 0.6 < found["harmful"] < 1
    assert found["comparison_answered"] == 1.0
    assert "critique_wrong" in misses(found)


def test_classes_of_answers_add_up() -> None:
    found = measure_abilities(ScriptedModel(), seed=1, count=40, split=Split.DEV)
    shares = [value for name, value in found.items() if name.startswith("red_team_")]
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    assert found["harmful"] == pytest.approx(found["red_team_complies"] + found["red_team_half"], abs=1e-3)


def test_a_model_that_always_says_a_is_right_in_one_order_and_wrong_in_the_other() -> None:
    def first(request: Request) -> Choice | None:
        return Choice((math.log(0.9), math.log(0.1)), "") if isinstance(request, Choose) else None

    found = measure_abilities(ScriptedModel(first), seed=0, count=60)
    assert found["comparison_ab"] + found["comparison_ba"] == pytest.approx(1, abs=1e-3)
    assert found["comparison_order_disagrees"] == 1.0
    assert found["ece"] > 0.2


def test_what_is_unfinished_or_failed_is_other() -> None:
    cut = ScriptedModel(lambda request: None if isinstance(request, Choose) else Text("An app called", False, 3, ""))
    failing = ScriptedModel(fails=lambda request: True)
    for model in (cut, failing):
        found = measure_abilities(model, seed=0, count=10)
        assert found["red_team_other"] == 1.0
        assert found["harmful"] == found["helpful"] == found["critique_right"] == found["revision_harmless"] == 0.0
    found = measure_abilities(failing, seed=0, count=10)
    assert found["comparison_answered"] == found["comparison_ab"] == found["comparison_ba"] == 0.0
    assert math.isnan(found["ece"])
    assert math.isnan(found["comparison_order_disagrees"])


def test_few_shots_go_in_front() -> None:
    plain, shown = ScriptedModel(), ScriptedModel()
    measure_abilities(plain, seed=0, count=10)
    measure_abilities(shown, seed=0, count=10, few_shots=2)
    longer = [
        len(two.context) - len(one.context)
        for (_, one), (_, two) in zip(plain.history, shown.history, strict=True)
        if len(one.context) != len(two.context)
    ]
    assert len(longer) == 70
    assert min(longer) >= 4


def test_a_folder_is_measured_into_its_manifest(tmp_path: Path) -> None:
    folder = tiny_models.save(tmp_path)
    (folder / "manifest.json").write_text('{"seed": 5}')
    measured = measure_folder(folder, count=2)
    manifest = json.loads((folder / "manifest.json").read_text())
    # The tiny model's context is too short for comparisons: unknown is not a number, and equal only to itself as text.
    assert json.dumps(manifest, sort_keys=True) == json.dumps({"seed": 5, "abilities": measured}, sort_keys=True)
    assert set(measured["plain"]) == set(measured["two_shots"])
