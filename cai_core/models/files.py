"""From a model's name to its files, and what must be among them."""

from pathlib import Path

from cai_core.errors import ModelError

SANDBOX, SCRIPTED = "sandbox", "scripted"
"""Built-in names: the model that ships with the software, and the fake for tests."""
SANDBOX_FOLDER = Path(__file__).resolve().parent.parent / "sandbox" / "weights"

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_FIX = "Save it with `save_pretrained(folder, safe_serialization=True)`, or give another model."


def resolve_base(base: str) -> str:
    """The folder that `base` names, or `base` itself where it is a Hub id.

    Raises `ModelError` for a folder that holds no usable model.
    """
    if not base.strip() or "\0" in base:
        raise ModelError(f"A model's base is {base!r}: give 'sandbox', a folder or a Hugging Face id.")
    if base == SANDBOX:
        if not (SANDBOX_FOLDER / "config.json").is_file():
            raise ModelError(
                f"The sandbox model is not in {SANDBOX_FOLDER}. "
                "Run `cai-studio sandbox pretrain --seed 0` to make it, or restore the folder from the repository."
            )
        return str(SANDBOX_FOLDER)
    path = Path(base).expanduser()
    if path.exists():
        check_base_files(path)
        return str(path.resolve())
    if path.is_absolute() or base.startswith(("~", ".")) or base.count("/") > 1 or base.endswith("/"):
        raise ModelError(f"There is no folder {base!r}. Give 'sandbox', an existing folder or a Hugging Face id.")
    return base


def check_base_files(folder: Path) -> None:
    """Raise `ModelError` unless `folder` holds a config, safetensors weights and a tokenizer."""
    _check_folder(folder, "model")
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise ModelError(f"{str(folder)!r} is an adapter, not a model: give it as adapter, with its base model.")
        raise ModelError(f"{str(folder)!r} has no config.json: a Hugging Face model folder has one. {_FIX}")
    _check_safetensors(folder, "*.safetensors")
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise ModelError(
            f"{str(folder)!r} has no tokenizer: one of {', '.join(_TOKENIZER_FILES)} is needed. "
            "Save the model's tokenizer there with `tokenizer.save_pretrained(folder)`."
        )


def check_adapter_files(folder: Path) -> None:
    """Raise `ModelError` unless `folder` holds a PEFT adapter with safetensors weights."""
    _check_folder(folder, "adapter")
    if not (folder / "adapter_config.json").is_file():
        raise ModelError(
            f"{str(folder)!r} has no adapter_config.json, so it is no adapter. "
            "Give a folder saved by PEFT; a whole model goes in as base, without adapter."
        )
    _check_safetensors(folder, "adapter_model.safetensors")


def _check_folder(folder: Path, what: str) -> None:
    if not folder.exists():
        raise ModelError(f"There is no folder {str(folder)!r}. Give the folder of a saved {what}.")
    if not folder.is_dir():
        raise ModelError(f"{str(folder)!r} is a file. Give the folder of a saved {what}.")
    if not any(folder.iterdir()):
        raise ModelError(f"{str(folder)!r} is an empty folder. Give the folder of a saved {what}.")


def _check_safetensors(folder: Path, pattern: str) -> None:
    if any(folder.glob(pattern)):
        return
    pickles = sorted(path.name for kind in _PICKLES for path in folder.glob(kind))
    if pickles:
        raise ModelError(
            f"{str(folder)!r} has its weights only as a pickle ({pickles[0]}), which can run code when loaded; "
            f"only safetensors are accepted. {_FIX}"
        )
    raise ModelError(f"{str(folder)!r} has no {pattern} with weights. {_FIX}")
