"""The engine on a GPU, in bfloat16: against the same model's own forward pass there. `pytest -m gpu` runs these."""

from pathlib import Path

import pytest
import torch

from cai_core.models.local import LocalModel
from cai_core.types import Choice, Choose, ModelRef, Request, Sample, Text
from tests import tiny_models
from tests.cai_core.models.test_local import CONTEXTS, SHOTS, answers

pytestmark = pytest.mark.gpu
ROUNDED = 0.1
"""In nats: how far bfloat16, which keeps three digits, may move a log-probability with the shape of a batch."""


@pytest.fixture(
    scope="module", params=[(kind, adapter) for kind in tiny_models.ENGINE_KINDS for adapter in (False, True)]
)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    """Each shape, with and without an adapter, on the device that is picked where nobody names one."""
    kind, adapted = request.param
    folder = tmp_path_factory.mktemp(kind)
    base, adapter = tiny_models.save(folder / "base", kind), None
    if adapted:
        modules = tiny_models.ADAPTED.get(kind, ("q_proj", "v_proj"))
        adapter = str(tiny_models.save_adapter(base, folder / "adapter", modules=modules))
    return LocalModel(ModelRef(str(base), adapter), width=4)


def told(model: LocalModel, ids: list[int]) -> torch.Tensor:
    """Log-probabilities of the next token, as the model's own attention has them: [vocabulary]."""
    model.weights.activate()
    with torch.no_grad():
        logits = model.model(input_ids=torch.tensor([ids], device=model.model.device)).logits[0, -1]
    return torch.log_softmax(logits.float(), dim=-1)


def test_a_model_is_on_the_gpu_in_bfloat16_and_trusted_to_the_engine(model: LocalModel) -> None:
    assert model.model.device.type == "cuda"
    assert model.model.dtype == torch.bfloat16
    assert model.plain_because is None


def test_the_greedy_token_is_the_model_s_but_for_rounding(model: LocalModel) -> None:
    requests: list[Request] = [Sample(context, 0, 1, 0.0, shared_turns=len(SHOTS)) for context in CONTEXTS]
    for request, answer in zip(requests, answers(model, requests), strict=True):
        assert isinstance(answer, Text)
        logprobs = told(model, list(model.renderer.ids(request.context)))
        likely = (logprobs > logprobs.max() - ROUNDED).nonzero().flatten().tolist()
        assert answer.text in [model.tokenizer.decode([token], skip_special_tokens=True) for token in likely]


def test_log_probabilities_are_the_model_s_but_for_rounding(model: LocalModel) -> None:
    options = (" (A)", " (B)")
    asked: list[Request] = [
        Choose(context, options, len(SHOTS)) for context in CONTEXTS if context[: len(SHOTS)] == SHOTS
    ]
    assert asked
    for request, answer in zip(asked, answers(model, asked), strict=True):
        assert isinstance(answer, Choice)
        for option, logprob in zip(options, answer.logprobs, strict=True):
            before, whole = model.renderer.ids(request.context), model.renderer.ids(request.context, option)
            expected = sum(float(told(model, whole[:i])[whole[i]]) for i in range(len(before), len(whole)))
            assert logprob == pytest.approx(expected, abs=ROUNDED * (len(whole) - len(before)))


def test_two_adapters_share_one_base(tmp_path: Path) -> None:
    base = tiny_models.save(tmp_path / "base", "llama")
    folders = [tiny_models.save_adapter(base, tmp_path / name, seed=n) for n, name in enumerate(("one", "two"))]
    one, two = (LocalModel(ModelRef(str(base), str(folder)), width=4) for folder in folders)
    assert one.weights.model is two.weights.model
    request = Sample(CONTEXTS[0], 0, 12)
    first = answers(one, [request])
    assert answers(two, [request]) != first
    assert answers(one, [request]) == first, "whose turn it is does not change what it says"
