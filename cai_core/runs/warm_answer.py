"""One ask being answered: what is sent, and what comes back, committed as it comes.

All that can be asked at a moment is asked at once, in one batch: every sample, and every principle whose response is
there. What an earlier attempt had answered is known by its place, and not asked again.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from cai_core.chains.asks import Asking, Place
from cai_core.models.base import UNKNOWN_LENGTH, TextModel
from cai_core.store import asks
from cai_core.store.workspace import Workspace
from cai_core.types import Answer, AskPart, AskState, Choice, Choose, Conversation, Request, Sample, Text
from db.schema_asks import AskRow

EVERY = 0.1
"""Seconds between two commits of growing texts."""


# Neither is an error, and no engine may take them for a row's failure: hence no Exception.
class AskStopped(BaseException):
    """Somebody asked for it: the ask is marked, its text is kept."""


class AskLost(BaseException):
    """The ask is not this worker's any more; nothing more is written."""


class Answering:
    """Writes one attempt at an ask into the database."""

    def __init__(
        self,
        workspace: Workspace,
        ask_id: int,
        attempt: int,
        before: Mapping[int, AskPart] | None = None,
        principles: Mapping[str, int] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        """`before` is what an earlier attempt left, `principles` are row ids by id.

        `over` tells that the worker is to end, which loses the ask.
        """
        self._workspace, self._ask_id, self._attempt = workspace, ask_id, attempt
        self._before, self._principles = before or {}, principles or {}
        self._clock, self._over = clock, over
        self._answers: dict[int, Answer] = {}
        self._waiting: dict[int, list[Asking]] = {}
        self._queue: deque[tuple[int, Request, TextModel]] = deque()
        self._problems: list[str] = []
        self._unsaid: dict[int, dict[str, Any]] = {}
        self._fresh, self._grew_at = False, clock() - EVERY

    def run(self, tasks: Sequence[Asking], models: TextModel | Mapping[str, TextModel]) -> str | None:
        """Answer every request of the tasks, by one model or by each part's; what went wrong, in words, or None."""
        try:
            for model in {id(one): one for one in _all(models)}.values():
                self._say_plain(model)
            for task in tasks:
                self._go_on(task, None, models)
            while self._queue:
                model = self._queue[0][2]
                for position, answer in model.answer(_Feed(self, model), on_text=self._grew):
                    self._answered(int(position), answer, models)
            self._write()
        finally:
            for task in tasks:
                task.close()
        return self._problem(len(tasks))

    def count(self, turns: Conversation, model: TextModel, *, exact: bool) -> str | None:
        """How many tokens the turns take and the context holds; `exact` where the tokenizer is here."""
        try:
            rendered, tokens = model.render(Sample(turns, 0, 1)), model.count_tokens(turns)
        except Exception as error:  # a template may raise anything
            return f"the turns cannot be rendered: {error}"
        length = None if model.context_length >= UNKNOWN_LENGTH else model.context_length
        self._note(0, part="count", rendered=rendered, num_tokens=tokens, text=None if exact else ESTIMATED)
        self._note(1, part="context", num_tokens=length, text=UNTOLD if length is None else None)
        for position in (0, 1):
            self._note(position, finished=True)
        self._write()
        return None

    def tell(self, found: Sequence[tuple[str, str]]) -> None:
        """Write down (part, text), whole, in this order."""
        for position, (part, text) in enumerate(found):
            self._note(position, part=part, text=text, finished=True)
        self._write()

    def note_sent(self, place: Place, rendered: str, sent: str, error: str | None) -> None:
        """Keep what is sent for a request that is not asked; `error` says what is to be said of it."""
        self._note(place.position, **self._of(place), rendered=rendered, sent=sent, finished=True, error=error)

    def write(self) -> None:
        """Write what is noted."""
        self._write()

    def next_request(self, model: TextModel) -> tuple[int, Request] | None:
        """What is asked of a model next, if anything is for now; what is known by then is written."""
        for waiting in self._queue:
            if waiting[2] is model:
                self._queue.remove(waiting)
                return waiting[:2]
        if self._fresh:
            self._write()
        return None

    def _say_plain(self, model: TextModel) -> None:
        """Keep why a local model is answered the plain way, where it is."""
        because: str | None = getattr(model, "plain_because", None)
        if because:
            with self.own() as (_, row):
                row.plain_because = because

    def _go_on(self, task: Asking, answer: Answer | None, models: TextModel | Mapping[str, TextModel]) -> None:
        """Let a task go on, as far as what is known takes it."""
        try:
            place, request = next(task) if answer is None else task.send(answer)
            while (known := self._known(place, request, _of_part(models, place.part))) is not None:
                place, request = task.send(known)
        except StopIteration as returned:
            if returned.value is not None:
                self._problems.append(returned.value)
            return
        self._waiting.setdefault(place.position, []).append(task)

    def _known(self, place: Place, request: Request, model: TextModel) -> Answer | None:
        """The answer at a place, if there is one; if not, it is asked for, once."""
        if place.position in self._answers or place.position in self._waiting:
            return self._answers.get(place.position)
        rendered = _rendered(model, request)
        old = self._before.get(place.position)
        if old is not None and (whole := _whole(old, place, request, rendered)) is not None:
            self._answers[place.position] = whole
            return whole
        self._note(
            place.position,
            **self._of(place),
            seed=request.seed if isinstance(request, Sample) else None,
            rendered=rendered,
            failure=None,
            error=None,
        )
        self._queue.append((place.position, request, model))
        self._fresh = True
        return None

    def _of(self, place: Place) -> dict[str, object]:
        """What a place says of its part."""
        principle = None if place.principle is None else self._principles[place.principle]
        return {"part": place.part, "sample": place.sample, "principle_id": principle, "order": place.order}

    def _answered(self, position: int, answer: Answer, models: TextModel | Mapping[str, TextModel]) -> None:
        """Note an answer, and let those go on who waited for it."""
        self._answers[position] = answer
        if isinstance(answer, Text):
            known = {"finished": answer.finished, "num_tokens": answer.num_tokens, "thinking": answer.thinking}
            self._note(position, text=answer.text, sent=answer.sent, **known)
        elif isinstance(answer, Choice):
            told = {"logprobs": list(answer.logprobs), "bounded": list(answer.bounded)}
            self._note(position, finished=True, sent=answer.sent, **told)
        else:
            self._note(position, failure=answer.failure, error=answer.message)
        self._fresh = True
        for task in self._waiting.pop(position):
            self._go_on(task, answer, models)

    def _grew(self, key: str, text: str) -> None:
        """Commit what was written so far, not too often; hear of a stop on that way."""
        if self._over():
            raise AskLost
        position = int(key)
        old = self._before.get(position)
        # What an earlier attempt had come to stays, until this one comes as far.
        if not ((old and old.text) or "").startswith(text):
            self._note(position, text=text)
        if self._clock() - self._grew_at >= EVERY:
            self._write()
            self._grew_at = self._clock()

    def _note(self, position: int, **values: object) -> None:
        self._unsaid.setdefault(position, {}).update(values)

    def _write(self) -> None:
        with self.own() as (session, row):
            asks.write_parts(session, self._ask_id, self._unsaid)
            stopped = row.stop_requested
            if stopped:
                asks.end(row, AskState.STOPPED)
        self._unsaid, self._fresh = {}, False
        if stopped:
            raise AskStopped

    def _problem(self, tasks: int) -> str | None:
        """What went wrong: of several tasks, with how many, each reason once."""
        if not self._problems:
            return None
        reasons = " ".join(dict.fromkeys(self._problems))
        return reasons if tasks == 1 else f"{len(self._problems)} of {tasks} came to nothing: {reasons}"

    def is_to_stop(self, session: Session) -> bool:
        """Whether somebody asked it to stop and it has not yet."""
        row = asks.get(session, self._ask_id)
        return row.attempt == self._attempt and row.state == AskState.ANSWERING and row.stop_requested

    @contextmanager
    def own(self) -> "Iterator[tuple[Session, AskRow]]":
        """A writing session and the ask's row, while it is this attempt's."""
        with self._workspace.writing() as session:
            row = asks.get(session, self._ask_id)
            if row.attempt != self._attempt or row.state != AskState.ANSWERING:
                raise AskLost
            yield session, row

    def finish(
        self, state: AskState, error: str | None = None, save: Callable[[Session], object] | None = None
    ) -> None:
        """The ask is over; what came of it is saved in the same transaction."""
        with self.own() as (session, row):
            if save is not None:
                save(session)
            asks.end(row, state, error)


ESTIMATED = "estimated from the length: the tokenizer is the server's"
UNTOLD = "a server does not say"


class _Feed(Iterator[tuple[str, Request]]):
    """Requests as they come up. No generator: it goes on after its end, for an answer brings the next request."""

    def __init__(self, answering: Answering, model: TextModel) -> None:
        self._answering, self._model = answering, model

    def __next__(self) -> tuple[str, Request]:
        found = self._answering.next_request(self._model)
        if found is None:
            raise StopIteration
        return str(found[0]), found[1]


def _whole(old: AskPart, place: Place, request: Request, rendered: str | None) -> Answer | None:
    """What an earlier attempt wrote to its end: the same request would only bring it again."""
    if (old.part, old.rendered) != (place.part, rendered) or old.finished is None:
        return None
    if isinstance(request, Choose):
        return None if old.logprobs is None else Choice(old.logprobs, old.sent or "", old.bounded)
    if old.seed != request.seed:
        return None
    return Text(old.text or "", old.finished, old.num_tokens or 0, old.sent or "", old.thinking)


def _all(models: TextModel | Mapping[str, TextModel]) -> Sequence[TextModel]:
    return list(models.values()) if isinstance(models, Mapping) else [models]


def _of_part(models: TextModel | Mapping[str, TextModel], part: str) -> TextModel:
    return models[part] if isinstance(models, Mapping) else models


def _rendered(model: TextModel, request: Request) -> str | None:
    """Exactly what is sent; None where it cannot be rendered, which the answer then says in words."""
    try:
        return model.render(request)
    except Exception:  # a template may raise anything
        return None
