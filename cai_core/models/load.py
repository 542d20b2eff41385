"""From a model's name to a model. Imports nothing heavy until a model is really loaded."""

from cai_core.models.base import TextModel
from cai_core.models.files import SCRIPTED
from cai_core.types import ModelRef


def load_text_model(ref: ModelRef, *, width: int = 64, device: str | None = None, late: bool = False) -> TextModel:
    """The model that `ref` names, to answer `width` requests at once; without `device`, on a GPU if there is one.

    An endpoint answers as many at once as it says itself. `late`: weights are loaded when something is first asked.
    """
    if ref.endpoint is not None:
        from cai_core.models.endpoint import EndpointModel

        return EndpointModel(ref)
    if ref.base == SCRIPTED:
        from cai_core.models.scripted import ScriptedModel

        return ScriptedModel(seed=0)
    if late:
        from cai_core.models.late import LateModel

        return LateModel(ref, width=width, device=device)
    from cai_core.models.local import LocalModel

    return LocalModel(ref, width=width, device=device)
