"""What a server can do, found out by asking it: a dozen small requests, and what follows for the stages."""

import asyncio
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

from cai_core.errors import ModelError
from cai_core.models.endpoint_body import CHAT, COMPLETIONS, Call, call_for
from cai_core.models.endpoint_facts import remarks, stages
from cai_core.models.endpoint_read import count_of, read_choice, read_text
from cai_core.models.endpoint_trouble import Hitch, Refused, backoff
from cai_core.models.endpoint_use import estimate_tokens
from cai_core.models.endpoint_wire import Wire, read_key
from cai_core.types import Choose, Endpoint, ModelRef, Request, Sample, Text, assistant, user

ASKED = (user("Say a few words about the sea."),)
BEGUN = (user("Which is larger, (A) a mouse or (B) a whale?"), assistant("The answer is:"))
OPTIONS = (" (A)", " (B)")
LISTED = (20, 10, 5)
"""How many log-probabilities are asked for: as many as the server gives."""
TRIES = 3
"""How often each thing is asked, where the server is busy or breaks off."""
START = "Start the server, or mend the base URL: it usually ends in /v1."
MOST_WAIT = 20.0
"""Seconds that it may ask to wait."""


def probe(ref: ModelRef) -> dict[str, Any]:
    """Facts about a server, JSON-ready. Raises `ModelError` if it cannot be reached or answers nothing.

    An empty model name takes the only model that the server lists.
    """
    if ref.endpoint is None:
        raise ValueError(f"{ref.base!r} is no endpoint")
    with asyncio.Runner() as runner:
        return runner.run(_probe(ref, read_key(ref.endpoint.key_env)))


async def _probe(ref: ModelRef, key: str | None) -> dict[str, Any]:
    assert ref.endpoint is not None
    wire = Wire(ref, key)
    try:
        listed = await _listed(wire)
        endpoint = replace(ref.endpoint, model=_model(ref, listed))
        asking = _Asking(endpoint, wire)
        return await asking.facts(listed)
    except (Hitch, Refused) as error:
        raise ModelError(f"{error}. The server answered before; probe it again.") from None
    finally:
        await wire.close()


async def _listed(wire: Wire) -> list[dict[str, Any]] | None:
    """The models that the server lists; None where it lists none, as some servers do not."""
    try:
        reply = await wire.get("models")
    except Refused:
        return None
    except Hitch as hitch:
        if hitch.reached:
            return None
        raise ModelError(f"{hitch}. {START}") from None
    data = reply.get("data")
    return [one for one in data if isinstance(one, dict) and isinstance(one.get("id"), str)] if data else None


def _model(ref: ModelRef, listed: list[dict[str, Any]] | None) -> str:
    """The model to ask for: the one named, or the only one there is."""
    assert ref.endpoint is not None
    names = [one["id"] for one in listed or []]
    if ref.endpoint.model:
        return ref.endpoint.model
    if len(names) == 1:
        return str(names[0])
    known = f"It lists {', '.join(names[:20])}." if names else "It lists none."
    raise ModelError(f"no model is named for {ref.base}. {known} Name one with --model.")


class _Asking:
    """The requests of a probe, each with settings of its own."""

    def __init__(self, endpoint: Endpoint, wire: Wire) -> None:
        self._endpoint, self._wire = endpoint, wire

    async def facts(self, listed: list[dict[str, Any]] | None) -> dict[str, Any]:
        """All that is asked; the first answer must come, for without it there is nothing to say."""
        self._endpoint, seeds_taken = await self._first()
        facts: dict[str, Any] = {"model": self._endpoint.model, "api": self._endpoint.api}
        facts["context_length"] = next(
            (one.get("max_model_len") for one in listed or [] if one["id"] == self._endpoint.model), None
        )
        facts["seeds"] = await self._seeds() if seeds_taken else "refused"
        facts["stop"] = await self._stop()
        facts["n"] = await self._n()
        facts["goes_on"] = await self._goes_on() if self._endpoint.api == "chat" else None
        facts["completions"] = await self._takes(call_for(replace(self._endpoint, api="completions"), _sample()))
        found = replace(self._endpoint, goes_on=facts["goes_on"], completions=facts["completions"])
        facts["top_logprobs"], why = await self._logprobs(found)
        facts["prompt_logprobs"] = bool(facts["completions"]) and await self._prompt_logprobs()
        facts["thinks"] = (await self._text(_sample())).thinking is not None
        return {**facts, "stages": stages(facts), "remarks": remarks(facts, why)}

    async def _post(self, call: Call) -> Any:
        """Send a call, and again if it comes to nothing."""
        for tries in range(TRIES):
            try:
                return await self._wire.post(call)
            except Hitch as hitch:
                if (hitch.slow and not hitch.busy) or tries == TRIES - 1 or (hitch.wait or 0.0) > MOST_WAIT:
                    raise
                await asyncio.sleep(backoff(tries, hitch.wait, Random()))
        raise AssertionError("unreachable")

    async def _first(self) -> tuple[Endpoint, bool]:
        """The endpoint as it answers at all, and whether it takes a seed."""
        for seeds in (True, False):
            endpoint = replace(self._endpoint, seeds=seeds)
            try:
                await self._post(call_for(endpoint, _sample()))
            except Refused as refused:
                if not seeds:
                    raise ModelError(f"{refused}. It answers nothing that is asked in this form.") from None
            except Hitch as hitch:
                raise ModelError(f"{hitch}. {START}") from None
            else:
                return endpoint, seeds
        raise AssertionError("unreachable")

    async def _text(self, sample: Sample) -> Text:
        call = call_for(self._endpoint, sample)
        return read_text(call, await self._post(call), estimate_tokens)

    async def _takes(self, call: Call) -> bool:
        """Whether a call is answered in full."""
        try:
            read_text(call, await self._post(call), estimate_tokens)
        except (Hitch, Refused, ModelError):
            return False
        return True

    async def _reply(self, request: Request, **more: Any) -> dict[str, Any]:
        """A reply to a request with further fields; empty where it is refused."""
        call = call_for(self._endpoint, request)
        try:
            reply = await self._post(replace(call, body={**call.body, **more}))
        except (Hitch, Refused, ModelError):
            return {}
        return dict(reply)

    async def _seeds(self) -> str:
        """Whether the same seed gives the same text; where every seed does, nothing can be said."""
        texts = [(await self._text(_sample(seed))).text for seed in (1, 1, 2)]
        if texts[0] != texts[1]:
            return "ignored"
        return "repeat" if texts[0] != texts[2] else "unknown"

    async def _stop(self) -> bool | None:
        """Whether an answer ends before a stop string, here the commonest letter of what it would have been."""
        plain = await self._text(_sample(temperature=0.0))
        letters = Counter(letter for letter in plain.text if letter.isalpha())
        if not letters:
            return None
        stop = letters.most_common(1)[0][0]
        reply = await self._reply(_sample(temperature=0.0), stop=[stop])
        text = _raw((reply.get("choices") or [{}])[0])
        # Some leave the stop string itself standing.
        return isinstance(text, str) and (stop not in text or len(text) < len(plain.text))

    async def _n(self) -> bool:
        reply = await self._reply(_sample(), n=2)
        return len(reply.get("choices") or []) == 2

    async def _goes_on(self) -> bool:
        """Whether a begun answer is left open: the prompt is then shorter by what closes one turn and opens another."""
        sample = Sample(BEGUN, 0, 1)
        begun = call_for(replace(self._endpoint, goes_on=True), sample)
        body = {name: value for name, value in begun.body.items() if name in ("model", "max_tokens", "messages")}
        try:
            left_open = count_of(await self._post(begun), "prompt_tokens")
            closed = count_of(await self._post(Call(CHAT, body, sample)), "prompt_tokens")
        except (Hitch, Refused, ModelError):
            return False
        return left_open is not None and closed is not None and left_open < closed

    async def _logprobs(self, endpoint: Endpoint) -> tuple[int, str]:
        """How many log-probabilities it lists at once, 0 for none, and then why."""
        why = ""
        for count in LISTED:
            try:
                call = call_for(replace(endpoint, top_logprobs=count), Choose(BEGUN, OPTIONS))
                read_choice(call, await self._post(call))
            except (Hitch, Refused, ModelError) as error:
                why = str(error)
            else:
                return count, ""
        return 0, why

    async def _prompt_logprobs(self) -> bool:
        """Whether it gives the prompt's own log-probabilities, in vLLM's way."""
        body = {"model": self._endpoint.model, "prompt": "The sea", "max_tokens": 1, "prompt_logprobs": 1}
        try:
            reply = await self._post(Call(COMPLETIONS, body, _sample()))
        except (Hitch, Refused, ModelError):
            return False
        choices = reply.get("choices") or [{}]
        return choices[0].get("prompt_logprobs") is not None


def _sample(seed: int = 0, temperature: float = 1.0) -> Sample:
    return Sample(ASKED, seed, 24, temperature)


def _raw(choice: dict[str, Any]) -> Any:
    return choice.get("text") or (choice.get("message") or {}).get("content")
