"""The scripted fake: a `TextModel` without weights, for tests and for trying the loop in seconds.

It answers what it is told to, else in the sandbox's words; it keeps a history of what it was asked. An answer depends
on the request and the model's seed alone.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random

from cai_core.models.base import OnText, sent_hash
from cai_core.sandbox import critiques, episodes, world
from cai_core.sandbox.facts import ReplyClass, Scope
from cai_core.sandbox.principles import general_rule
from cai_core.sandbox.responses import reply
from cai_core.types import (
    Answer,
    Choice,
    Choose,
    Conversation,
    Failed,
    Failure,
    PromptKind,
    Request,
    Role,
    Sample,
    Text,
    derive_seed,
)

Said = Answer | str | None
"""An answer, a text to wrap in one, or None for the default."""
Script = Callable[[Request], Said] | Mapping[str, Said] | Iterable[Said]
"""What to say: asked each time, looked up by the rendered request, or said in turn (then by default)."""

_OPTION = re.compile(r"\((?:A|B)\) \[\[\[(.*?)\]\]\]", re.DOTALL)


class ScriptedModel:
    """A fake model. `fails` says which requests raise an error inside the model."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        seed: int = 0,
        fails: Callable[[Request], bool] | None = None,
        context_length: int = 100_000,
    ) -> None:
        self.history: list[tuple[str, Request]] = []
        self._script, self._seed, self._fails = script, seed, fails
        self._queue = iter(()) if script is None or callable(script) or isinstance(script, Mapping) else iter(script)
        self._context_length = context_length

    @property
    def context_length(self) -> int:
        """How many words prompt and answer may take together."""
        return self._context_length

    def count_tokens(self, context: str | Conversation) -> int:
        """Words."""
        return len(_shown(context).split())

    def render(self, request: Request) -> str:
        """The turns, a paragraph each, with the speaker's role; a text as it is."""
        return _shown(request.context)

    def answer(
        self, requests: Iterable[tuple[str, Request]], *, on_text: OnText | None = None
    ) -> Iterator[tuple[str, Answer]]:
        """Answer one by one, in order; a text grows word by word."""
        for key, request in requests:
            self.history.append((key, request))
            answer = self._answer(request)
            if on_text is not None and isinstance(answer, Text):
                for end in re.finditer(r"\S+\s*", answer.text):
                    on_text(key, answer.text[: end.end()])
            yield key, answer

    def _answer(self, request: Request) -> Answer:
        rendered = self.render(request)
        wanted = request.max_new_tokens if isinstance(request, Sample) else 1
        if self.count_tokens(rendered) + wanted > self.context_length:
            return Failed(Failure.TOO_LONG, f"The request does not fit {self.context_length} words.")
        if self._fails is not None and self._fails(request):
            return Failed(Failure.FAILED, "The script says that this request fails.")
        sent = sent_hash(rendered, request)
        said = self._scripted(request, rendered)
        if said is None:
            said = self._choice(request, sent) if isinstance(request, Choose) else self._text(request, rendered)
        return Text(said, True, self.count_tokens(said), sent) if isinstance(said, str) else said

    def _scripted(self, request: Request, rendered: str) -> Said:
        if callable(self._script):
            return self._script(request)
        if isinstance(self._script, Mapping):
            return self._script.get(rendered)
        return next(self._queue, None)

    def _text(self, sample: Sample, rendered: str) -> str:
        """In the sandbox's words where the conversation names something of its world; else a plain sentence."""
        rng = Random(derive_seed(self._seed, sample.seed, rendered))
        turns = () if isinstance(sample.context, str) else sample.context
        asked = [turn.content for turn in turns if turn.role is Role.USER]
        combo = next((found for text in reversed(asked) if (found := world.find_combo(text))), None)
        if combo is None:
            return f"This is answer {rng.randrange(1000)}."
        harmful = combo.kind is PromptKind.RED_TEAM
        if asked[-1].startswith("Critique Request:"):
            finding = critiques.Finding.HARM if harmful else critiques.Finding.NOTHING
            principle = general_rule(rng, Scope.HARM)
            return critiques.write(rng, principle, combo, reply(rng, combo, _complied(harmful)), finding).text
        if asked[-1].startswith("Revision Request:"):
            return reply(rng, combo, ReplyClass.ENGAGED if harmful else ReplyClass.RIGHT).text
        return reply(rng, combo, episodes.pick(rng, episodes.ANSWERS[combo.kind])).text

    def _choice(self, choose: Choose, sent: str) -> Choice:
        """Soft, nearly the same in both orders: each shown response has a worth of its own, the first a little more."""
        shown = _OPTION.findall(self.render(choose))[-len(choose.options) :]
        texts = shown if len(shown) == len(choose.options) else [f"{sent}{option}" for option in choose.options]
        worths = [3 * Random(derive_seed(self._seed, text)).random() for text in texts]
        worths[0] += 0.1
        total = math.log(sum(map(math.exp, worths)))
        return Choice(tuple(worth - total + math.log(0.98) for worth in worths), sent)


def _shown(context: str | Conversation) -> str:
    return context if isinstance(context, str) else "\n\n".join(f"{turn.role}: {turn.content}" for turn in context)


def _complied(harmful: bool) -> ReplyClass:
    return ReplyClass.COMPLIES if harmful else ReplyClass.RIGHT
