"""A malformed file, and what should become of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Make = bytes | Callable[[Path], None]
Aside = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Case:
    """A file and its outcome."""

    name: str
    make: Make
    """Its bytes, or what writes it where it would not fit into memory."""
    whole: str = ""
    """Words of the refusal; '': the file is read."""
    usable: int = 0
    aside: Aside = ()
    """Rows set aside: number, and words of the reason."""
    format: str | None = None


def jsonl(*rows: Any) -> bytes:
    """Rows as JSON Lines; a text stands as it is."""
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()


OK = {"prompt": "Hello?"}
GOOD = json.dumps(OK)
