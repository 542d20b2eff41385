"""What texts ran into, in words."""

from db.schema_chains import GATES

WORDS = {
    "preamble": "preamble",
    "echo": "echo of the request",
    "role": "role confusion",
    "empty": "empty",
    "cut": "cut at the token limit",
    "unchanged": "unchanged",
    "refusal": "refusal",
    "repetition": "repetition",
}


def gate_words(bits: int | None) -> list[str]:
    """The gates in a column's bits."""
    return [WORDS[name] for number, name in enumerate(GATES) if (bits or 0) & 1 << number]


def gate_chips(bits: int | None, of: str = "") -> list[tuple[str, str]]:
    """Tinted labels of the gates that `of` ran into."""
    return [(f"{of}: {word}" if of else word, "orange") for word in gate_words(bits)]
