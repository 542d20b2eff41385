"""The model that ships: its manifest is held to its files, and its abilities are measured again on a sample."""

import hashlib
import json
from itertools import islice
from typing import Any

import pytest

from cai_core.evaluation.abilities import BANDS, measure_abilities, misses
from cai_core.models.files import SANDBOX_FOLDER
from cai_core.models.load import load_text_model
from cai_core.sandbox.corpus import curriculum, last_part
from cai_core.training.pretrain import Recipe, file_hashes
from cai_core.training.tokenizer import as_bytes, train_tokenizer
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
    assert Recipe(**manifest["recipe"]) == Recipe()


def test_its_abilities_lie_in_their_bands(manifest: dict[str, Any]) -> None:
    assert misses(manifest["abilities"]["plain"]) == {}
    assert misses(manifest["abilities"]["two_shots"]) == {}


@pytest.mark.slow
def test_corpus_and_tokenizer_are_made_again_byte_for_byte(manifest: dict[str, Any]) -> None:
    recipe, seed = Recipe(**manifest["recipe"]), manifest["seed"]
    for name, documents in (("first_part", curriculum(seed)), ("last_part", last_part(seed))):
        part, digest = manifest[name], hashlib.sha256()
        for one in islice(documents, part["documents"] + part["documents_dropped"]):
            digest.update(as_bytes(one.turns))
        assert digest.hexdigest() == part["corpus_sha256"]
    sample = islice(curriculum(seed), recipe.tokenizer_documents)
    texts = (turn.content for one in sample for turn in one.turns)
    tokenizer = train_tokenizer(texts, vocabulary=recipe.vocabulary, context=recipe.context)
    shipped = json.loads((SANDBOX_FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
    assert json.loads(tokenizer.backend_tokenizer.to_str()) == shipped


@pytest.mark.slow
def test_its_abilities_are_those_of_the_manifest(manifest: dict[str, Any]) -> None:
    model = load_text_model(ModelRef("sandbox"), width=64, device="cpu")
    found = measure_abilities(model, seed=11, count=80)
    told = manifest["abilities"]["plain"]
    assert {name: found[name] for name in BANDS} == pytest.approx({name: told[name] for name in BANDS}, abs=TOLERANCE)
