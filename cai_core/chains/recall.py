"""Recall: a task is answered with what an earlier one was told, wherever the very same would be sent.

The task runs as always. Each of its requests that the earlier task sent too, letter by letter and at the same step,
gets the answer that is known; the model is asked the others. Whoever knows answers sees to it that the rest is the
same as well: the model, the seed, the temperature, the most tokens.
"""

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from typing import TypeVar

from cai_core.chains.critique_revision import CUT
from cai_core.types import Answer, Chain, Choice, Request, RowState, Text

T = TypeVar("T")
Task = Generator[tuple[str, Request], Answer, T]
Known = Mapping[tuple[str, int], Text | Choice]
"""Answers by part and how many-th of that part, from 1; of a revision, after how many critiques."""
Sent = Callable[[str, Request], str]
"""The hash of what would be sent for a part, as its answer bears it."""


def recalling(task: Task[T], known: Known, sent: Sent) -> Task[tuple[T, int]]:
    """The same task, which asks only what is not known; returns its noun and how many answers were taken over."""
    asked: Counter[str] = Counter()
    recalled = 0
    try:
        part, request = next(task)
        while True:
            asked[part] += 1
            # A revision is of the round of the critique before it, though earlier ones may have been skipped.
            found = known.get((part, max(asked[part], asked["critique"])))
            if found is not None and _would_send(part, request, sent) == found.sent:
                recalled += 1
                part, request = task.send(found)
            else:
                part, request = task.send((yield part, request))
    except StopIteration as returned:
        return returned.value, recalled
    finally:
        task.close()


def _would_send(part: str, request: Request, sent: Sent) -> str | None:
    try:
        return sent(part, request)
    except Exception:  # a template may raise anything; asked, the model says of this row alone what is wrong
        return None


def answers_of_chain(chain: Chain) -> Known:
    """What a finished chain was told; of a round that was cut at the token limit nothing, as it is not said which was.

    How many tokens a text took is not kept, and a chain does not ask it.
    """
    if chain.state is not RowState.DONE or chain.response is None or chain.sent is None:
        return {}
    finished = chain.finished and chain.error != CUT
    known: dict[tuple[str, int], Text | Choice] = {("response", 1): Text(chain.response, finished, 0, chain.sent)}
    for one in chain.rounds:
        if one.finished:
            if one.revision_sent is not None:
                written = one.revision if one.written is None else one.written
                known["revision", one.number] = Text(written, True, 0, one.revision_sent)
            if one.critique is not None and one.critique_sent is not None:
                known["critique", one.number] = Text(one.critique, True, 0, one.critique_sent)
    return known
