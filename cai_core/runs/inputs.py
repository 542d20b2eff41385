"""What a run names - parents, models, a constitution - checked when it is enqueued, before anything is computed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from cai_core.config import (
    PARENTS,
    BattlesConfig,
    ChainsConfig,
    ComparisonsConfig,
    LabelsConfig,
    PmConfig,
    RlConfig,
    SftConfig,
    StageConfig,
    dump_config,
)
from cai_core.constitution.draw import Half, candidates
from cai_core.errors import ModelError, RunError
from cai_core.evaluation.battles import AXIS_OF
from cai_core.evaluation.judges import KIND_OF
from cai_core.store import constitutions, models, runs
from cai_core.types import Constitution, PrincipleKind, PromptKind, RunKind
from db.schema import RunRow


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
    _check_weights(session, config)
    _check_options(session, config)


def _check_weights(session: Session, config: StageConfig) -> None:
    """What is trained is here: a server's weights cannot be."""
    named = {SftConfig: "model", PmConfig: "model", RlConfig: "policy"}.get(type(config), "")
    name = getattr(config, named, "")
    if name and models.get(session, name).endpoint is not None:
        raise ModelError(
            f"model {name!r} is an endpoint: its weights are its server's, and training needs them here. Name a local "
            "model, for example the same one from its folder or the Hub."
        )


def _check_options(session: Session, config: StageConfig) -> None:
    """Whoever labels or judges can tell (A) from (B), as the check found when the model was added."""
    name = config.model if isinstance(config, LabelsConfig) else ""
    if isinstance(config, BattlesConfig) and config.judge == "feedback":
        name = config.judge_model
    if not name:
        return
    facts = models.get(session, name).facts
    if facts.get("stages", {}).get("feedback") is False:
        raise ModelError(
            f"the endpoint {name!r} gives no log-probabilities, so it can neither label nor judge. Name another "
            "feedback model: a local one, or an endpoint served by vLLM."
        )
    if facts.get("options", {}).get("distinct") is False:
        raise ModelError(
            f"model {name!r} reads the options (A) and (B) as the same tokens, so it cannot choose between them. "
            "Name another feedback model."
        )


def check_judge(session: Session, config: StageConfig, parents: Sequence[int]) -> None:
    """A judge that is a model is named, or comes from an rl parent: not found out after all answers are written."""
    if not isinstance(config, BattlesConfig) or config.judge == "gold" or config.judge_model:
        return
    found = [row for run_id in sorted(parents) if (row := runs.get(session, run_id)).kind == RunKind.RL]
    if not found or (config.judge == "feedback" and not feedback_model(session, found[-1])):
        raise RunError(
            f"the {config.judge} judge is a model, and neither judge_model nor an rl parent names it. Set judge_model, "
            "or name the rl run that it comes from with --parent ID."
        )


def feedback_model(session: Session, rl: RunRow) -> str:
    """Who labelled what the preference model of an rl run was trained on; empty where that is not recorded."""
    pm = runs.parent(session, rl.id, RunKind.PM)
    labels = None if pm is None else runs.parent(session, pm.id, RunKind.LABELS)
    return "" if labels is None else str(labels.config["model"])


def freeze_constitution(
    session: Session, config: StageConfig, parents: Sequence[int]
) -> tuple[int | None, StageConfig]:
    """The version that the config's constitution means now, and the config with that version written out."""
    if not isinstance(config, ChainsConfig | LabelsConfig | BattlesConfig):
        return None, config
    if isinstance(config, BattlesConfig) and config.judge == "feedback" and not config.constitution:
        raise RunError("a feedback judge compares under a constitution: set constitution, for example to 'sandbox'.")
    if not config.constitution:
        return None, config
    row = constitutions.version_row(session, config.constitution)
    constitution = constitutions.to_noun(row)
    _check_halves(constitution, _halves(session, config, parents))
    return row.id, replace(config, constitution=f"{constitution.name}@{row.number}")


def _check_halves(constitution: Constitution, needs: Iterable[tuple[Half, PrincipleKind | None]]) -> None:
    for half, kind in needs:
        if not candidates(constitution, kind=kind, half=half):
            texts = "critique_request and revision_request" if half == "critique" else "comparison"
            raise RunError(
                f"constitution {constitution.name!r} has no enabled principle {f'of kind {kind} ' if kind else ''}that "
                f"this stage can use: it needs {texts}. Add or enable one."
            )


def _halves(
    session: Session, config: StageConfig, parents: Sequence[int]
) -> Iterator[tuple[Half, PrincipleKind | None]]:
    """Which halves of which kinds a stage will draw from: for comparisons, what its kinds of prompt call for."""
    if isinstance(config, ChainsConfig):
        yield "critique", None
        return
    if isinstance(config, BattlesConfig):
        settings = [dump_config(config)] if config.judge == "feedback" else []
    else:
        settings = [runs.get(session, parent).config for parent in parents]
    drawn = {KIND_OF[AXIS_OF[kind]] for kind in PromptKind if any(one.get(f"{kind}_prompts") for one in settings)}
    for kind in sorted(drawn):
        yield "comparison", kind
