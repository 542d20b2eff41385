"""Our own chains, `cai-chain`: a JSON object a line, with all that a workspace knows of a chain (docs/cai-chain.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from cai_core.constitution.schema import SLUG
from cai_core.interchange.rows.nouns import (
    About,
    ReadRecord,
    Row,
    RowError,
    ToldModel,
    ToldReview,
    ToldRun,
    ToldScore,
    ToldScores,
    ToldVersion,
)
from cai_core.interchange.rows.taking import Taken
from cai_core.interchange.rows.turns import checked, messages
from cai_core.interchange.rows.values import shown
from cai_core.types import (
    Chain,
    Edit,
    Gate,
    Principle,
    PrincipleKind,
    Prompt,
    PromptKind,
    Role,
    Round,
    RowState,
    Split,
    Verdict,
    input_hash,
    prompt_uid,
)

FORMAT = "cai-chain/1"
COLUMNS = (
    *("format", "uid", "run", "prompt", "sample", "branch", "parent", "author", "seed", "few_shot", "state", "error"),
    *("recalled", "created_at", "sent", "input", "response", "gates", "rounds", "scores", "reviews", "extra"),
)
"""The keys of a line, in order."""
_GATES = {gate.name.lower(): gate for gate in Gate if gate.name}
_HEX = frozenset("0123456789abcdef")


def is_own_chain(fields: Mapping[str, Any]) -> bool:
    """Whether a row says that it is one of ours, of whatever version."""
    return isinstance(fields["format"], str) and fields["format"].startswith("cai-chain/")


def own_chain(row: Row) -> ReadRecord:
    """A line of `cai-chain`; `RowError` where a part is missing, unknown, or has a uid that is not its own."""
    taken = Taken(row.fields, "the row")
    if (version := taken.text("format")) != FORMAT:
        raise RowError(f"format is {shown(version)}; this version reads {FORMAT}")
    told = (taken.maybe_text("uid"), taken.maybe_text("parent"))
    run, (prompt, notes) = run_of(taken.inner("run")), _prompt(taken.inner("prompt"))
    says_gates = "gates" in taken
    gates: list[Gate | None] = [_gates(taken, "gates")]
    inputs: dict[int, str] = {}
    sent = _sent(taken, "sent", "input", 0, inputs)
    listed = enumerate(taken.listed("rounds"), start=1)
    rounds = tuple(_round(one, number, gates, inputs) for number, one in listed)
    chain = Chain(
        prompt=prompt,
        sample=taken.whole("sample", 0),
        seed=taken.whole("seed", 0),
        response=taken.maybe_text("response"),
        rounds=rounds,
        state=taken.choice(RowState, "state", RowState.DONE),
        few_shot=taken.maybe_whole("few_shot"),
        sent=sent,
        error=taken.maybe_text("error"),
        branch=taken.whole("branch", 0),
        author=taken.maybe_text("author"),
    )
    record = ReadRecord(
        row.number,
        run,
        chain,
        told[1],
        tuple(gates) if says_gates else None,
        taken.whole("recalled", 0),
        taken.time("created_at") if "created_at" in taken else None,
        tuple(_review(Taken(one, f"review {n}")) for n, one in enumerate(taken.listed("reviews"), start=1)),
        tuple(_scores(Taken(one, f"scores {n}")) for n, one in enumerate(taken.listed("scores"), start=1)),
        taken.free("extra") | taken.rest(),
        About(prompt.kind, prompt.split, prompt.topic, prompt.tags, prompt.extra, notes),
        inputs,
    )
    _check(record, told[0])
    return record


def own_chain_fields(record: ReadRecord) -> dict[str, Any]:
    """The line of a chain, its keys in the order of the format, those of free objects by name."""
    chain = record.chain
    gates = record.gates or (None,) * (1 + 2 * len(chain.rounds))
    values = (
        FORMAT,
        record.uid,
        run_fields(record.run),
        _prompt_fields(chain.prompt),
        chain.sample,
        chain.branch,
        record.parent,
        chain.author,
        chain.seed,
        chain.few_shot,
        chain.state.value,
        chain.error,
        record.recalled,
        None if record.created_at is None else record.created_at.isoformat(),
        chain.sent,
        record.inputs.get(0),
        chain.response,
        _gate_names(gates[0]),
        [_round_fields(one, gates[2 * n + 1 : 2 * n + 3], record.inputs) for n, one in enumerate(chain.rounds)],
        [
            {"run": run_fields(one.run), "rounds": [_score_fields(score) for score in one.rounds]}
            for one in record.scores
        ],
        [_review_fields(one) for one in record.reviews],
        in_order(record.extra),
    )
    found = dict(zip(COLUMNS, values, strict=True))
    for name, missing in (
        ("created_at", record.created_at), ("gates", record.gates), ("input", record.inputs.get(0))
    ):  # fmt: skip
        if missing is None:
            del found[name]
    return found


def run_of(taken: Taken) -> ToldRun:
    """A run as a file tells of it, and as a workspace keeps it."""
    uid = _hex(taken.text("uid"), "the run's uid", 32)
    origin, seed = taken.maybe_text("origin"), taken.whole("seed", 0)
    revision, note, config = taken.text("code_revision", ""), taken.text("note", ""), taken.free("config")
    model, version = taken.maybe("model", _model), taken.maybe("constitution", _version)
    taken.end()
    return ToldRun(uid, origin, seed, revision, note, config, model, version)


def run_fields(run: ToldRun) -> dict[str, Any]:
    """A run's object; `run_of` of it gives the run."""
    model, version = run.model, run.constitution
    return {
        "uid": run.uid,
        "origin": run.origin,
        "seed": run.seed,
        "code_revision": run.code_revision,
        "note": run.note,
        "model": model and {key: getattr(model, key) for key in ("name", "base", "adapter", "revision")},
        "constitution": version and {key: getattr(version, key) for key in ("name", "version", "hash")},
        "config": in_order(run.config),
    }


def in_order(value: Any) -> Any:
    """A plain value with the keys of its objects in order."""
    if isinstance(value, Mapping):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(one) for one in value] if isinstance(value, list | tuple) else value


def _model(taken: Taken) -> ToldModel:
    found = ToldModel(taken.text("name"), *(taken.maybe_text(name) for name in ("base", "adapter", "revision")))
    taken.end()
    return found


def _version(taken: Taken) -> ToldVersion:
    name, number = taken.text("name"), taken.whole("version", least=1)
    found = ToldVersion(name, number, _hex(taken.text("hash"), "the constitution's hash", 64))
    taken.end()
    return found


def _prompt(taken: Taken) -> tuple[Prompt, tuple[str, ...]]:
    turns, notes = messages(taken.value("turns"), "turns of the prompt")
    checked(turns, "turns of the prompt", end=Role.USER)
    uid = _own(taken, prompt_uid(turns), "prompt")
    kind, split = taken.choice(PromptKind, "kind"), taken.choice(Split, "split", Split.TRAIN)
    source, topic, tags = taken.text("set", ""), taken.maybe_text("topic"), taken.texts("tags")
    extra = taken.free("extra")
    taken.end()
    return Prompt(uid, turns, kind, split, source, topic, tags, extra), notes


def _prompt_fields(prompt: Prompt) -> dict[str, Any]:
    return {
        "uid": prompt.uid,
        "turns": [{"role": turn.role.value, "content": turn.content} for turn in prompt.turns],
        "kind": prompt.kind.value,
        "split": prompt.split.value,
        "set": prompt.source,
        "topic": prompt.topic,
        "tags": list(prompt.tags),
        "extra": in_order(prompt.extra),
    }


def _round(value: Any, number: int, gates: list[Gate | None], inputs: dict[int, str]) -> Round:
    taken = Taken(value, f"round {number}")
    if (said := taken.whole("round", number)) != number:
        raise RowError(f"round {number} is numbered {said}; rounds are numbered from 1 without a gap")
    principle = _principle(taken.inner("principle"))
    gates += [_gates(taken, "critique_gates"), _gates(taken, "revision_gates")]
    edited = taken.maybe_text("edited")
    if edited is not None and edited not in list(Edit):
        raise RowError(f"edited of round {number} is {shown(edited)}; it should be {' or '.join(Edit)}")
    found = Round(
        number,
        principle,
        taken.maybe_text("critique"),
        taken.text("revision"),
        _sent(taken, "critique_sent", "critique_input", 2 * number - 1, inputs),
        _sent(taken, "revision_sent", "revision_input", 2 * number, inputs),
        taken.flag("finished", True),
        skipped=taken.flag("skipped", False),
        written=taken.maybe_text("written"),
        edited=None if edited is None else Edit(edited),
    )
    taken.end()
    return found


def _sent(taken: Taken, name: str, input_name: str, position: int, inputs: dict[int, str]) -> str | None:
    """A call's hash; its exact input, where the row holds it, joins `inputs` under its position."""
    sent, text = taken.maybe_text(name), taken.maybe_text(input_name)
    if text is not None:
        if input_hash(text) != sent:
            said = "null" if sent is None else shown(sent)
            raise RowError(f"{name} is {said}, and the hash of its {input_name} is {input_hash(text)}")
        inputs[position] = text
    return sent


def _round_fields(one: Round, gates: tuple[Gate | None, ...], inputs: Mapping[int, str]) -> dict[str, Any]:
    found = {
        "round": one.number,
        "principle": _principle_fields(one.principle),
        "critique": one.critique,
        "critique_sent": one.critique_sent,
        "critique_input": inputs.get(2 * one.number - 1),
        "critique_gates": _gate_names(gates[0]),
        "revision": one.revision,
        "revision_sent": one.revision_sent,
        "revision_input": inputs.get(2 * one.number),
        "revision_gates": _gate_names(gates[1]),
        "written": one.written,
        "finished": one.finished,
        "skipped": one.skipped,
        "edited": None if one.edited is None else one.edited.value,
    }
    for name in ("critique_input", "revision_input"):
        if found[name] is None:
            del found[name]
    return found


def _principle(taken: Taken) -> Principle:
    slug = taken.text("id")
    if not SLUG.fullmatch(slug):
        raise RowError(
            f"a principle's id is {shown(slug)}; it has 1 to 64 letters, digits, dots, dashes or underscores"
        )
    found = Principle(
        slug,
        taken.text("title", slug),
        taken.choice(PrincipleKind, "kind", PrincipleKind.HARMLESSNESS),
        taken.maybe_text("critique_request"),
        taken.maybe_text("revision_request"),
        taken.maybe_text("comparison"),
        taken.texts("tags"),
    )
    _own(taken, found.uid, "principle")
    taken.end()
    return found


def _principle_fields(one: Principle) -> dict[str, Any]:
    return {
        "uid": one.uid,
        "id": one.id,
        "title": one.title,
        "kind": one.kind.value,
        "tags": list(one.tags),
        "critique_request": one.critique_request,
        "revision_request": one.revision_request,
        "comparison": one.comparison,
    }


def _gates(taken: Taken, name: str) -> Gate | None:
    names = taken.maybe_list(name)
    if names is None:
        return None
    if wrong := [one for one in names if one not in _GATES]:
        raise RowError(f"{name} holds {shown(str(wrong[0]))}; gates are {', '.join(_GATES)}")
    found = Gate(0)
    for one in names:
        found |= _GATES[one]
    return found


def _gate_names(gates: Gate | None) -> list[str] | None:
    return None if gates is None else [name for name, gate in _GATES.items() if gate in gates]


def _review(taken: Taken) -> ToldReview:
    by = _hex(taken.text("by"), "who reviewed", 16)
    name, verdict = taken.text("name"), taken.choice(Verdict, "verdict")
    found = ToldReview(by, name, verdict, taken.text("note", ""), taken.time("at"))
    taken.end()
    return found


def _review_fields(one: ToldReview) -> dict[str, Any]:
    said = {"by": one.by, "name": one.name, "verdict": one.verdict.value, "note": one.note}
    return {**said, "at": one.at.isoformat()}


def _scores(taken: Taken) -> ToldScores:
    run = run_of(taken.inner("run"))
    found = tuple(_score(Taken(one, f"score {n}")) for n, one in enumerate(taken.listed("rounds"), start=1))
    taken.end()
    if any(one.round >= other.round for one, other in pairwise(found)):
        raise RowError("scores of one run are not in the order of their rounds, each once")
    return ToldScores(run, found)


def _score(taken: Taken) -> ToldScore:
    number, state = taken.whole("round"), taken.choice(RowState, "state", RowState.DONE)
    value, verdict = taken.maybe_number("value"), taken.maybe_text("verdict")
    principle, error = taken.maybe("principle", _principle), taken.maybe_text("error")
    taken.end()
    return ToldScore(number, state, value, verdict, principle, error)


def _score_fields(one: ToldScore) -> dict[str, Any]:
    said = {"round": one.round, "state": one.state.value, "value": one.value, "verdict": one.verdict}
    principle = one.principle and _principle_fields(one.principle)
    return {**said, "principle": principle, "error": one.error}


def _check(record: ReadRecord, uid: str | None) -> None:
    """`RowError` where the parts of a chain do not fit each other."""
    chain = record.chain
    if uid not in (None, record.uid):
        raise RowError(f"uid is {shown(uid or '')}, and the chain's own is {record.uid}")
    if chain.response is None and (chain.state is RowState.DONE or chain.rounds):
        raise RowError("a chain that is done, or has rounds, has a response; it is null")
    if (record.parent is not None or chain.author is not None) and not chain.branch:
        raise RowError("parent and author are a branch's; branch is 0")
    if record.parent is not None and record.parent not in _could_leave(record):
        raise RowError("parent is no chain of the same run, prompt and sample whose branch is a lower one")
    if len({one.run.uid for one in record.scores}) < len(record.scores):
        raise RowError("two of the scores are of one run")


MOST_BRANCHES = 10_000


def _could_leave(record: ReadRecord) -> Iterable[str]:
    """The uids of the chains that a branch may have left: no chain can be its own ancestor."""
    if record.chain.branch > MOST_BRANCHES:
        raise RowError(f"branch is {record.chain.branch}; at most {MOST_BRANCHES:,}")
    return (_with_branch(record, number).uid for number in range(record.chain.branch))


def _with_branch(record: ReadRecord, number: int) -> ReadRecord:
    return replace(record, chain=replace(record.chain, branch=number))


def _own(taken: Taken, uid: str, what: str) -> str:
    """The uid of what was read; `RowError` where the file says another."""
    if (said := taken.maybe_text("uid")) not in (None, uid):
        raise RowError(f"the {what}'s uid is {shown(said or '')}, and its content's is {uid}")
    return uid


def _hex(text: str, what: str, digits: int) -> str:
    if len(text) != digits or not _HEX.issuperset(text):
        raise RowError(f"{what} is {shown(text)}; it should be {digits} digits of 0-9 and a-f")
    return text
