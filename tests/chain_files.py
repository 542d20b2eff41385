"""Chains as `cai-chain` holds them, for tests: one with everything in it, and strategies for any."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from cai_core.interchange.rows import (
    About,
    ReadRecord,
    ToldModel,
    ToldReview,
    ToldRun,
    ToldScore,
    ToldScores,
    ToldVersion,
)
from cai_core.interchange.rows.own_chains import own_chain_fields
from cai_core.types import (
    Chain,
    Conversation,
    Edit,
    Gate,
    Principle,
    PrincipleKind,
    Prompt,
    PromptKind,
    Round,
    RowState,
    Split,
    Verdict,
    assistant,
    input_hash,
    prompt_uid,
    user,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
RUN = ToldRun(
    "c" * 31 + "1",
    None,
    7,
    "abc123",
    "why",
    {"constitution": "mine@3", "model": "small", "rounds": 2},
    ToldModel("small", "folder", "adapters/run-1"),
    ToldVersion("mine", 3, "ab" * 32),
)
JUDGED = ToldRun("c" * 31 + "2", None, 7, "abc123", "", {"judge": "gold"})
KIND = Principle("kind", "Be kind", critique_request="What is unkind?", revision_request="Make it kind.", tags=("a",))


def prompt_of(turns: Conversation, **changes: Any) -> Prompt:
    """A prompt of these turns."""
    values = {"kind": PromptKind.RED_TEAM, "split": Split.DEV, "source": "theirs", **changes}
    return Prompt(prompt_uid(turns), turns, **values)


def record_of(chain: Chain, number: int = 1, **changes: Any) -> ReadRecord:
    """A chain as a record of `RUN`."""
    prompt = chain.prompt
    about = About(prompt.kind, prompt.split, prompt.topic, prompt.tags, prompt.extra)
    values = {"created_at": NOON, "gates": (None,) * (1 + 2 * len(chain.rounds)), "about": about, **changes}
    return ReadRecord(number, values.pop("run", RUN), chain, **values)


def full(**changes: Any) -> ReadRecord:
    """A chain with something in every place."""
    prompt = prompt_of(
        (user("Hi"), assistant("Yes?"), user("How do I do harm?")), topic="harm", tags=("x",), extra={"n": 1}
    )
    rounds = (
        Round(1, KIND, "It helps to harm.", "I would rather not.", "s1", "s2", written="Sure: I would rather not."),
        Round(2, KIND, "Nothing.", "I would rather not.", "s3", None, skipped=True),
    )
    chain = Chain(prompt, 1, 99, "Like this: …", rounds, RowState.DONE, 3, "s0")
    gates = (Gate(0), Gate(0), Gate.PREAMBLE | Gate.REFUSAL, Gate(0), Gate.UNCHANGED)
    reviews = (
        ToldReview("a" * 16, "Ann", Verdict.FLAG, "hm", NOON),
        ToldReview("b" * 16, "Ann", Verdict.ACCEPT, "", NOON + timedelta(minutes=1)),
        ToldReview("a" * 16, "Ann B.", Verdict.REJECT, "no", NOON + timedelta(minutes=2)),
    )
    scored = tuple(ToldScore(n, RowState.DONE, n / 2, "complies", KIND if n else None, None) for n in range(2))
    more = {"recalled": 1, "reviews": reviews, "scores": (ToldScores(JUDGED, scored),), "extra": {"colour": ["red"]}}
    return record_of(chain, gates=gates, **{**more, **changes})


def branch_of(record: ReadRecord, number: int = 1, **changes: Any) -> ReadRecord:
    """A branch that leaves a chain at its first round."""
    first = replace(record.chain.rounds[0], revision="By hand.", edited=Edit.REVISION, revision_sent=None)
    chain = replace(record.chain, branch=number, author="Ann", rounds=(first,))
    return record_of(chain, parent=record.uid, **changes)


def with_inputs(record: ReadRecord) -> ReadRecord:
    """The record with an exact input, made up, behind every hash of one."""
    chain = record.chain
    rounds = tuple(
        replace(
            one,
            critique_sent=one.critique_sent and input_hash(f"asks of {one.critique_sent} …"),
            revision_sent=one.revision_sent and input_hash(f"asks of {one.revision_sent} …"),
        )
        for one in chain.rounds
    )
    hashes = [chain.sent, *(sent for one in chain.rounds for sent in (one.critique_sent, one.revision_sent))]
    inputs = {position: f"asks of {sent} …" for position, sent in enumerate(hashes) if sent}
    sent = chain.sent and input_hash(f"asks of {chain.sent} …")
    return replace(record, chain=replace(chain, sent=sent, rounds=rounds), inputs=inputs)


def as_lines(records: Iterable[ReadRecord]) -> bytes:
    """A file of these records, as an export writes it but for its order."""
    return "".join(json.dumps(own_chain_fields(one), ensure_ascii=False) + "\n" for one in records).encode()


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
words = text.filter(str.strip)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=4,
)
frees = st.dictionaries(text.map(lambda one: f"own {one}"), plain, max_size=2)
maybe = st.none() | text
wholes = st.integers(0, 2**63 - 1)
gates = st.none() | st.integers(0, 255).map(Gate)
times = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))
principles = st.builds(
    Principle,
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True),
    text,
    st.sampled_from(PrincipleKind),
    maybe,
    maybe,
    maybe,
    st.lists(text, max_size=2).map(tuple),
)
conversations = st.builds(
    lambda before, last: (*(turn for one, two in before for turn in (user(one), assistant(two))), user(last)),
    st.lists(st.tuples(words, words), max_size=1),
    words,
)
prompts = st.builds(
    lambda turns, kind, split, topic, tags, extra: prompt_of(
        turns, kind=kind, split=split, topic=topic, tags=tuple(tags), extra=extra
    ),
    conversations,
    st.sampled_from(PromptKind),
    st.sampled_from(Split),
    maybe,
    st.lists(text, max_size=2),
    frees,
)
rounds = st.builds(
    lambda principle, critique, revision, sent, finished, skipped, written, edited: Round(
        1, principle, critique, revision, *sent, finished, skipped=skipped, written=written, edited=edited
    ),
    principles,
    maybe,
    text,
    st.tuples(maybe, maybe),
    st.booleans(),
    st.booleans(),
    maybe,
    st.none() | st.sampled_from(Edit),
)
hexes = st.text("0123456789abcdef", min_size=16, max_size=16)
runs = st.builds(
    ToldRun,
    hexes.map(lambda one: one * 2),
    maybe,
    wholes,
    text,
    text,
    frees,
    st.none() | st.builds(ToldModel, text, maybe, maybe, maybe),
    st.none() | st.builds(ToldVersion, text, st.integers(1, 99), hexes.map(lambda one: one * 4)),
)
reviews = st.builds(ToldReview, hexes, text, st.sampled_from(Verdict), text, times)
scores = st.builds(
    lambda state, value, verdict, principle, error: ToldScore(0, state, value, verdict, principle, error),
    st.sampled_from(RowState),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    maybe,
    st.none() | principles,
    maybe,
)


@st.composite
def records(draw: st.DrawFn) -> ReadRecord:
    """Any chain, with anything that may be known of it."""
    made = tuple(replace(one, number=n) for n, one in enumerate(draw(st.lists(rounds, max_size=2)), start=1))
    state = draw(st.sampled_from(RowState))
    said = text if made or state is RowState.DONE else maybe
    few, sent, error = draw(st.none() | wholes), draw(maybe), draw(maybe)
    chain = Chain(draw(prompts), draw(st.integers(0, 3)), draw(wholes), draw(said), made, state, few, sent, error)
    numbered = tuple(replace(one, round=n) for n, one in enumerate(draw(st.lists(scores, max_size=2))))
    maker, judge = (replace(draw(runs), uid=mark + draw(hexes) * 2) for mark in ("a", "b"))
    judged = [ToldScores(replace(judge, uid=judge.uid[:32]), numbered)]
    found = record_of(
        chain,
        run=replace(maker, uid=maker.uid[:32]),
        gates=tuple(draw(gates) for _ in range(1 + 2 * len(made))),
        recalled=draw(st.integers(0, 9)),
        created_at=draw(times),
        reviews=tuple(sorted(draw(st.lists(reviews, max_size=3)), key=lambda one: (one.at, one.by))),
        scores=tuple(one for one in judged if one.rounds),
        extra=draw(frees),
    )
    return with_inputs(found) if draw(st.booleans()) else found
