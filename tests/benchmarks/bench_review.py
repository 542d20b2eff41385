"""Choosing chains among a million steps: a filtered page, and the next chain of a queue, against half a second."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from cai_core.store.workspace import Workspace
from db.queries.chain_filter import ChainFilter, read_filter
from db.queries.chains import chain_page
from db.queries.reviews import QUEUES, Queue, next_in
from tests.benchmarks.large import RARE, ROUNDS, RUNS, filled
from tests.benchmarks.measure import Case, seconds

CHAINS = 250_000
LIMIT = 0.5
"""Seconds."""
NONE = "no such"
FILTERS: tuple[Mapping[str, str], ...] = (
    {},
    {"run": str(RUNS)},
    {"source": RARE},
    {"split": "test"},
    {"kind": "look_alike"},
    {"topic": NONE},
    {"model": "model-1"},
    {"constitution": "sandbox"},
    {"principle": "privacy"},
    {"round": "9"},
    {"gate": "refusal"},
    {"gate": "cut"},
    {"verdict": "flag"},
    {"verdict": "none"},
    {"reviewer": "Grace"},
    {"state": "failed"},
    {"text": "wifi"},
    {"text": RARE},
    {"branches": "only"},
    {"principle": "privacy", "round": "3"},
    {"principle": "privacy", "gate": "echo"},
    {"principle": "privacy", "verdict": "flag"},
    {"gate": "cut", "round": "2"},
    {"gate": "echo", "verdict": "flag"},
    {"gate": "echo", "kind": "helpful"},
    {"verdict": "none", "reviewer": "Ada"},
    {"verdict": "none", "run": str(RUNS)},
    {"verdict": "reject", "text": "wifi"},
    {"text": "wifi garden"},
)
"""Each alone, what nearly all, few and no chains pass; then pairs."""


def cases() -> Iterator[Case]:
    """Every filter's first page, then every queue from its middle on, with no filter and with a rare gate."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = filled(Path(folder), CHAINS, 0)
        steps = f"{CHAINS * ROUNDS:,} steps"
        for values in FILTERS:
            wanted = read_filter(values)
            name = f"{steps}, chains of {_said(values)}"
            yield _case(workspace, name, partial(_page, wanted))
        for kind in QUEUES:
            for gate in ("", "echo"):
                values = {"gate": gate} if gate else {}
                ask = partial(_next, read_filter(values), Queue(kind, person=1, seed=3))
                yield _case(workspace, f"{steps}, next in queue {kind} of {_said(values)}", ask)
        workspace.close()


def _said(values: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items()) or "all"


def _page(wanted: ChainFilter, session: Session) -> object:
    return chain_page(session, wanted)


def _next(wanted: ChainFilter, queue: Queue, session: Session) -> object:
    return next_in(session, wanted, queue, CHAINS // 2)


def _case(workspace: Workspace, name: str, ask: Callable[[Session], object]) -> Case:
    def ours() -> float:
        with workspace.reading() as session:
            return seconds(partial(ask, session))

    return Case(name, "s", 1, ours, LIMIT, larger_is_better=False)
