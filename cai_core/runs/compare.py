"""Comparing two versions of a constitution, or two constitutions: ordinary runs on the same data, enqueued at once.

Under A a chains run and a labels run; under B the same, each with A's as a parent, so that it takes the same prompts
and recalls what was asked just so before. Runs that are done already and are exactly what is wanted are used again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.config import ChainsConfig, ComparisonsConfig, LabelsConfig, StageConfig, dump_config, load_config
from cai_core.errors import RunError
from cai_core.runs import queue
from cai_core.store import constitutions, runs
from cai_core.store.workspace import Workspace
from cai_core.types import PromptKind, RunKind, RunState
from db.schema import ConstitutionVersionRow, RunRow

CHAINS_A, CHAINS_B, PAIRS, LABELS_A, LABELS_B = "chains_a", "chains_b", "comparisons", "labels_a", "labels_b"
"""What the runs of a comparison are called, in the order in which they run."""
Counts = Mapping[PromptKind, int]
"""How many prompts of each kind."""


@dataclass(frozen=True, slots=True)
class VersionComparison:
    """What is to be compared, and on how much."""

    a: str
    """'name' for the newest version now, or 'name@3'."""
    b: str
    model: str = "sandbox"
    """Model that answers, criticises and revises, and that writes fresh pairs."""
    chains: Counts | None = None
    """Prompts that get a chain under both; None or none of them: no chains."""
    pairs: Counts | None = None
    """Prompts that get a fresh pair of responses; None or none of them: none is made."""
    pairs_from: int | None = None
    """A comparisons run whose pairs are labelled instead of fresh ones."""
    label_model: str = ""
    """Feedback model; empty takes `model`."""
    rounds: int = 4
    seed: int = 0
    source: str = ""
    """Take prompts only from this source; empty takes all."""


def enqueue_compare(workspace: Workspace, wanted: VersionComparison) -> dict[str, int]:
    """Enqueue the runs, all or none; answers their ids by name, `chains_a` to `labels_b`, without those not wanted."""
    with workspace.writing() as session:
        return add_compare(session, wanted)


def add_compare(session: Session, wanted: VersionComparison) -> dict[str, int]:
    """`enqueue_compare` within a transaction."""
    wanted = freeze(session, wanted)
    ids: dict[str, int] = {}
    if _some(wanted.chains):
        ids |= _both(session, RunKind.CHAINS, wanted, (CHAINS_A, CHAINS_B), [])
    pairs = wanted.pairs_from
    if pairs is None and _some(wanted.pairs):
        pairs = _run(session, RunKind.COMPARISONS, comparisons_config(wanted), wanted, [])
    if pairs is not None:
        ids |= {PAIRS: pairs, **_both(session, RunKind.LABELS, wanted, (LABELS_A, LABELS_B), [pairs])}
    if not ids:
        raise RunError(
            "there is nothing to compare on. Ask for prompts, for pairs, or for the pairs of a comparisons run."
        )
    return ids


def _some(counts: Counts | None) -> bool:
    return counts is not None and any(counts.values())


def scaled(counts: Counts, total: int | None) -> Counts:
    """So many in all, of the kinds in the same proportion; red-team ones where there is none."""
    before = sum(counts.values())
    if total is None:
        return counts
    if not before:
        return {PromptKind.RED_TEAM: total}
    found = {kind: count * total // before for kind, count in counts.items()}
    largest = max(counts, key=lambda kind: counts[kind])
    found[largest] += total - sum(found.values())
    return found


def freeze(session: Session, wanted: VersionComparison) -> VersionComparison:
    """With both versions written out; the same twice, and a run without pairs, are refused."""
    rows = [constitutions.version_row(session, ref) for ref in (wanted.a, wanted.b)]
    if rows[0].id == rows[1].id:
        raise RunError(f"A and B are both {_ref(rows[0])}. Name two versions, or two constitutions.")
    if wanted.pairs_from is not None and (kind := runs.get(session, wanted.pairs_from).kind) != RunKind.COMPARISONS:
        raise RunError(f"run {wanted.pairs_from} is a {kind} run and has no pairs. Name a comparisons run.")
    return replace(wanted, a=_ref(rows[0]), b=_ref(rows[1]))


def _ref(row: ConstitutionVersionRow) -> str:
    return f"{row.constitution.name}@{row.number}"


def _both(
    session: Session, kind: RunKind, wanted: VersionComparison, names: tuple[str, str], parents: list[int]
) -> dict[str, int]:
    """A's run and B's, which has A's as a parent."""
    config = chains_config if kind is RunKind.CHAINS else labels_config
    first = _run(session, kind, config(wanted, wanted.a), wanted, parents)
    second = _run(session, kind, config(wanted, wanted.b), wanted, [*parents, first], first)
    return dict(zip(names, (first, second), strict=True))


def chains_config(wanted: VersionComparison, ref: str) -> ChainsConfig:
    """The settings of the chains under a version."""
    values = {"constitution": ref, "model": wanted.model, "rounds": wanted.rounds, "source": wanted.source}
    found = load_config(RunKind.CHAINS, {**values, "helpful_samples": 1, **_fields(wanted.chains)})
    assert isinstance(found, ChainsConfig)
    return found


def labels_config(wanted: VersionComparison, ref: str) -> LabelsConfig:
    """The settings of the labels under a version."""
    return LabelsConfig(constitution=ref, model=wanted.label_model or wanted.model)


def comparisons_config(wanted: VersionComparison) -> ComparisonsConfig:
    """The settings of the fresh pairs."""
    values = {"model": wanted.model, "source": wanted.source, **_fields(wanted.pairs)}
    found = load_config(RunKind.COMPARISONS, values)
    assert isinstance(found, ComparisonsConfig)
    return found


def _fields(counts: Counts | None) -> dict[str, int]:
    return {f"{kind.value}_prompts": (counts or {}).get(kind, 0) for kind in PromptKind}


def _run(
    session: Session,
    kind: RunKind,
    config: StageConfig,
    wanted: VersionComparison,
    parents: list[int],
    recalls: int | None = None,
) -> int:
    """The newest finished run that is exactly this one, else a new one."""
    found = _finished(session, kind, config, wanted.seed, parents, recalls)
    if found is not None:
        return found
    return queue.add(session, kind, config, seed=wanted.seed, parents=parents, note=_note(wanted))


def _note(wanted: VersionComparison) -> str:
    return f"compares {wanted.a} with {wanted.b}"


def finished_chains(session: Session, wanted: VersionComparison) -> int | None:
    """The chains run under A that would be used again."""
    return _finished(session, RunKind.CHAINS, chains_config(wanted, wanted.a), wanted.seed, (), None)


def _finished(
    session: Session, kind: RunKind, config: StageConfig, seed: int, parents: Sequence[int], recalls: int | None
) -> int | None:
    values = dump_config(config)
    done = select(RunRow).where(RunRow.kind == kind.value, RunRow.state == RunState.DONE.value, RunRow.seed == seed)
    for row in session.scalars(done.order_by(RunRow.id.desc())):
        if row.config == values and _reads(session, row, parents, recalls):
            return row.id
    return None


def _reads(session: Session, row: RunRow, parents: Sequence[int], recalls: int | None) -> bool:
    """Whether a run reads what is wanted. What it recalls does not matter to A, if its prompts are its own draw's."""
    behind = {link.parent_id for link in row.parents}
    if recalls is not None:
        return behind == set(parents)
    own = {link.parent_id for link in row.parents if link.parent.kind == row.kind}
    took = own if row.kind == RunKind.CHAINS else set()
    return behind - own == set(parents) and all(_draws_alike(session, row, parent) for parent in took)


def _draws_alike(session: Session, row: RunRow, parent: int) -> bool:
    """Whether the prompts that a run took from its parent are those that it would have drawn."""
    other = runs.get(session, parent)
    same = {**other.config, "constitution": None} == {**row.config, "constitution": None} and other.seed == row.seed
    above = [link.parent_id for link in other.parents if link.parent.kind == other.kind]
    return same and all(_draws_alike(session, other, one) for one in above)


def comparison_report(session: Session, ids: Mapping[str, int]) -> dict[str, Any]:
    """What a comparison found so far, as plain JSON values: `chains` and `labels`, each None until its run is done."""
    return {
        "runs": dict(ids),
        "chains": _found(session, ids.get(CHAINS_B)),
        "labels": _found(session, ids.get(LABELS_B)),
    }


def _found(session: Session, run_id: int | None) -> dict[str, Any] | None:
    result = {} if run_id is None else runs.get(session, run_id).result
    if "compared" not in result:
        return None
    return {**result["compared"], "own_run": run_id, "recalled": result["recalled"]}
