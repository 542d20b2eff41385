"""From a server's reply to an answer; what is not a whole answer is asked for again, never guessed at."""

import math
from collections.abc import Callable
from typing import Any

from cai_core.errors import ModelError
from cai_core.models.endpoint_body import CHAT, Call
from cai_core.models.endpoint_trouble import Hitch, Refused
from cai_core.models.plain_form import cut_at
from cai_core.types import Choice, Failure, Text

_SPACE = " \t\r\n▁Ġ"
"""White space, and how tokenizers spell it."""


def read_text(call: Call, reply: Any, estimate: Callable[[str], int]) -> Text:
    """The answer to a `Sample`; `estimate` counts its tokens where the server does not."""
    choice = only_choice(reply)
    reason = choice.get("finish_reason")
    if reason == "content_filter":
        raise Refused(Failure.FAILED, "the server's content filter held the answer back", own=True)
    if reason not in ("stop", "length", "eos", "stop_sequence"):
        raise Hitch(f"the answer breaks off (finish_reason {reason!r})")
    said, thinking = _said(call, choice)
    text = cut_at(said, call.stops)
    counted = count_of(reply, "completion_tokens")
    finished = reason != "length" or len(text) < len(said)
    num_tokens = estimate(text) if counted is None else counted
    return Text(text.lstrip() if call.opens else text, finished, num_tokens, call.sent, thinking)


def text_so_far(call: Call, reply: Any) -> str:
    """The answer as far as it has come, without the thinking; empty where there is none yet."""
    try:
        said, _ = _said(call, only_choice(reply))
    except Hitch:
        return ""
    if "<think>".startswith(said.strip()):
        return ""  # perhaps the beginning of thinking
    text = cut_at(said, call.stops)
    return text.lstrip() if call.opens else text


def only_choice(reply: Any) -> dict[str, Any]:
    """The one choice asked for; `Hitch` if there is none, or another."""
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Hitch("the reply holds no answer")
    if len(choices) > 1 or choices[0].get("index", 0) != 0:
        raise Hitch("the reply holds another answer than the one asked for")
    return choices[0]


def count_of(reply: Any, name: str) -> int | None:
    """A count of tokens in the reply's usage; None where it does not say."""
    usage = reply.get("usage") if isinstance(reply, dict) else None
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and count >= 0 else None


def _said(call: Call, choice: dict[str, Any]) -> tuple[str, str | None]:
    """The answer, and what was thought before it."""
    if call.path != CHAT:
        text, field = choice.get("text"), None
    else:
        message = choice.get("message")
        message = message if isinstance(message, dict) else {}
        text = message.get("content")
        field = message.get("reasoning_content") or message.get("reasoning")
        if text is None and isinstance(field, str):
            text = ""  # all its tokens went into thinking
    if not isinstance(text, str):
        raise Hitch("the reply holds no text")
    text, thinking = split_thinking(text)
    parts = [part for part in (field, thinking) if isinstance(part, str)]
    return text, "\n".join(parts) if parts else None


def split_thinking(text: str) -> tuple[str, str | None]:
    """The answer and the thinking before it: in <think> tags at the start, of which a template may send the first."""
    start = text.lstrip()
    begun = start.startswith("<think>")
    inside = start.removeprefix("<think>") if begun else text
    thinking, closed, answer = inside.partition("</think>")
    if closed and "<think>" not in thinking:
        return answer.lstrip("\n"), thinking.strip()
    return ("", inside.strip()) if begun else (text, None)


def read_choice(call: Call, reply: Any) -> Choice:
    """The answer to a `Choose`: each option's log-probability, or a bound where the server did not list it."""
    listed = _listed(call, only_choice(reply))
    if not listed:
        return Choice((0.0,) * len(call.pieces), call.sent, (True,) * len(call.pieces))
    least = min(logprob for _, logprob in listed)
    found = [[logprob for token, logprob in listed if spells(token, piece)] for piece in call.pieces]
    logprobs = tuple(min(0.0, _log_sum(own)) if own else least for own in found)
    bounded = tuple(not own for own in found)
    return Choice(logprobs, call.sent, bounded if any(bounded) else ())


def spells(token: str, piece: str) -> bool:
    """Whether a token is how `piece` begins: 'A', ' A' or 'A)' for 'A)'; not 'An'."""
    token = token.strip(_SPACE)
    return bool(token) and (piece.startswith(token) or token.startswith(piece))


def _log_sum(logs: list[float]) -> float:
    most = max(logs)
    return most + math.log(sum(math.exp(x - most) for x in logs))


def _listed(call: Call, choice: dict[str, Any]) -> list[tuple[str, float]]:
    """(token, log-probability) of the likeliest first tokens; empty if the answer ended before one."""
    found = choice.get("logprobs")
    if not isinstance(found, dict):
        raise ModelError(
            f"the server of {call.body['model']!r} gives no log-probabilities: it answers 200 with logprobs "
            f"{found!r}, as `transformers serve` does. Labels need them: serve the model with vLLM, or label with a "
            "local model."
        )
    if call.path == CHAT:
        first = found.get("content") or []
        entries = first[0].get("top_logprobs") if first and isinstance(first[0], dict) else []
        pairs = [(e.get("token"), e.get("logprob")) for e in entries or [] if isinstance(e, dict)]
    else:
        tops = found.get("top_logprobs") or []
        pairs = list(tops[0].items()) if tops and isinstance(tops[0], dict) else []
    return [_checked(token, logprob) for token, logprob in pairs]


def _checked(token: Any, logprob: Any) -> tuple[str, float]:
    if not isinstance(token, str) or not isinstance(logprob, int | float) or not logprob <= 1e-3:
        raise Hitch(f"the reply lists {token!r} with log-probability {logprob!r}")
    return token, float(logprob)
