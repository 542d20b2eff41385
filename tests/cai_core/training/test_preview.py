"""A preview is what training sees: the same tokens, the same mask, the same limit."""

import pytest

from cai_core.errors import ModelError
from cai_core.models.rendering import Renderer
from cai_core.training.examples import IGNORED, tokenised
from cai_core.training.preview import preview
from cai_core.types import Endpoint, Example, ModelRef, PromptKind, assistant, user
from tests.cai_core.training.tiny import examples, tiny_tokenizer


def test_it_shows_the_tokens_of_training_and_counts_what_is_too_long(base: ModelRef) -> None:
    long = Example((user("say"), assistant(" ".join(["red"] * 40))), PromptKind.RED_TEAM, "long", heldout=True)
    given = [long, *examples(5)]
    found = preview(base, given, max_length=16, rows=3)
    assert (found.limit, found.looked_at, found.too_long, found.longest) == (16, 6, 1, 45)
    assert [(row.key, row.too_long, row.heldout) for row in found.rows] == [
        ("long", True, True),
        ("0", False, False),
        ("1", False, False),
    ]
    rows = [tokenised(example, Renderer(tiny_tokenizer())) for example in given]
    assert [row.tokens for row in found.rows] == [len(row["labels"]) for row in rows[:3]]
    assert found.loss_tokens == sum(label != IGNORED for row in rows[1:] for label in row["labels"])
    (before, carries), (answer, loss) = found.rows[2].segments
    assert (carries, loss) == (False, True)
    assert "say" in before
    assert answer.split()[:2] == ["blue", "blue"]
    assert answer.endswith("<|end|>")


def test_the_limit_is_the_model_s_where_that_is_shorter(base: ModelRef) -> None:
    assert preview(base, [], max_length=10_000, rows=1).limit == 128


def test_an_endpoint_has_no_tokens_here() -> None:
    with pytest.raises(ModelError, match="Choose a local model"):
        preview(ModelRef("http://x", endpoint=Endpoint("m")), [], max_length=16, rows=1)
