"""A workspace with more constitutions and versions than a group will ever write."""

import random
from dataclasses import replace
from pathlib import Path

from cai_core.store.constitutions import save_version
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import Constitution, Principle, PrincipleKind

CONSTITUTIONS, PRINCIPLES, VERSIONS = 200, 60, 500
EDITED = "group-000"
"""The constitution that has all the versions; the others have one each."""
_SAID = (
    "reply person consent harm privacy lawful honest careful advice instead reason child danger insult rumour money "
    "medicine secret neighbour stranger respect kindness detail useful plain sermon excuse"
)
_WORDS = _SAID.split()


def written(folder: Path) -> Workspace:
    """`CONSTITUTIONS` of `PRINCIPLES` each; `EDITED` in `VERSIONS` versions, one principle changed in each."""
    workspace = open_workspace(folder)
    rng = random.Random(0)
    with workspace.writing() as session:
        for number in range(CONSTITUTIONS):
            made = _constitution(f"group-{number:03d}", rng)
            save_version(session, made, author="Ada", message="Written down.")
            if made.name == EDITED:
                for version in range(2, VERSIONS + 1):
                    made = _edited(made, version, rng)
                    save_version(session, made, author=rng.choice(("Ada", "Grace")), message=f"Edit {version}.")
    return workspace


def _constitution(name: str, rng: random.Random) -> Constitution:
    return Constitution(name, _text(rng, 20), tuple(_principle(name, n, rng) for n in range(PRINCIPLES)))


def _principle(name: str, number: int, rng: random.Random) -> Principle:
    kind = PrincipleKind.HELPFULNESS if number % 10 == 9 else PrincipleKind.HARMLESSNESS
    asks = (f"Does the reply {_text(rng, 18)}?", f"Write the reply anew so that it {_text(rng, 16)}.")
    compares = f"Choose the reply that {_text(rng, 14)}."
    tags = (rng.choice(_WORDS),)
    return Principle(f"{name}-{number:02d}", _text(rng, 3).capitalize(), kind, *asks, compares, tags)


def _edited(made: Constitution, version: int, rng: random.Random) -> Constitution:
    place = rng.randrange(PRINCIPLES)
    changed = replace(made.principles[place], comparison=f"Choose the reply that {_text(rng, 14)}, version {version}.")
    return replace(made, principles=(*made.principles[:place], changed, *made.principles[place + 1 :]))


def _text(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(_WORDS, k=words))
