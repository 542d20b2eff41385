"""Where the Playground's form keeps what was typed: it outlives a page switch, and other parts of the page fill it."""

import streamlit as st

MODES = {"revise": "Respond and revise", "compare": "Two responses"}
"""What can be tried: a prompt is answered, criticised and revised; or two given responses are compared."""
MODE = "playground.mode"
PROMPT, EARLIER = "playground.prompt", "playground.earlier"
"""The last turn, and those before it as (role, text)."""
A, B = "playground.a", "playground.b"
MODEL, SOURCE = "playground.model", "playground.source"
"""The source is a version, 'name@3', or the id of a draft."""
SAMPLES, TEMPERATURE, MOST_TOKENS = "playground.samples", "playground.temperature", "playground.tokens"
SEED, SHOTS = "playground.seed", "playground.few_shots"
START: dict[str, float] = {SAMPLES: 1, TEMPERATURE: 1.0, MOST_TOKENS: 256, SEED: 0, SHOTS: 2}
"""How the fields begin."""
TOKEN = "playground.token"
"""Of the next press of the button: a second press of the same one carries a token that is used up."""

Source = str | int


def principles_key(mode: str, source: Source | None) -> str:
    """Each source keeps its own choice, and each mode."""
    return f"playground.principles.{mode}.{source}"


def all_key(source: Source | None) -> str:
    """Whether a pair is tried under all principles that compare."""
    return f"playground.all.{source}"


def mode() -> str:
    """The mode that is chosen."""
    return str(st.session_state.get(MODE) or "revise")
