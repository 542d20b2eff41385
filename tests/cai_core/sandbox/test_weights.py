"""The model that ships: its manifest is held to its files, and its abilities are measured again on a sample."""

import json
from typing import Any

import pytest

from cai_core.evaluation.abilities import BANDS, measure_abilities, misses
from cai_core.models.load import SANDBOX_FOLDER, load_text_model
from cai_core.training.pretrain import Recipe, file_hashes
from cai_core.types import ModelRef

TOLERANCE = 0.15
"""Three standard errors of a rate near 0.85 over 80 cases, and those of the manifest's own."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """What the folder says of itself."""
    found: dict[str, Any] = json.loads((SANDBOX_FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return found


def test_the_files_are_those_of_the_manifest(manifest: dict[str, Any]) -> None:
    assert file_hashes(SANDBOX_FOLDER) == manifest["sha256"]
    assert sum(path.stat().st_size for path in SANDBOX_FOLDER.iterdir()) < 16 * 2**20
    assert not manifest["stopped"]
    Recipe(**manifest["recipe"])


def test_its_abilities_lie_in_their_bands(manifest: dict[str, Any]) -> None:
    assert misses(manifest["abilities"]["plain"]) == {}


@pytest.mark.slow
def test_its_abilities_are_those_of_the_manifest(manifest: dict[str, Any]) -> None:
    model = load_text_model(ModelRef("sandbox"), width=64, device="cpu")
    found = measure_abilities(model, seed=11, count=80)
    told = manifest["abilities"]["plain"]
    assert {name: found[name] for name in BANDS} == pytest.approx({name: told[name] for name in BANDS}, abs=TOLERANCE)
