"""What is told about a model when it is added, and every way of naming one that cannot be used."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from cai_core.errors import ModelError
from cai_core.models.check import check_model
from cai_core.models.files import resolve_base
from cai_core.models.load import load_text_model
from cai_core.models.local import LocalModel
from cai_core.models.rendering import Renderer
from cai_core.models.scripted import ScriptedModel
from cai_core.models.weights import load_tokenizer
from cai_core.preferences.templates import OPTIONS, comparison_turns
from cai_core.types import Conversation, ModelRef, user
from tests import tiny_models


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that is as it should be."""
    return tiny_models.save(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="module")
def adapter(base: Path) -> Path:
    """A LoRA adapter of it."""
    return tiny_models.save_adapter(base, base.parent / "adapter")


def test_facts(base: Path, adapter: Path) -> None:
    facts = check_model(ModelRef(str(base), str(adapter)), "feedback", device="cpu")
    assert json.loads(json.dumps(facts)) == facts
    made, _ = tiny_models.tiny()
    assert facts["parameters"] == sum(p.numel() for p in made.parameters())
    assert facts["context_length"] == 256
    assert facts["template"] == "chat template"
    assert facts["options"]["distinct"]
    assert facts["system_turn"] is True
    assert facts["memory_needed"] < facts["memory_free"]
    assert check_model(ModelRef("scripted"))["parameters"] == 0


def test_names(base: Path) -> None:
    assert isinstance(load_text_model(ModelRef("scripted")), ScriptedModel)
    assert isinstance(load_text_model(ModelRef(str(base)), device="cpu"), LocalModel)
    assert resolve_base(str(base)) == str(base)
    assert resolve_base("some/model") == "some/model"


def test_naming_a_model_loads_nothing_heavy() -> None:
    code = (
        "import sys; from cai_core.models import load, drive, scripted;"
        "load.load_text_model(load.ModelRef('scripted'));"
        "print([m for m in ('torch', 'transformers', 'peft') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def without(*patterns: str) -> Callable[[Path], None]:
    """Take files out of a folder."""

    def change(folder: Path) -> None:
        for pattern in patterns:
            for path in folder.glob(pattern):
                path.unlink()

    return change


def as_pickle(folder: Path) -> None:
    """The weights as PyTorch once saved them."""
    without("*.safetensors")(folder)
    torch.save({}, folder / "pytorch_model.bin")


def as_adapter_pickle(folder: Path) -> None:
    """The adapter's weights as PEFT once saved them."""
    without("*.safetensors")(folder)
    torch.save({}, folder / "adapter_model.bin")


def cut(name: str) -> Callable[[Path], None]:
    """Keep the first half of a file."""

    def change(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])

    return change


def other_config(folder: Path) -> None:
    """A config of another size than the weights."""
    path = folder / "config.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "intermediate_size": 64}))


BAD_BASES: list[tuple[Callable[[Path], None], str]] = [
    (shutil.rmtree, "There is no folder"),
    (without("*"), "is an empty folder"),
    (without("config.json"), "has no config.json"),
    (without("tokenizer*"), "has no tokenizer"),
    (without("*.safetensors"), r"has no \*.safetensors"),
    (as_pickle, "only as a pickle"),
    (cut("model.safetensors"), "cannot be read|cannot be loaded"),
    (cut("config.json"), "cannot be loaded"),
    (cut("tokenizer.json"), "cannot be loaded"),
    (other_config, "do not fit its config|cannot be loaded"),
]


@pytest.mark.parametrize(("change", "message"), BAD_BASES)
def test_a_base_that_cannot_be_used(base: Path, tmp_path: Path, change: Callable[[Path], None], message: str) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(base, folder)
    change(folder)
    with pytest.raises(ModelError, match=message):
        check_model(ModelRef(str(folder)), device="cpu")
    if change is not other_config:
        with pytest.raises(ModelError, match=message):
            LocalModel(ModelRef(str(folder)), device="cpu")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "give 'sandbox'"),
        ("a\0b", "give 'sandbox'"),
        ("/no/such/folder", "There is no folder"),
        ("./gone", "There is no folder"),
        ("nobody/such-model", "cannot be loaded.*Give 'sandbox'"),
    ],
)
def test_a_name_that_names_nothing(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=message):
        check_model(ModelRef(name))


def test_a_file_and_an_adapter_in_place_of_a_model(base: Path, adapter: Path) -> None:
    with pytest.raises(ModelError, match="is a file"):
        check_model(ModelRef(str(base / "config.json")))
    with pytest.raises(ModelError, match="is an adapter, not a model"):
        check_model(ModelRef(str(adapter)))


BAD_ADAPTERS: list[tuple[Callable[[Path], None], str]] = [
    (shutil.rmtree, "There is no folder"),
    (without("adapter_config.json"), "has no adapter_config.json"),
    (without("*.safetensors"), "has no adapter_model.safetensors"),
    (as_adapter_pickle, "only as a pickle"),
    (cut("adapter_model.safetensors"), "cannot be read"),
    (cut("adapter_config.json"), "cannot be read"),
]


@pytest.mark.parametrize(("change", "message"), BAD_ADAPTERS)
def test_an_adapter_that_cannot_be_used(
    base: Path, adapter: Path, tmp_path: Path, change: Callable[[Path], None], message: str
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(adapter, folder)
    change(folder)
    ref = ModelRef(str(base), str(folder))
    for use in (check_model, LocalModel):
        with pytest.raises(ModelError, match=message):
            use(ref, device="cpu")  # type: ignore[operator]


def test_an_adapter_of_another_base(base: Path, tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    _, words = tiny_models.tiny()
    sizes = {**tiny_models.SIZES, "hidden_size": 64}
    wide = LlamaForCausalLM(LlamaConfig(vocab_size=len(words), **sizes))
    other = tiny_models.save_both(tmp_path / "wide", wide, words)
    adapter = tiny_models.save_adapter(other, tmp_path / "adapter")
    with pytest.raises(ModelError, match="was trained on"):
        check_model(ModelRef(str(base), str(adapter)))
    # With the other base gone, the shapes still tell.
    shutil.rmtree(other)
    for use in (check_model, LocalModel):
        with pytest.raises(ModelError, match="is of another base model"):
            use(ModelRef(str(base), str(adapter)), device="cpu")  # type: ignore[operator]


def test_an_adapter_of_another_architecture(base: Path, adapter: Path, tmp_path: Path) -> None:
    neox = tiny_models.save(tmp_path / "neox", "neox")
    with pytest.raises(ModelError, match=r"was trained on|which this model does not have"):
        check_model(ModelRef(str(neox), str(adapter)))


def test_too_large_a_model(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cai_core.models.check._OVERHEAD", 1e12)
    with pytest.raises(ModelError, match="GiB are free"):
        check_model(ModelRef(str(base)), device="cpu")


def test_options_that_are_the_same_tokens(base: Path) -> None:
    with pytest.raises(ModelError, match="cannot tell the options"):
        check_model(ModelRef(str(base)), "feedback", options=(" (A)", " (A)"))


GEN = "{% if add_generation_prompt %}<|assistant|>{% endif %}"
EACH = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
BAD_TEMPLATES = [
    ("{% for m in messages %}", "user, assistant .*Unexpected end"),
    (
        "{% if messages[-1].role == 'assistant' %}{{ raise_exception('Last turn must be the user') }}{% endif %}"
        + EACH,
        "user, assistant .*Last turn must be the user",
    ),
    ("<|user|>{{ messages[0].content }}<|end|>" + GEN, "user, assistant .*does not show each of the 2 turns"),
    (
        "{% if messages | length > 2 %}{{ raise_exception('One question only') }}{% endif %}" + EACH + GEN,
        "user, assistant, user .*One question only",
    ),
    (
        "{% if messages | length > 3 %}{{ messages[9].content.nothing }}{% endif %}" + EACH + GEN,
        "user, assistant, user, assistant .*UndefinedError",
    ),
]


@pytest.mark.parametrize(("template", "message"), BAD_TEMPLATES)
def test_a_template_that_cannot_take_what_is_sent(base: Path, tmp_path: Path, template: str, message: str) -> None:
    folder = with_template(base, tmp_path, template)
    with pytest.raises(ModelError, match=f"fails on the turns {message}.*take chat_template out"):
        check_model(ModelRef(str(folder)), device="cpu")


def test_a_template_without_system_turns_can_be_used(base: Path, tmp_path: Path) -> None:
    refuse = "{% if messages[0].role == 'system' %}{{ raise_exception('No system turn') }}{% endif %}"
    facts = check_model(ModelRef(str(with_template(base, tmp_path, refuse + EACH + GEN))), device="cpu")
    assert facts["system_turn"] is False


def test_options_are_read_as_labels_ask_for_them(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a begun answer: what a template opens for a new one may stand in between."""
    asked: list[tuple[Conversation, str]] = []
    real = Renderer.ids
    monkeypatch.setattr(
        Renderer, "ids", lambda self, turns, more="": asked.append((turns, more)) or real(self, turns, more)
    )
    facts = check_model(ModelRef(str(base)), "feedback", options=OPTIONS, device="cpu")
    sent = comparison_turns((user("Question"),), "Which?", "One", "Other")
    options = {more: turns for turns, more in asked if more}
    assert set(options) == set(OPTIONS)
    for turns in options.values():
        assert [turn.role for turn in turns] == [turn.role for turn in sent]
        assert turns[-1] == sent[-1]
    assert ["".join(tail).replace("Ġ", " ") for tail in facts["options"]["tokens"]] == list(OPTIONS)


def with_template(base: Path, tmp_path: Path, template: str) -> Path:
    """The model with another chat template."""
    folder = tmp_path / "templated"
    shutil.copytree(base, folder)
    words = load_tokenizer(ModelRef(str(folder)))
    words.chat_template = template
    words.save_pretrained(folder)
    return folder


def test_the_sandbox_without_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("cai_core.models.files.SANDBOX_FOLDER", tmp_path)
    with pytest.raises(ModelError, match="sandbox pretrain"):
        resolve_base("sandbox")
