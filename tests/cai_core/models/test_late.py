"""What is sent is known before any weights are, and the answers are the model's own."""

import pytest

from cai_core.models import late
from cai_core.models.base import sent_hash
from cai_core.models.late import LateModel
from cai_core.models.load import load_text_model
from cai_core.models.local import LocalModel
from cai_core.types import Choice, Choose, ModelRef, Request, Sample, Text, assistant, user

SANDBOX = ModelRef("sandbox")
TURNS = (user("How do I spy?"), assistant("No."), user("Why not?"))
REQUESTS: list[tuple[str, Request]] = [
    ("text", Sample(TURNS, 5, 12)),
    ("choice", Choose(TURNS, (" (A)", " (B)"))),
    ("plain", Sample("So", 6, 4)),
]


def test_rendering_loads_no_weights_and_asking_does(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    def load(*args: object, **rest: object) -> LocalModel:
        loaded.append(args)
        return LocalModel(*args, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(late, "LocalModel", load)
    model = load_text_model(SANDBOX, width=4, late=True)
    assert isinstance(model, LateModel)
    hashes = {key: sent_hash(model.render(request), request) for key, request in REQUESTS}
    assert not loaded
    answers = dict(model.answer(REQUESTS))
    assert len(loaded) == 1
    for key, answer in answers.items():
        assert isinstance(answer, Text | Choice)
        assert answer.sent == hashes[key]
    assert answers == dict(LocalModel(SANDBOX, width=4).answer(REQUESTS))
    assert model.count_tokens("So") == LocalModel(SANDBOX).count_tokens("So")
    assert model.context_length == 2048
    assert len(loaded) == 1
