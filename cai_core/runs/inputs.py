"""What a run names - parents, models, a constitution - checked when it is enqueued, before anything is computed."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from cai_core.config import (
    PARENTS,
    BattlesConfig,
    ChainsConfig,
    ComparisonsConfig,
    LabelsConfig,
    RlConfig,
    StageConfig,
)
from cai_core.constitution.draw import candidates
from cai_core.errors import ModelError, RunError
from cai_core.store import constitutions, models, runs
from cai_core.types import Constitution, PrincipleKind, RunKind


def check_parents(session: Session, kind: RunKind, config: StageConfig, parents: Sequence[int]) -> None:
    """Each parent is of a kind the stage reads, and what no parent gives is named in the config."""
    found = {run_id: RunKind(runs.get(session, run_id).kind) for run_id in parents}
    for run_id, parent in found.items():
        if parent not in PARENTS[kind]:
            accepted = " or ".join(PARENTS[kind]) or "no other run"
            raise RunError(f"run {run_id} is a {parent} run; a {kind} run reads from {accepted}. Name another parent.")
    for wanted, instead in _needs(kind, config):
        if not instead and not any(parent in wanted for parent in found.values()):
            kinds = " or ".join(wanted)
            raise RunError(f"a {kind} run reads from a {kinds} run and none was named. Name one with --parent ID.")


def _needs(kind: RunKind, config: StageConfig) -> list[tuple[tuple[RunKind, ...], bool]]:
    """Kinds of parent one of which is needed, and whether the config names something instead."""
    if isinstance(config, ComparisonsConfig):
        return [((RunKind.SFT,), bool(config.model))]
    if isinstance(config, RlConfig):
        return [((RunKind.SFT,), bool(config.policy)), ((RunKind.PM,), bool(config.preference_model))]
    if isinstance(config, BattlesConfig):
        return [((RunKind.SFT, RunKind.RL), bool(config.models))]
    return [((parent,), False) for parent in PARENTS[kind]]


def check_models(session: Session, config: StageConfig) -> None:
    """Every model that the config names is there and can take its role."""
    roles = [(getattr(config, name, ""), "causal") for name in ("model", "policy")]
    roles.append((getattr(config, "preference_model", ""), "preference"))
    if isinstance(config, BattlesConfig):
        if len(set(config.models)) == 1:
            raise RunError(f"a battle needs two models and only {config.models[0]!r} is named. Name another beside it.")
        roles += [(name, "causal") for name in config.models]
        roles.append((config.judge_model, "preference" if config.judge == "pm" else "causal"))
    for name, wanted in roles:
        if name and (kind := models.get(session, name).kind) != wanted:
            raise ModelError(f"model {name!r} is a {kind} model and cannot take a {wanted} one's place. Name another.")


def freeze_constitution(session: Session, config: StageConfig) -> tuple[int | None, StageConfig]:
    """The version that the config's constitution means now, and the config with that version written out."""
    if not isinstance(config, ChainsConfig | LabelsConfig | BattlesConfig):
        return None, config
    if isinstance(config, BattlesConfig) and config.judge == "feedback" and not config.constitution:
        raise RunError("a feedback judge compares under a constitution: set constitution, for example to 'sandbox'.")
    if not config.constitution:
        return None, config
    row = constitutions.version_row(session, config.constitution)
    constitution = constitutions.to_noun(row)
    _check_halves(constitution, config)
    return row.id, replace(config, constitution=f"{constitution.name}@{row.number}")


def _check_halves(constitution: Constitution, config: StageConfig) -> None:
    half = "critique" if isinstance(config, ChainsConfig) else "comparison"
    kind = None if half == "critique" else PrincipleKind.HARMLESSNESS
    if not candidates(constitution, kind=kind, half="critique" if half == "critique" else "comparison"):
        raise RunError(
            f"constitution {constitution.name!r} has no enabled principle that this stage can use: it needs "
            f"{'critique_request and revision_request' if half == 'critique' else 'comparison'}. Add or enable one."
        )
