"""A local model whose weights wait until they are needed: until then it renders, which takes its tokenizer alone."""

from collections.abc import Iterable, Iterator
from functools import cached_property

from cai_core.models.base import OnText
from cai_core.models.local import LocalModel
from cai_core.models.rendering import Renderer
from cai_core.models.weights import load_tokenizer
from cai_core.types import Answer, Conversation, ModelRef, Request


class LateModel:
    """A `TextModel` that loads its weights when it is first asked."""

    def __init__(self, ref: ModelRef, *, width: int = 64, device: str | None = None) -> None:
        self._ref, self._width, self._device = ref, width, device
        self._renderer = Renderer(load_tokenizer(ref))

    @cached_property
    def _model(self) -> LocalModel:
        return LocalModel(self._ref, width=self._width, device=self._device)

    def answer(
        self, requests: Iterable[tuple[str, Request]], *, on_text: OnText | None = None
    ) -> Iterator[tuple[str, Answer]]:
        """As the model behind it."""
        yield from self._model.answer(requests, on_text=on_text)

    def render(self, request: Request) -> str:
        """Exactly what is sent for this request, as text (special tokens written out)."""
        return self._renderer.text(request.context)

    def count_tokens(self, context: str | Conversation) -> int:
        """As the model behind it."""
        return self._model.count_tokens(context)

    @property
    def context_length(self) -> int:
        """How many tokens prompt and answer may take together."""
        return self._model.context_length
