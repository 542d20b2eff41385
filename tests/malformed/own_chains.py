"""Lines of cai-chain that say what cannot be."""

import json
from pathlib import Path
from typing import Any

from cai_core.interchange.rows.own_chains import own_chain_fields
from tests.chain_files import branch_of, full
from tests.malformed.case import Case, jsonl
from tests.malformed.conversations import rows

GOOD: dict[str, Any] = own_chain_fields(full())
BRANCH: dict[str, Any] = own_chain_fields(branch_of(full()))
ROUND: dict[str, Any] = GOOD["rounds"][0]
SCORES: dict[str, Any] = GOOD["scores"][0]
DEEP = "[" * 70 + "]" * 70


def but(key: str, **changes: Any) -> dict[str, Any]:
    """The good line with something else within one of its objects."""
    return GOOD | {key: GOOD[key] | changes}


def round_but(**changes: Any) -> dict[str, Any]:
    return GOOD | {"rounds": [ROUND | changes]}


def review_but(**changes: Any) -> dict[str, Any]:
    return GOOD | {"reviews": [GOOD["reviews"][0] | changes]}


def text(row: dict[str, Any], old: str, new: str) -> str:
    """A row as its line, with a piece of it changed."""
    line = json.dumps(row)
    assert old in line
    return line.replace(old, new, 1)


def long_line(path: Path) -> None:
    """A chain that goes on for a gigabyte of nothing, which takes no room on the disk, and one after it."""
    with path.open("wb") as file:
        file.write(jsonl(GOOD) + json.dumps(GOOD)[:-40].encode() + b"a" * 300_000)
        file.truncate(1 << 30)
    with path.open("ab") as file:
        file.write(b"\n" + jsonl(GOOD))


OWN_CHAINS = [
    rows(
        "our own chains",
        "cai-chain",
        GOOD,
        (GOOD | {"format": "cai-chain/2"}, "this version reads cai-chain/1"),
        (GOOD | {"format": 1}, "format is a number"),
        ({key: GOOD[key] for key in GOOD if key != "run"}, "it has no run"),
        ({key: GOOD[key] for key in GOOD if key != "rounds"}, "it has no rounds"),
        (json.dumps(GOOD)[:-40], "not JSON"),
        (text(GOOD, '"sample": 1', '"sample": 1, "sample": 2'), "'sample' appears twice"),
        (text(GOOD, "It helps", "\\ud800It helps"), "half of a surrogate pair"),
        (text(GOOD, "It helps", "\\u0000It helps"), "a NUL character"),
        (text(GOOD, '["red"]', DEEP), "nested deeper than 64"),
        (text(GOOD, '"seed": 99', '"seed": NaN'), "NaN is not JSON"),
        (GOOD | {"uid": "0" * 32}, "uid is '0000"),
        (GOOD | {"sample": 2}, "the chain's own is"),
        (GOOD | {"sample": -1}, "sample is -1"),
        (GOOD | {"seed": 2**63}, "it should be from 0 to 2**63 - 1"),
        (GOOD | {"seed": 1.5}, "seed is a number; it should be a whole number"),
        (GOOD | {"seed": True}, "seed is true or false"),
        (GOOD | {"state": "fine"}, "state is 'fine'"),
        (GOOD | {"response": None}, "has a response; it is null"),
        (GOOD | {"gates": ["odd"]}, "gates holds 'odd'"),
        (GOOD | {"created_at": "2026-01-31T12:00:00"}, "a time with its zone"),
        (GOOD | {"created_at": "yesterday"}, "a time with its zone"),
        (GOOD | {"created_at": "0001-01-01T00:00:00+23:00"}, "no calendar has it"),
        (but("run", uid="1"), "it should be 32 digits"),
        (but("run", uid=None), "run has no uid"),
        (but("run", colour=1), "the unknown key 'colour'"),
        (but("run", model={"base": "x"}), "has no name"),
        (but("run", constitution={"name": "x", "version": 0, "hash": "ab" * 32}), "it should be from 1"),
        (but("run", constitution={"name": "x", "version": 1, "hash": "zz"}), "it should be 64 digits"),
        (but("prompt", uid="0" * 16), "the prompt's uid is"),
        (but("prompt", turns=[{"role": "assistant", "content": "a"}]), "where the user's is due"),
        (but("prompt", turns=None), "null"),
        (but("prompt", kind="cheerful"), "'cheerful'"),
        (but("prompt", tags=[1]), "it should be a list of texts"),
        (GOOD | {"prompt": None}, "prompt is null"),
        (GOOD | {"rounds": 3}, "rounds is a number"),
        (GOOD | {"rounds": [3]}, "round 1 is a number"),
        (round_but(round=2), "numbered from 1 without a gap"),
        (round_but(principle=None), "principle of round 1 is null"),
        ({**GOOD, "rounds": [{key: ROUND[key] for key in ROUND if key != "principle"}]}, "round 1 has no principle"),
        (round_but(principle=ROUND["principle"] | {"title": "Else"}), "the principle's uid is"),
        (round_but(principle={"id": "no slug"}), "'no slug'"),
        (round_but(revision=None), "round 1 has no revision"),
        (round_but(finished="yes"), "finished of round 1 is text"),
        (round_but(edited="title"), "edited of round 1 is 'title'"),
        (round_but(mood="good"), "the unknown key 'mood'"),
        (review_but(by="Ann"), "who reviewed is 'Ann'"),
        (review_but(verdict="maybe"), "'maybe'"),
        (review_but(at=None), "review 1 has no at"),
        (GOOD | {"scores": [SCORES, SCORES]}, "two of the scores are of one run"),
        (GOOD | {"scores": [SCORES | {"rounds": SCORES["rounds"][::-1]}]}, "not in the order of their rounds"),
        (GOOD | {"scores": [{"run": SCORES["run"], "rounds": [{"round": 0, "value": "high"}]}]}, "value of score 1"),
        (GOOD | {"parent": GOOD["uid"]}, "parent and author are a branch's"),
        (BRANCH | {"parent": BRANCH["uid"]}, "whose branch is a lower one"),
        (BRANCH | {"parent": "0" * 32}, "whose branch is a lower one"),
        (BRANCH | {"uid": None, "branch": 20_000}, "at most 10,000"),
        (GOOD | {"extra": []}, "extra is a list"),
    ),
    Case("our own chains, a line of a gigabyte", long_line, usable=2, aside=((2, "a line longer than 16 MiB"),)),
    Case("our own chains of another version alone", jsonl(GOOD | {"format": "cai-chain/9"}), whole="cai-chain/9"),
    Case("our own chains, cut off", jsonl(GOOD) + json.dumps(GOOD).encode()[:200], usable=1, aside=((2, "not JSON"),)),
]
