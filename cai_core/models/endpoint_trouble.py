"""What can go wrong between a request and its answer, and what follows: try again, give up the row, end the run."""

import email.utils
import re
from collections.abc import Mapping
from random import Random
from typing import Any

from cai_core.errors import ModelError
from cai_core.types import Failure

BASE_SECONDS, MOST_SECONDS = 0.5, 30.0
"""The first wait before another try is up to the one; doubled each time, up to the other."""

_TOO_LONG = re.compile(
    r"context[ _-]?(length|window|size)|maximum (context|model|input|sequence|prompt)|max_model_len|too many tokens|"
    r"(prompt|input|request)\b.{0,40}\btoo long|exceed\w*\b.{0,40}\b(context|tokens)",
    re.IGNORECASE | re.DOTALL,
)
_FILTERED = re.compile(r"content[ _-]?(filter|policy|management)|invalid_prompt|safety|moderation", re.IGNORECASE)
_BUSY = (429, 503)
_AGAIN = (408, 409, 425, 500, 502, 504, 520, 521, 522, 523, 524, 529)


class Hitch(Exception):  # noqa: N818 - no error yet: the request is sent again
    """Something that may pass.

    `reached`: the server said something. `busy`: it asks for patience, which is not held against the request, and
    `wait` is for how many seconds. `slow`: it did not answer in time.
    """

    def __init__(
        self,
        words: str,
        *,
        reached: bool = True,
        busy: bool = False,
        slow: bool = False,
        wait: float | None = None,
    ) -> None:
        super().__init__(words)
        self.reached, self.busy, self.slow, self.wait = reached, busy, slow, wait


class Refused(Exception):  # noqa: N818 - the answer to a request, not an accident
    """The server will not answer this request however often it is asked.

    `own`: it says so of this request's text, so others may fare better.
    """

    def __init__(self, failure: Failure, words: str, *, own: bool) -> None:
        super().__init__(words)
        self.failure, self.own = failure, own


def check_status(
    status: int, headers: Mapping[str, str], said: str, *, model: str, key_env: str | None, now: float
) -> None:
    """Raise what a reply other than 200 means; `now` is the time in seconds since the epoch, for a date to wait for.

    Raises `Hitch` if another try may do, `Refused` if this request is at fault, `ModelError` if every other would be.
    """
    if status == 200:
        return
    words = f"the server answered {status}: {said}" if said else f"the server answered {status} without a word"
    if status in _BUSY or status in _AGAIN:
        wait = retry_after(headers.get("retry-after"), now)
        raise Hitch(words, busy=status in _BUSY, slow=status in (*_BUSY, 408, 504), wait=wait)
    if status in (401, 403):
        remedy = (
            f"It does not accept the key in {key_env}: set that variable to one that may use this model."
            if key_env
            else "It wants a key: put it into an environment variable, and name that variable as the endpoint's."
        )
        raise ModelError(f"{words}. {remedy}")
    if status == 404:
        raise ModelError(f"{words}. It may not serve {model!r}, or the base URL is wrong: it usually ends in /v1.")
    if status in (400, 413, 422) and (status == 413 or _TOO_LONG.search(said)):
        raise Refused(Failure.TOO_LONG, words, own=True)
    if status in (400, 422):
        raise Refused(Failure.FAILED, words, own=bool(_FILTERED.search(said)))
    raise ModelError(f"{words}. An OpenAI-compatible server answers 200. Check the base URL with `doctor --endpoint`.")


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header: a number, or a date; None where there is neither."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None


def backoff(hitches: int, wait: float | None, rng: Random) -> float:
    """Seconds before the next try: anywhere up to a limit that doubles with each hitch before this one (full jitter).

    A wait that was asked for is kept whole; the jitter comes on top, so that all who were told the same do not return
    at once.
    """
    most = min(MOST_SECONDS, BASE_SECONDS * 2 ** min(hitches, 20))
    return (wait or 0.0) + rng.uniform(0.0, BASE_SECONDS if wait else most)


def said_by(reply: Any, text: str, key: str | None, most: int = 300) -> str:
    """A server's own words in one short line, the key taken out should it repeat it."""
    words = _message(reply) or text
    if key:
        words = words.replace(key, "[the key]")
    words = " ".join(words.split())
    return words if len(words) <= most else words[:most] + "…"


def _message(reply: Any) -> str:
    """The message of an error in one of the forms that servers use."""
    found = reply.get("error", reply) if isinstance(reply, dict) else reply
    if isinstance(found, dict):
        words, code = found.get("message") or found.get("detail") or found.get("error") or "", found.get("code")
        return " ".join([words if isinstance(words, str) else repr(words), *([code] if isinstance(code, str) else [])])
    return found if isinstance(found, str) else ""
