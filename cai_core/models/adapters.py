"""Several adapters on one base in memory: before each pass a model puts its own to work.

Where weights are float32, an adapter is merged into a copy of them, which costs nothing when sampling. In half
precision a merge would round; there the base is loaded once, and all models on it share it.
"""

from hashlib import sha256
from weakref import WeakValueDictionary

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedModel

from cai_core.models.weights import check_adapter, load_base, load_causal, pick_dtype
from cai_core.types import ModelRef


class SharedBase:
    """A base in memory, the adapters that were loaded onto it, and which of them is at work."""

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        self._holder: PeftModel | None = None
        self._active: str | None = None

    def add(self, folder: str) -> str:
        """Load an adapter, if it is not there; its name here."""
        name = "a" + sha256(folder.encode()).hexdigest()[:16]
        if self._holder is None:
            self._holder = PeftModel.from_pretrained(self.model, folder, adapter_name=name).eval()
            self._active = name
        elif name not in self._holder.peft_config:
            self._holder.load_adapter(folder, name)
            self._holder.eval()
        return name

    def activate(self, adapter: str | None) -> None:
        """Have the base compute with this adapter, or with none."""
        if self._holder is None or adapter == self._active:
            return
        tuner = self._holder.base_model
        if adapter is None:
            tuner.disable_adapter_layers()
        else:
            tuner.enable_adapter_layers()
            self._holder.set_adapter(adapter, inference_mode=True)
        self._active = adapter


class Weights:
    """A model's weights in memory: its own, or a base that others use with other adapters."""

    def __init__(self, model: PreTrainedModel, base: SharedBase | None = None, adapter: str | None = None) -> None:
        self.model = model
        self._base, self._adapter = base, adapter

    def activate(self) -> None:
        """To be called before each pass."""
        if self._base is not None:
            self._base.activate(self._adapter)


_bases: "WeakValueDictionary[tuple[str, str | None, str], SharedBase]" = WeakValueDictionary()
"""By name, revision and device; a base lives as long as a model on it does."""


def load_weights(ref: ModelRef, device: torch.device) -> Weights:
    """The causal model that `ref` names; on a base that is in memory already, where adapters are not merged."""
    if pick_dtype(device) == torch.float32:
        return Weights(load_causal(ref, device))
    if ref.adapter is not None:
        check_adapter(ref, AutoModelForCausalLM)
    key = (ref.base, ref.revision, str(device))
    base = _bases.get(key)
    if base is None:
        base = _bases[key] = SharedBase(load_base(ref, AutoModelForCausalLM, device).eval())
    return Weights(base.model, base, None if ref.adapter is None else base.add(ref.adapter))
