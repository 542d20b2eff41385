"""Scores of a preference model: those of the saved model, in any batch."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForSequenceClassification

from cai_core.errors import ModelError
from cai_core.models import preference
from cai_core.models.check import check_model
from cai_core.models.local import LocalModel
from cai_core.models.preference import PreferenceScorer, score_conversations
from cai_core.types import Conversation, ModelRef, assistant, user
from tests import tiny_models

CONVERSATIONS: list[Conversation] = [
    (user("How?"), assistant(text)) for text in ("No.", "Put it into water.", "", "egg " * 40, "<|end|><|pad|>")
] + [(user("a"), assistant("b"), user("c"), assistant("d"))]


@pytest.fixture(scope="module")
def ref(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A base and a preference adapter."""
    folder = tmp_path_factory.mktemp("pm")
    base = tiny_models.save(folder / "base")
    return ModelRef(str(base), str(tiny_models.save_preference_adapter(base, folder / "adapter")))


def test_scores_do_not_depend_on_the_batch(ref: ModelRef) -> None:
    scorer = PreferenceScorer(ref, device="cpu")
    together = scorer.score(CONVERSATIONS)
    alone = [scorer.score([one])[0] for one in CONVERSATIONS]
    assert together == pytest.approx(alone, abs=1e-5)
    assert len({round(score, 3) for score in together}) == len(CONVERSATIONS)
    assert score_conversations(ref, device="cpu")(CONVERSATIONS) == pytest.approx(together, abs=1e-6)
    assert scorer.score([]) == []


def test_scores_are_those_of_the_saved_model(ref: ModelRef) -> None:
    from peft import PeftModel

    scorer = PreferenceScorer(ref, device="cpu")
    base = LlamaForSequenceClassification.from_pretrained(ref.base, num_labels=1)
    model = PeftModel.from_pretrained(base, ref.adapter).eval()
    for conversation, score in zip(CONVERSATIONS, scorer.score(CONVERSATIONS), strict=True):
        ids = torch.tensor([scorer.renderer.closed_ids(conversation)])
        with torch.no_grad():
            assert score == pytest.approx(float(model(input_ids=ids).logits), abs=1e-5)


def test_the_end_of_the_turn_is_read_even_where_it_is_the_padding(ref: ModelRef) -> None:
    scorer = PreferenceScorer(ref, device="cpu")
    before = scorer.score(CONVERSATIONS)
    scorer.model.config.pad_token_id = scorer.tokenizer.eos_token_id
    assert scorer.score(CONVERSATIONS) == pytest.approx(before, abs=1e-5)
    assert all(scorer.renderer.closed_ids(one)[-1] == scorer.tokenizer.eos_token_id for one in CONVERSATIONS)


def test_too_long_has_no_score(ref: ModelRef) -> None:
    long = (user("egg"), assistant("egg " * 300))
    first, second = PreferenceScorer(ref, device="cpu").score([long, CONVERSATIONS[0]])
    assert first != first
    assert second == second


def test_the_tokenizer_s_limit_counts_as_for_a_text_model(ref: ModelRef) -> None:
    model, words = PreferenceScorer(ref, device="cpu").model, tiny_models.tokenizer()
    conversation = CONVERSATIONS[3]
    for limit, known in ((256, True), (30, False), (10**30, True)):
        words.model_max_length = limit
        (score,) = PreferenceScorer.of(model, words).score([conversation])
        assert (score == score) is known
        expected = min(limit, 256)
        assert LocalModel.of(*tiny_models.tiny()[:1], words).context_length == expected


def test_a_pass_is_bounded_by_tokens_and_keeps_no_cache(ref: ModelRef, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever scores: training evaluates by `of` a model that still has its adapter."""
    scorer = PreferenceScorer.of(PreferenceScorer(ref, device="cpu").model, tiny_models.tokenizer())
    passes: list[tuple[int, Any]] = []
    real = scorer.model.model.forward

    def watched(**given: Any) -> Any:
        made = real(**given)
        passes.append((given["input_ids"].numel(), made.past_key_values))
        return made

    monkeypatch.setattr(scorer.model.model, "forward", watched)
    monkeypatch.setattr(preference, "_PASS_TOKENS", 60)
    rows = [[5] * length for length in (50, 10, 20, 40, 10, 10)]
    scores = scorer.score_ids(rows)
    assert [tokens for tokens, _ in passes] == [30, 20, 40, 50]
    assert all(cache is None for _, cache in passes)
    monkeypatch.undo()
    assert scores == pytest.approx(scorer.score_ids(rows), abs=1e-5)


def test_without_a_template_the_whole_is_read_too(tmp_path: Path) -> None:
    base = tiny_models.save(tmp_path / "base", template=False)
    ref = ModelRef(str(base), str(tiny_models.save_preference_adapter(base, tmp_path / "adapter")))
    scorer = PreferenceScorer(ref, device="cpu")
    ids = scorer.renderer.closed_ids(CONVERSATIONS[1])
    assert scorer.tokenizer.decode(ids) == "\n\nHuman: How?\n\nAssistant: Put it into water.<|end|>"


def test_an_adapter_without_a_head_is_refused(ref: ModelRef, tmp_path: Path) -> None:
    text = ModelRef(ref.base, str(tiny_models.save_adapter(Path(ref.base), tmp_path / "text")))
    for wrong, message in (
        (text, "holds no head"),
        (ModelRef(ref.base), "no head to score with|no preference adapter"),
    ):
        with pytest.raises(ModelError, match=message):
            PreferenceScorer(wrong, device="cpu")
        with pytest.raises(ModelError, match=message):
            check_model(wrong, "preference", device="cpu")
    assert check_model(ref, "preference", device="cpu")["parameters"] > 0
