"""The engine's answers are the model's own: against `generate`, in any batch, with and without an adapter."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from cai_core.models import adapters
from cai_core.models.adapters import Weights
from cai_core.models.at_work import Row
from cai_core.models.engine import Engine
from cai_core.models.local import LocalModel
from cai_core.models.plain import PlainEngine
from cai_core.models.sampling import draw, uniforms
from cai_core.models.trial import engine_for
from cai_core.types import Choice, Choose, Failed, Failure, ModelRef, Request, Sample, Text, assistant, user
from tests import tiny_models
from tests.cai_core.models.test_local import CONTEXTS, OPTIONS, SHOTS, answers, direct_logprob

CLOSE = 1e-4
"""Where two candidates lie within this, in nats, rounding may choose."""


@pytest.fixture(
    scope="module", params=[(kind, adapter) for kind in tiny_models.ENGINE_KINDS for adapter in (False, True)]
)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    """Each shape, with and without an adapter, as it is loaded."""
    kind, adapted = request.param
    folder = tmp_path_factory.mktemp(kind)
    base, adapter = tiny_models.save(folder / "base", kind), None
    if adapted:
        modules = tiny_models.ADAPTED.get(kind, ("q_proj", "v_proj"))
        adapter = str(tiny_models.save_adapter(base, folder / "adapter", modules=modules))
    return LocalModel(ModelRef(str(base), adapter), width=4, device="cpu")


def many(count: int = 24, **more: Any) -> list[Request]:
    """Requests of unlike length and beginning, some with few-shots that are announced, some that follow others."""
    requests: list[Request] = []
    for i in range(count):
        context = CONTEXTS[i % len(CONTEXTS)]
        shots = len(SHOTS) if context[: len(SHOTS)] == SHOTS and i % 3 else 0
        if i % 5 == 4:
            context = (*context[:-1], assistant("The answer is:")) if i % 2 else (*context, assistant("Well, egg"))
        requests.append(Sample(context, i, 3 + 5 * (i % 5), shared_turns=shots, **more))
    return requests


def generated(model: LocalModel, sample: Sample) -> list[int]:
    """What transformers' own greedy `generate` says, the row alone."""
    ids = torch.tensor([model.renderer.ids(sample.context)])
    said = model.model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=sample.max_new_tokens, pad_token_id=0
    )
    return [int(token) for token in said[0, ids.shape[1] :]]


def margin(model: LocalModel, ids: list[int]) -> float:
    """How far apart the two likeliest next tokens are, in nats."""
    with torch.no_grad():
        logprobs = torch.log_softmax(model.model(input_ids=torch.tensor([ids])).logits[0, -1], dim=-1)
    first, second = logprobs.topk(2).values.tolist()
    return float(first - second)


def test_greedy_is_generate_s_token_by_token(model: LocalModel) -> None:
    assert model.plain_because is None
    requests = many(temperature=0.0)
    close = 0
    for request, answer in zip(requests, answers(model, requests), strict=True):
        assert isinstance(request, Sample)
        assert isinstance(answer, Text)
        expected = generated(model, request)
        text = model.tokenizer.decode(expected, skip_special_tokens=True)
        if answer.text == text and answer.num_tokens == len(expected):
            continue
        # Where they part, two candidates must have been as good as equal.
        before = model.renderer.ids(request.context)
        assert any(margin(model, before + expected[:i]) < CLOSE for i in range(len(expected)))
        close += 1
    assert close <= 1


@pytest.mark.parametrize("options", OPTIONS)
def test_log_probabilities_are_the_model_s(model: LocalModel, options: tuple[str, ...]) -> None:
    contexts = [request.context for request in many()]
    asked: list[Request] = [Choose(context, options, len(SHOTS) if i % 2 else 0) for i, context in enumerate(contexts)]
    for context, answer in zip(contexts, answers(model, asked), strict=True):
        assert isinstance(answer, Choice)
        assert not isinstance(context, str)
        expected = [direct_logprob(model, context, option) for option in options]
        assert answer.logprobs == pytest.approx(expected, abs=1e-4)


def nearest(model: LocalModel, sample: Request) -> float:
    """How near the row's numbers come to where one token ends and the next begins, 0..1, at temperature alone."""
    assert isinstance(sample, Sample)
    ids, least = list(model.renderer.ids(sample.context)), 1.0
    for number in uniforms(sample.seed, sample.max_new_tokens):
        with torch.no_grad():
            logits = model.model(input_ids=torch.tensor([ids])).logits[:, -1]
        running = torch.softmax(logits[0].double() / sample.temperature, dim=-1).cumsum(-1)
        least = min(least, float((running / running[-1] - number).abs().min()))
        ids.append(int(draw(logits, [sample], [float(number)])))
    return least


@pytest.mark.parametrize("more", [{}, {"top_p": 0.8}, {"top_k": 3}, {"temperature": 0.5}])
def test_what_a_row_says_depends_on_nothing_else(model: LocalModel, more: dict[str, Any]) -> None:
    requests = many(**more)
    # Choices among the samples take slots, and leave states behind that samples go on from.
    mixed = [one for request in requests for one in (request, Choose(request.context, (" (A)", " (B)")))]
    together = [answer for answer in answers(model, mixed) if isinstance(answer, Text)]
    model.engine.forget()
    backwards = answers(model, requests[::-1])[::-1]
    alone = []
    for request in requests:
        model.engine.forget()
        alone += answers(model, [request])
    apart = [i for i in range(len(requests)) if not together[i] == alone[i] == backwards[i]]
    assert len(apart) <= 1
    assert all(nearest(model, requests[i]) < CLOSE for i in apart)


def rows_at_work(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each pass computes, from now on."""
    counts: list[int] = []
    passes = model.engine.passes  # type: ignore[union-attr]
    logits = passes._logits

    def counted(ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        counts.append(ids.shape[1])
        return logits(ids, *rest)

    monkeypatch.setattr(passes, "_logits", counted)
    return counts


@pytest.fixture
def llama() -> LocalModel:
    """Four rows at work at once."""
    return LocalModel.of(*tiny_models.tiny(), width=4)


def test_few_shots_are_computed_once(llama: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = rows_at_work(llama, monkeypatch)
    requests: list[Request] = [
        Sample((*SHOTS, user(f"Question {i}")), i, 1, shared_turns=len(SHOTS)) for i in range(16)
    ]
    shots = len(llama.renderer.ids(SHOTS))
    answers(llama, requests)
    own = [len(llama.renderer.ids(request.context)) - shots for request in requests]
    assert sum(counts) < shots + sum(own) + 16 * 8
    before = sum(counts)
    answers(llama, [Sample((*SHOTS, user("One more")), 0, 1, shared_turns=len(SHOTS))])
    assert sum(counts) - before < shots


def test_what_nobody_announced_is_found(llama: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = rows_at_work(llama, monkeypatch)
    requests: list[Request] = [Sample((*SHOTS, user(f"Question {i}")), i, 1) for i in range(4)]
    answers(llama, requests)
    whole = sum(len(llama.renderer.ids(request.context)) for request in requests)
    assert sum(counts) < whole / 2


def test_a_revision_goes_on_from_its_critique(llama: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    question = (user("Teach me to fold a paper crane, please."), assistant("Put it into water."), user("Which?"))
    (critique,) = answers(llama, [Sample(question, 1, 12)])
    assert isinstance(critique, Text)
    counts = rows_at_work(llama, monkeypatch)
    asked = (*question, assistant(critique.text), user("Again"))
    answers(llama, [Sample(asked, 2, 1)])
    context = len(llama.renderer.ids(asked))
    assert counts[0] < context - len(llama.renderer.ids(question)) + 4


def test_the_second_order_of_a_label_computes_only_what_differs(
    llama: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = "Which of these responses is more helpful? Boil an egg; fold a paper crane on a rainy day. "
    first, second = ((user(begin + rest), assistant("The answer is:")) for rest in ("one two", "two one"))
    answers(llama, [Choose(first, (" (A)", " (B)"))])
    counts = rows_at_work(llama, monkeypatch)
    answers(llama, [Choose(second, (" (A)", " (B)"))])
    assert sum(counts) < len(llama.renderer.ids(second)) / 2


def test_samples_of_one_prompt_compute_it_once(llama: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = rows_at_work(llama, monkeypatch)
    prompt = (user("Teach me to fold a paper crane, please."),)
    answers(llama, [Sample(prompt, seed, 1) for seed in range(4)])
    assert sum(counts) == len(llama.renderer.ids(prompt)) + 3


def test_rows_join_while_others_are_at_work(llama: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = rows_at_work(llama, monkeypatch)
    limits = [40, 40, 2, 2, 2, 2, 2, 2]
    requests: list[Request] = [Sample("The ", seed, limit, temperature=0) for seed, limit in enumerate(limits)]
    llama._ends = frozenset()
    answers(llama, requests)
    # Two batches of four would take 40 steps and 2; the short ones pass through the places that are free.
    assert len(counts) <= 40 + 6


def test_a_request_that_an_answer_brings_joins_the_same_batch(llama: LocalModel) -> None:
    """A feed that was at its end may have more after an answer was taken."""
    begun: list[str] = []

    class Feed(Iterator[tuple[str, Request]]):
        waiting = [(f"long {i}", Sample("The ", i, 30)) for i in range(2)] + [("short", Sample("The ", 9, 1))]

        def __next__(self) -> tuple[str, Request]:
            if not self.waiting:
                raise StopIteration
            begun.append(self.waiting[0][0])
            return self.waiting.pop(0)

    llama._ends = frozenset()
    done = []
    for key, _ in llama.answer(Feed()):
        done.append(key)
        if key == "short":
            Feed.waiting.append(("brought", Sample("The ", 10, 1)))
    assert done == ["short", "brought", "long 0", "long 1"]


def test_a_text_is_told_as_it_grows(llama: LocalModel) -> None:
    told: dict[str, list[str]] = {"a": [], "b": []}
    requests = [("a", Sample("The ", 1, 12)), ("b", Sample("The ", 2, 3))]
    final = {
        key: answer.text
        for key, answer in llama.answer(requests, on_text=lambda key, text: told[key].append(text))
        if isinstance(answer, Text)
    }
    for key, texts in told.items():
        assert texts[-1] == final[key]
        assert len(texts) > 1


def test_what_the_listener_raises_ends_the_answering(llama: LocalModel) -> None:
    class Enough(Exception):  # noqa: N818
        pass

    def listen(key: str, text: str) -> None:
        raise Enough

    with pytest.raises(Enough):
        list(llama.answer([("a", Sample("The ", 1, 12))], on_text=listen))

    def broken() -> Iterator[tuple[str, Request]]:
        yield "a", Sample("The ", 1, 12)
        raise Enough

    with pytest.raises(Enough):
        list(llama.answer(broken()))


def test_memory_bounds_how_many_are_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    made, words = tiny_models.tiny()
    free, tight = LocalModel.of(made, words, width=8), LocalModel.of(made, words, width=8)
    engine = tight.engine
    assert isinstance(engine, Engine)
    engine._budget = 4 * 128 * engine._token_bytes * 4 // 3  # four slots of 128 tokens
    counts = rows_at_work(tight, monkeypatch)
    requests = many()
    assert answers(tight, requests) == answers(free, requests)
    assert engine._slots.count * engine._slots.room * engine._token_bytes <= engine._budget
    assert len(counts) > 0
    # A row that no budget allows is answered all the same, alone.
    engine._budget = 1
    assert answers(tight, requests[:3]) == answers(free, requests[:3])


def failing(engine: Any, monkeypatch: pytest.MonkeyPatch, error: Any) -> None:
    """Passes raise what `error` makes of their token ids, if anything."""
    logits = engine.passes._logits

    def raising(ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        if (raised := error(ids)) is not None:
            raise raised
        return logits(ids, *rest)  # type: ignore[no-any-return]

    monkeypatch.setattr(engine.passes, "_logits", raising)


def test_out_of_memory_fewer_are_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    made, words = tiny_models.tiny()
    expected = answers(LocalModel.of(made, words, width=8), many())
    model = LocalModel.of(made, words, width=8)
    failing(model.engine, monkeypatch, lambda ids: MemoryError("too much") if model.engine.width > 2 else None)
    assert answers(model, many()) == expected
    assert model.engine.width == 2


def test_who_fails_is_found_and_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made, words = tiny_models.tiny()
    requests = many()
    expected = answers(LocalModel.of(made, words, width=8), requests)
    model = LocalModel.of(made, words, width=8)
    bad = model.renderer.ids((user("Boil me"),))[1:4]

    def error(ids: torch.Tensor) -> Exception | None:
        said = ids[0].tolist()
        return ValueError("bad") if any(said[i : i + 3] == bad for i in range(len(said))) else None

    failing(model.engine, monkeypatch, error)
    found = answers(model, requests)
    hit = [
        bad == model.renderer.ids(one.context)[-len(bad) - 2 :][: len(bad)] or "Boil me" in str(one) for one in requests
    ]
    for answer, was, hits in zip(found, expected, hit, strict=True):
        assert answer == (Failed(Failure.FAILED, "ValueError: bad") if hits else was)
    assert any(hit)
    assert not all(hit)


def test_a_fault_of_the_device_fails_no_row(llama: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it every row would fail: the run is to fail instead, and resume in a new process."""
    failing(llama.engine, monkeypatch, lambda ids: torch.AcceleratorError("CUDA error: an illegal memory access"))
    with pytest.raises(torch.AcceleratorError, match="illegal memory access"):
        answers(llama, many(2))


def test_a_row_without_numbers_spoils_no_other(llama: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = many(8)
    expected = answers(llama, requests)
    llama.engine.forget()
    passes = llama.engine.passes  # type: ignore[union-attr]
    step = passes.step

    def spoiled(*given: Any) -> torch.Tensor:
        logits: torch.Tensor = step(*given)
        logits[0] = float("nan")
        monkeypatch.setattr(passes, "step", step)
        return logits

    monkeypatch.setattr(passes, "step", spoiled)
    found = answers(llama, requests)
    failed = [isinstance(answer, Failed) for answer in found]
    assert sum(failed) == 1
    assert all(was == now for was, now, bad in zip(expected, found, failed, strict=True) if not bad)


def test_a_model_of_another_kind_goes_the_plain_way_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    model = LocalModel.of(*tiny_models.tiny("bloom"), width=4)
    assert isinstance(model.engine, PlainEngine)
    assert model.plain_because
    assert "the plain way" in capsys.readouterr().err


@pytest.mark.parametrize("kind", tiny_models.ENGINE_KINDS)
def test_the_model_keeps_its_own_attention_for_others(kind: str) -> None:
    made, words = tiny_models.tiny(kind)
    before = made.config._attn_implementation
    model = LocalModel.of(made, words)
    answers(model, many(3))
    assert made.config._attn_implementation == before


def test_wrong_numbers_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should attention ever read a model wrongly, the trial refuses it."""
    from cai_core.models import passes

    made, _ = tiny_models.tiny()
    shift = passes.Stretch.absolute
    monkeypatch.setattr(passes.Stretch, "absolute", lambda self: [at + (self.slot == 0) for at in shift(self)])
    engine, why = engine_for(Weights(made), 0, width=2)
    assert isinstance(engine, PlainEngine)
    assert "log-probabilities" in (why or "")


def test_top_k_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.4, 0.3, 0.2, 0.1]])).expand(5, -1)
    at = [0.0, 0.55, 0.58, 0.95, 0.999]
    # Of the two likeliest, made one again: 4/7 = 0.571 and 3/7.
    two = [Sample("", 0, 1, top_k=2)] * 5
    assert draw(logits, two, at).tolist() == [0, 0, 1, 1, 1]
    assert draw(logits, [Sample("", 0, 1, top_k=1)] * 5, at).tolist() == [0] * 5
    assert draw(logits, [Sample("", 0, 1)] * 5, at).tolist() == [0, 1, 1, 3, 3]
    assert draw(logits, [Sample("", 0, 1, top_k=3, top_p=0.6)] * 5, at).tolist() == [0, 0, 1, 1, 1]


def test_rows_start_again_as_they_were() -> None:
    row = Row("a", [1, 2], "hash", sample=Sample("x", 0, 3), stops=("s",), shared=1)
    row.tokens.append(5)
    assert row.again() == row.again() or vars(row.again())["tokens"] == []
    assert (row.again().key, row.again().ids, row.again().stops, row.again().shared) == ("a", [1, 2], ("s",), 1)


def test_adapters_share_one_base_where_they_are_not_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tiny_models.save(tmp_path / "base")
    folders = [None, *(str(tiny_models.save_adapter(base, tmp_path / f"a{i}", seed=i)) for i in range(2))]
    refs = [ModelRef(str(base), folder) for folder in folders]
    requests = many(6)
    expected = [answers(LocalModel(ref, width=4, device="cpu"), requests) for ref in refs]
    assert len({str(one) for one in expected}) == 3
    monkeypatch.setattr(adapters, "pick_dtype", lambda device: torch.bfloat16)  # as on a GPU; the weights stay float32
    models = [LocalModel(ref, width=4, device="cpu") for ref in refs]
    assert len({id(next(one.model.get_input_embeddings().parameters())) for one in models}) == 1
    for _ in range(2):
        assert [answers(one, requests) for one in models] == expected
    # Taken in turns, a row at a time.
    turns = [dict(one.answer([("a", requests[0])])) for one in (*models, *models)]
    assert [turn["a"] for turn in turns] == [one[0] for one in expected] * 2


def test_a_base_that_nobody_uses_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gc

    monkeypatch.setattr(adapters, "pick_dtype", lambda device: torch.bfloat16)
    ref = ModelRef(str(tiny_models.save(tmp_path / "base")))
    model = LocalModel(ref, width=4, device="cpu")
    assert len(adapters._bases) == 1
    del model
    gc.collect()
    assert len(adapters._bases) == 0
