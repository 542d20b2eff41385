"""What a run names - parents, models, a constitution - checked when it is enqueued, before anything is computed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from cai_core.config import (
    PARENTS,
    BattlesConfig,
    CasesConfig,
    ChainsConfig,
    ComparisonsConfig,
    LabelsConfig,
    PmConfig,
    PromptsConfig,
    RlConfig,
    ScoresConfig,
    SftConfig,
    StageConfig,
    dump_config,
)
from cai_core.constitution.draw import Half, candidates
from cai_core.errors import ModelError, PromptError, RunError
from cai_core.evaluation.battles import AXIS_OF
from cai_core.evaluation.judges import KIND_OF
from cai_core.sandbox.prompts import SOURCE
from cai_core.store import cases, chains, constitutions, datasets, models, prompt_attempts, prompts, runs
from cai_core.store.prompt_splits import read_shares
from cai_core.types import Axis, CaseKind, Constitution, PrincipleKind, PromptKind, RunKind, Split, derive_seed
from db.schema import RunRow

MOST_EXAMPLES = 1_000
"""Prompts that a prompts run draws its examples from."""


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
    if isinstance(config, SftConfig):
        return [((RunKind.CHAINS,), bool(config.dataset))]
    if isinstance(config, RlConfig):
        return [((RunKind.SFT,), bool(config.policy)), ((RunKind.PM,), bool(config.preference_model))]
    if isinstance(config, BattlesConfig):
        return [((RunKind.SFT, RunKind.RL), bool(config.models))]
    return [((parent,), False) for parent in PARENTS[kind] if parent != kind]


def check_dataset(session: Session, config: StageConfig, parents: Sequence[int]) -> None:
    """A dataset that is named is there, and nothing else is to be trained on."""
    if not isinstance(config, SftConfig) or not config.dataset:
        return
    datasets.get(session, config.dataset)
    if parents:
        raise RunError(
            f"the dataset {config.dataset!r} says what is trained on, and so would the parent run {parents[0]}. "
            "Name one of the two."
        )


def check_models(session: Session, config: StageConfig) -> None:
    """Every model that the config names is there and can take its role."""
    causal = ("model", "policy", "critique_model", "revision_model")
    roles = [(getattr(config, name, ""), "causal") for name in causal]
    roles.append((getattr(config, "preference_model", ""), "preference"))
    if isinstance(config, BattlesConfig):
        if len(set(config.models)) == 1:
            raise RunError(f"a battle needs two models and only {config.models[0]!r} is named. Name another beside it.")
        roles += [(name, "causal") for name in config.models]
        roles.append((config.judge_model, "preference" if config.judge == "pm" else "causal"))
    if isinstance(config, CasesConfig):
        roles.append((config.judge, "causal"))
    if isinstance(config, ScoresConfig):
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
    if isinstance(config, BattlesConfig | ScoresConfig) and config.judge == "feedback":
        name = config.judge_model
    if name:
        _check_chooses(session, name)


def _check_chooses(session: Session, name: str) -> None:
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


def check_cases(session: Session, config: StageConfig) -> None:
    """There are cases to try, and whoever is asked which of two responses is better can tell (A) from (B)."""
    if not isinstance(config, CasesConfig):
        return
    name = config.constitution.rpartition("@")[0]
    found = cases.asking(session, name)
    if not found:
        raise RunError(
            f"constitution {name!r} has no cases to run. Add one on the Cases page, or with `cai-studio cases add`."
        )
    if any(kind is CaseKind.PAIR for kind, _ in found):
        _check_chooses(session, config.model)
    if (CaseKind.PROMPT, True) in found:
        _check_chooses(session, config.judge or config.model)


def check_examples(session: Session, config: StageConfig) -> None:
    """There are enough prompts to show as examples, and the split is one."""
    if not isinstance(config, PromptsConfig):
        return
    read_shares(config.split)
    there = prompt_attempts.candidates_for_examples(PromptKind(config.kind), config.examples_from)
    found = len(session.scalars(there.limit(config.examples)).all())
    if found < config.examples:
        where = f"the set {config.examples_from!r}" if config.examples_from else "all sets"
        raise PromptError(
            f"{where} {'has' if config.examples_from else 'have'} {found} {config.kind} prompts of one turn in train, "
            f"and {config.examples} are to be shown as examples. Name another set, lower examples, or import prompts. "
            f"Prompt sets here: {prompts.sources(session)}."
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


def check_scores(session: Session, config: StageConfig, parents: Sequence[int]) -> None:
    """One chains run is scored, by a judge that can: a model that is named, or gold, of prompts that it knows."""
    if not isinstance(config, ScoresConfig):
        return
    if len(parents) > 1:
        raise RunError(f"a scores run scores one chains run, and {len(parents)} were named. Enqueue one for each.")
    if config.judge == "gold" and config.judge_model:
        raise RunError(
            f"gold is no model, so judge_model {config.judge_model!r} would not be asked. Leave it empty, or set judge "
            "to 'pm' or 'feedback'."
        )
    if config.judge != "gold" and not config.judge_model:
        raise RunError(f"the {config.judge} judge is a model, and none is named. Set judge_model.")
    if config.judge == "gold":
        check_gold_knows(chains.sources(session, parents[0]) | prompts.sources_of_run(session, parents[0]))


def check_gold_knows(sources: Iterable[str]) -> None:
    """Raise unless gold can judge responses to prompts of these sets: it knows the built-in world alone."""
    if strange := sorted(set(sources) - {SOURCE}):
        raise RunError(
            f"the gold judge knows the sandbox's prompts alone, and these come from {', '.join(strange)}. Set judge to "
            "'pm' or 'feedback', or choose chains of the sandbox's prompts."
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
    if not isinstance(config, ChainsConfig | ScoresConfig | LabelsConfig | BattlesConfig | CasesConfig):
        return None, config
    if isinstance(config, BattlesConfig | ScoresConfig) and config.judge == "feedback" and not config.constitution:
        raise RunError("a feedback judge compares under a constitution: set constitution, for example to 'sandbox'.")
    if not config.constitution and not isinstance(config, CasesConfig):
        return None, config
    row = constitutions.version_row(session, config.constitution)
    constitution = constitutions.to_noun(row)
    _check_halves(constitution, _halves(session, config, parents))
    _check_drawn(constitution, config)
    return row.id, replace(config, constitution=f"{constitution.name}@{row.number}")


def _check_halves(constitution: Constitution, needs: Iterable[tuple[Half, PrincipleKind | None]]) -> None:
    for half, kind in needs:
        if not candidates(constitution, kind=kind, half=half):
            texts = "critique_request and revision_request" if half == "critique" else "comparison"
            raise RunError(
                f"constitution {constitution.name!r} has no enabled principle {f'of kind {kind} ' if kind else ''}that "
                f"this stage can use: it needs {texts}. Add or enable one."
            )


def _check_drawn(constitution: Constitution, config: StageConfig) -> None:
    """The principles that chains are to draw from can be drawn, and a revision can be skipped only after a critique."""
    if not isinstance(config, ChainsConfig):
        return
    if config.skip_when_nothing_found and not config.critique:
        raise RunError(
            "skip_when_nothing_found goes by what a critique finds, and critique is off. Turn that on, or this off."
        )
    usable = [one.id for one in candidates(constitution, kind=None, half="critique")]
    wrong = next((one for one in config.principles if one not in usable), None)
    if wrong is not None:
        raise RunError(
            f"principles names {wrong!r}, and constitution {constitution.name!r} has no enabled principle of this id "
            f"with critique_request and revision_request. It has: {', '.join(usable)}."
        )


def _halves(
    session: Session, config: StageConfig, parents: Sequence[int]
) -> Iterator[tuple[Half, PrincipleKind | None]]:
    """Which halves of which kinds a stage will draw from: for comparisons, what its kinds of prompt call for."""
    if isinstance(config, ChainsConfig):
        yield "critique", None
        return
    if isinstance(config, ScoresConfig):
        if config.judge == "feedback":
            yield "comparison", KIND_OF[Axis(config.axis)]
        return
    if isinstance(config, BattlesConfig):
        settings = [dump_config(config)] if config.judge == "feedback" else []
    else:
        settings = [runs.get(session, parent).config for parent in parents]
    drawn = {KIND_OF[AXIS_OF[kind]] for kind in PromptKind if any(one.get(f"{kind}_prompts") for one in settings)}
    for kind in sorted(drawn):
        yield "comparison", kind


def wanted_prompts(config: ChainsConfig | ComparisonsConfig | RlConfig | BattlesConfig) -> dict[PromptKind, int]:
    """How many prompts of each kind a stage is to take."""
    return {
        PromptKind.RED_TEAM: config.red_team_prompts,
        PromptKind.HELPFUL: config.helpful_prompts,
        PromptKind.LOOK_ALIKE: config.look_alike_prompts,
    }


def draw_prompts(
    session: Session,
    kind: RunKind,
    config: ChainsConfig | ComparisonsConfig | RlConfig | BattlesConfig,
    *,
    seed: int,
    split: Split = Split.TRAIN,
) -> tuple[list[int], dict[str, int]]:
    """Row ids of the prompts that a run of this seed takes, and how many of each kind there are."""
    # The kind is in the key, so that the stages of a loop, which share a seed, draw apart.
    own = derive_seed(seed, "inputs", kind)
    return prompts.draw(session, wanted_prompts(config), split=split, source=config.source, seed=own)
