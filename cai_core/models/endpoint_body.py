"""From a request to exactly what a server is sent: a path and a JSON body."""

import json
from dataclasses import dataclass
from typing import Any

from cai_core.errors import ModelError
from cai_core.models.base import sent_hash
from cai_core.models.plain_form import HUMAN, plain_text
from cai_core.types import Choose, Conversation, Endpoint, Request, Role, Sample

CHAT, COMPLETIONS = "chat/completions", "completions"
_SEEDS = 2**31
"""Some servers take only 32 bits of a seed."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it goes over the wire."""

    path: str
    body: dict[str, Any]
    request: Request
    pieces: tuple[str, ...] = ()
    """For a choice: how each option goes on where they begin to differ."""
    stops: tuple[str, ...] = ()
    """Strings that end an answer."""
    opens: bool = False
    """The answer follows 'Assistant:', so the space it begins with belongs to the form."""

    @property
    def text(self) -> str:
        """The body as it is sent; the key is no part of it."""
        return json.dumps(self.body, sort_keys=True, ensure_ascii=False)

    @property
    def sent(self) -> str:
        """16 hex digits of SHA-256 over the body, and over the options of a choice."""
        return sent_hash(self.text, self.request)


def call_for(endpoint: Endpoint, request: Request) -> Call:
    """What is sent for a request. Raises `ModelError` where the server has been seen not to serve such a one."""
    lead, pieces = split_options(request.options) if isinstance(request, Choose) else ("", ())
    context = request.context
    if not isinstance(context, str) and _chats(endpoint, context, lead):
        return _chat_call(endpoint, request, context, lead, pieces)
    return _plain_call(endpoint, request, lead, pieces)


def _settings(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    if isinstance(request, Choose):
        return {"max_tokens": 1, "temperature": 1.0}
    settings: dict[str, Any] = {
        "max_tokens": request.max_new_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
    }
    if request.top_k:
        settings["top_k"] = request.top_k
    if endpoint.seeds:
        settings["seed"] = request.seed % _SEEDS
    return settings


def split_options(options: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """What the options have in common in front, and how each goes on: ' (A)', ' (B)' are ' (' with 'A)' or 'B)'.

    Asked for behind ' (', the first token tells them apart, whether or not a tokenizer merges ' (A'. White space at
    the seam stays with the options, for few tokenizers put it at the end of a token.
    """
    lead = _in_common(options).rstrip()
    pieces = tuple(option[len(lead) :].strip() for option in options)
    if len({piece[:1] for piece in pieces}) < len(pieces) or not all(pieces):
        raise ModelError(
            f"the options {options} cannot be told apart by the first token in which they differ, which is what a "
            "server lists. Give options that differ, none of which begins another."
        )
    return lead, pieces


def _in_common(texts: tuple[str, ...]) -> str:
    """What all begin with."""
    first, last = min(texts), max(texts)
    return first[: next((i for i, (x, y) in enumerate(zip(first, last, strict=False)) if x != y), len(first))]


def _chat_call(endpoint: Endpoint, request: Request, context: Conversation, lead: str, pieces: tuple[str, ...]) -> Call:
    stops = request.stop if isinstance(request, Sample) else ()
    listed = {"logprobs": True, "top_logprobs": endpoint.top_logprobs} if pieces else {}
    body = {"model": endpoint.model, **_settings(endpoint, request), **_messages(context, lead), **listed}
    return Call(CHAT, body | ({"stop": list(stops)} if stops else {}), request, pieces, stops)


def _plain_call(endpoint: Endpoint, request: Request, lead: str, pieces: tuple[str, ...]) -> Call:
    _check_completes(endpoint)
    context, stops = request.context, request.stop if isinstance(request, Sample) else ()
    if isinstance(context, str):
        prompt, opens = context, False
    else:
        prompt, opens = plain_text(context), not context or context[-1].role is not Role.ASSISTANT
        stops = (*stops, HUMAN)
    body = {"model": endpoint.model, **_settings(endpoint, request), "prompt": prompt + lead}
    more = {"logprobs": endpoint.top_logprobs} if pieces else {"stop": list(stops)} if stops else {}
    return Call(COMPLETIONS, body | more, request, pieces, stops, opens)


def _chats(endpoint: Endpoint, context: Conversation, lead: str) -> bool:
    """Whether the chat API takes this; an answer begun where the chat does not go on from one goes as plain text."""
    if endpoint.api != "chat":
        return False
    begun = bool(lead) or (bool(context) and context[-1].role is Role.ASSISTANT)
    return not (begun and endpoint.goes_on is False)


def _messages(context: Conversation, lead: str) -> dict[str, Any]:
    """Messages; an answer that is begun is left open, in vLLM's words."""
    messages = [{"role": str(turn.role), "content": turn.content} for turn in context]
    if context and context[-1].role is Role.ASSISTANT:
        messages[-1]["content"] += lead
    elif lead:
        messages.append({"role": str(Role.ASSISTANT), "content": lead.lstrip()})
    else:
        return {"messages": messages}
    return {"messages": messages, "add_generation_prompt": False, "continue_final_message": True}


def _check_completes(endpoint: Endpoint) -> None:
    if endpoint.api == "chat" and endpoint.completions is False:
        raise ModelError(
            f"the server of {endpoint.model!r} does not go on from an answer that is begun, and completes no plain "
            "text either, so it can give no labels. Serve the model with vLLM, or label with a local model."
        )
