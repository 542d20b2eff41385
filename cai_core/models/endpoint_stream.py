"""Answers that arrive piece by piece: server-sent events added up to the shape of a whole reply."""

import json
from collections.abc import AsyncIterator
from typing import Any

from cai_core.models.endpoint_trouble import Hitch

_TEXTS = ("content", "reasoning_content", "reasoning")


async def events(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    """The JSON objects of a stream's data lines, up to [DONE] or the end."""
    async for line in lines:
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise Hitch("a piece of the answer is no whole JSON object") from None
        if isinstance(event, dict):
            yield event


class Gathered:
    """The reply so far. Without a finish reason it stays an answer that breaks off."""

    def __init__(self) -> None:
        self._choice: dict[str, Any] = {"index": 0, "finish_reason": None}
        self.reply: dict[str, Any] = {"choices": [self._choice]}

    def add(self, event: dict[str, Any]) -> None:
        """Add one event."""
        for name in ("id", "model", "usage"):
            if event.get(name) is not None:
                self.reply[name] = event[name]
        for choice in event.get("choices") or []:
            if not isinstance(choice, dict) or choice.get("index", 0) != 0:
                raise Hitch("the stream holds another answer than the one asked for")
            self._add_choice(choice)

    def _add_choice(self, choice: dict[str, Any]) -> None:
        if isinstance(choice.get("text"), str):
            self._choice["text"] = self._choice.get("text", "") + choice["text"]
        delta = choice.get("delta")
        if isinstance(delta, dict):
            message = self._choice.setdefault("message", {})
            for name in _TEXTS:
                if isinstance(delta.get(name), str):
                    message[name] = message.get(name, "") + delta[name]
        if choice.get("finish_reason") is not None:
            self._choice["finish_reason"] = choice["finish_reason"]
