"""What a probe's facts mean: which stages a server can serve, how it is asked, what to know before choosing it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cai_core.types import Endpoint

WRITES = ("response", "critique", "revision", "ask")
CHOOSES = ("feedback", "judge")
_WAY_OUT = "Serve the model with vLLM (`vllm serve MODEL`), or label with a local model."


def with_facts(endpoint: Endpoint, facts: Mapping[str, Any]) -> Endpoint:
    """An endpoint as a probe found it; what is not in the facts stays unknown."""
    return replace(
        endpoint,
        goes_on=facts.get("goes_on"),
        completions=facts.get("completions"),
        seeds=facts.get("seeds") != "refused",
        top_logprobs=facts.get("top_logprobs") or endpoint.top_logprobs,
        context_length=facts.get("context_length"),
    )


def stages(facts: Mapping[str, Any]) -> dict[str, bool]:
    """Which parts it can take: a server that answers can write, one that lists log-probabilities can choose."""
    return {**dict.fromkeys(WRITES, True), **dict.fromkeys(CHOOSES, bool(facts["top_logprobs"]))}


def remarks(facts: Mapping[str, Any], why: str) -> list[str]:
    """What a user should know, in sentences; `why` says why there are no log-probabilities, where there are none."""
    found = []
    if not facts["top_logprobs"]:
        way_out = "" if "vLLM" in why else f" {_WAY_OUT}"
        found.append(f"It cannot label or judge: {why.removesuffix('.')}.{way_out}")
    elif facts["api"] == "chat" and not facts["goes_on"]:
        found.append("Its chat does not go on from a begun answer, so labels are asked for as plain text.")
    if facts["thinks"]:
        found.append("It thinks before it answers: that is kept apart, and max_new_tokens must leave room for it.")
    if facts["seeds"] != "repeat":
        words = {"refused": "takes no seeds", "ignored": "does not repeat a text for its seed"}
        said = words.get(facts["seeds"], "gives one text for every seed, so what seeds do cannot be seen")
        found.append(f"It {said}: a resumed run keeps what it has, and a repeated one may differ.")
    if facts["stop"] is False:
        found.append("It takes no stop strings: texts are cut here, and longer ones paid for.")
    return found
