"""One frozen config a stage: the single source for validation, form help, JSON and documentation.

Each field's docstring is the help a form shows. Unknown keys are refused. A model field names a row of the
`models` table; left empty, the model comes from the parent run that its docstring names.
"""

import json
from collections.abc import Mapping
from dataclasses import astuple, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from cai_core.config.checks import STRICT
from cai_core.config.evaluation import BattlesConfig, CasesConfig
from cai_core.config.preference import ComparisonsConfig, LabelsConfig, PmConfig, RlConfig
from cai_core.config.supervised import ChainsConfig, PromptsConfig, ScoresConfig, SftConfig
from cai_core.errors import RunError
from cai_core.types import RunKind

__all__ = [
    "CONFIGS",
    "PARENTS",
    "STRICT",
    "BattlesConfig",
    "CasesConfig",
    "ChainsConfig",
    "ComparisonsConfig",
    "LabelsConfig",
    "PmConfig",
    "PromptsConfig",
    "RlConfig",
    "ScoresConfig",
    "SftConfig",
    "StageConfig",
    "dump_config",
    "fitting",
    "load_config",
]

StageConfig = (
    PromptsConfig
    | ChainsConfig
    | ScoresConfig
    | SftConfig
    | ComparisonsConfig
    | LabelsConfig
    | PmConfig
    | RlConfig
    | BattlesConfig
    | CasesConfig
)

CONFIGS: dict[RunKind, type[StageConfig]] = {
    RunKind.PROMPTS: PromptsConfig,
    RunKind.CHAINS: ChainsConfig,
    RunKind.SCORES: ScoresConfig,
    RunKind.SFT: SftConfig,
    RunKind.COMPARISONS: ComparisonsConfig,
    RunKind.LABELS: LabelsConfig,
    RunKind.PM: PmConfig,
    RunKind.RL: RlConfig,
    RunKind.BATTLES: BattlesConfig,
    RunKind.CASES: CasesConfig,
}

PARENTS: dict[RunKind, tuple[RunKind, ...]] = {
    RunKind.PROMPTS: (),
    RunKind.CHAINS: (RunKind.CHAINS,),
    RunKind.SCORES: (RunKind.CHAINS,),
    RunKind.SFT: (RunKind.CHAINS,),
    RunKind.COMPARISONS: (RunKind.SFT,),
    RunKind.LABELS: (RunKind.COMPARISONS, RunKind.LABELS),
    RunKind.PM: (RunKind.LABELS,),
    RunKind.RL: (RunKind.SFT, RunKind.PM),
    RunKind.BATTLES: (RunKind.SFT, RunKind.RL),
    RunKind.CASES: (),
}
"""Which kinds of run a stage may read from. A comparisons, rl or battles run may name models instead.

A run of its own kind is never needed: its answers are taken over where the very same is asked.
"""


def load_config(kind: RunKind, values: dict[str, Any]) -> StageConfig:
    """Check `values` and build the stage's config; `RunError` names each field that does not fit."""
    try:
        config = CONFIGS[kind](**values)
        json.dumps(astuple(config), ensure_ascii=False).encode()
        return config
    except UnicodeEncodeError as error:
        raise RunError(f"the {kind} settings hold what is no text ({error.reason}). Write them in UTF-8.") from None
    except ValidationError as error:
        problems = "; ".join(map(_problem, error.errors()))
        accepted = ", ".join(f.name for f in fields(CONFIGS[kind]))
        raise RunError(f"the {kind} settings do not fit: {problems}. Accepted settings: {accepted}.") from None


def fitting(kind: RunKind, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What of somebody else's settings the stage takes, and the names of the others."""
    taken = dict(values)
    while True:
        try:
            CONFIGS[kind](**taken)
            wrong: set[str] = set()
        except ValidationError as error:
            wrong = taken.keys() & {str(one["loc"][0]) for one in error.errors() if one["loc"]}
        if not wrong:  # what may still be missing is for the form to say
            return taken, [name for name in values if name not in taken]
        taken = {name: value for name, value in taken.items() if name not in wrong}


def _problem(found: ErrorDetails, most: int = 80) -> str:
    name, value = ".".join(map(str, found["loc"])), repr(found["input"])
    if found["type"] == "missing":
        return f"{name} is missing"
    if found["type"] == "unexpected_keyword_argument":
        return f"{name} = {value[:most]}: there is no such setting"
    return f"{name} = {value if len(value) <= most else value[:most] + '…'}: {found['msg']}"


def dump_config(config: StageConfig) -> dict[str, Any]:
    """The config as plain JSON values; `load_config` of it gives the same config."""
    adapter: TypeAdapter[StageConfig] = TypeAdapter(type(config))
    values: dict[str, Any] = adapter.dump_python(config, mode="json")
    return values
