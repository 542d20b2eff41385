"""One ask being answered: what is sent, and what comes back, committed as it comes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from cai_core.chains.asks import Asking
from cai_core.models.base import TextModel
from cai_core.store import asks
from cai_core.store.workspace import Workspace
from cai_core.types import Answer, AskPart, AskState, Choice, Request, Sample, Text
from db.schema_asks import AskRow

EVERY = 0.1
"""Seconds between two commits of a growing text."""


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
        before: tuple[AskPart, ...] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        over: Callable[[], bool] = lambda: False,
    ) -> None:
        """`before` is what an earlier attempt left; `over` tells that the worker is to end, which loses the ask."""
        self._workspace, self._ask_id, self._attempt, self._before = workspace, ask_id, attempt, before
        self._clock, self._over = clock, over
        self._position, self._grew_at = -1, 0.0

    def run(self, task: Asking, model: TextModel) -> str | None:
        """Answer every request of the task; what went wrong, in words, or None."""
        try:
            part, request = next(task)
            while True:
                part, request = task.send(self._answer(part, request, model))
        except StopIteration as returned:
            problem: str | None = returned.value
            return problem
        finally:
            task.close()

    def _answer(self, part: str, request: Request, model: TextModel) -> Answer:
        self._position += 1
        rendered = _rendered(model, request)
        whole = self._answered_before(part, request, rendered)
        if whole is not None:
            return whole
        seed = request.seed if isinstance(request, Sample) else None
        self._write(part=part, seed=seed, rendered=rendered)
        self._grew_at = self._clock() - EVERY
        [(_, answer)] = model.answer([(part, request)], on_text=self._grew)
        if isinstance(answer, Text):
            known = {"finished": answer.finished, "num_tokens": answer.num_tokens, "thinking": answer.thinking}
            self._write(text=answer.text, sent=answer.sent, **known)
        elif isinstance(answer, Choice):
            told = {"logprobs": list(answer.logprobs), "bounded": list(answer.bounded)}
            self._write(finished=True, sent=answer.sent, **told)
        return answer

    def _answered_before(self, part: str, request: Request, rendered: str | None) -> Text | None:
        """What an earlier attempt wrote to its end: the same seed would only write it again."""
        if self._position >= len(self._before) or not isinstance(request, Sample):
            return None
        old = self._before[self._position]
        if (old.part, old.rendered, old.seed) != (part, rendered, request.seed) or old.finished is None:
            return None
        return Text(old.text or "", old.finished, old.num_tokens or 0, old.sent or "")

    def _grew(self, _key: str, text: str) -> None:
        """Commit the text so far, not too often; hear of a stop on that way."""
        if self._over():
            raise AskLost
        if self._clock() - self._grew_at >= EVERY:
            # What an earlier attempt had come to stays, until this one comes as far.
            if not self._written_before().startswith(text):
                self._write(text=text)
            else:
                self._write()
            self._grew_at = self._clock()

    def _written_before(self) -> str:
        at = self._position
        return (self._before[at].text or "") if at < len(self._before) else ""

    def _write(self, **values: object) -> None:
        with self.own() as (session, row):
            if values:
                asks.write_part(session, self._ask_id, self._position, **values)
            stopped = row.stop_requested
            if stopped:
                asks.end(row, AskState.STOPPED)
        if stopped:
            raise AskStopped

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

    def finish(self, state: AskState, error: str | None = None) -> None:
        """The ask is over."""
        with self.own() as (_, row):
            asks.end(row, state, error)


def _rendered(model: TextModel, request: Request) -> str | None:
    """Exactly what is sent; None where it cannot be rendered, which the answer then says in words."""
    try:
        return model.render(request)
    except Exception:  # a template may raise anything
        return None
