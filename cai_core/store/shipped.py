"""What a fresh workspace holds: the shipped constitutions, the sandbox model, the sandbox's prompts."""

from pathlib import Path

from sqlalchemy.orm import Session

from cai_core.constitution.load import load_constitution
from cai_core.sandbox import prompts as sandbox
from cai_core.store import constitutions, models, prompts
from cai_core.types import PromptKind, Split

COUNTS: dict[Split, dict[PromptKind, int]] = {
    Split.TRAIN: {PromptKind.RED_TEAM: 1500, PromptKind.HELPFUL: 1000, PromptKind.LOOK_ALIKE: 600},
    Split.DEV: {PromptKind.RED_TEAM: 300, PromptKind.HELPFUL: 200, PromptKind.LOOK_ALIKE: 150},
    Split.TEST: {PromptKind.RED_TEAM: 600, PromptKind.HELPFUL: 400, PromptKind.LOOK_ALIKE: 300},
}
CONSTITUTIONS = Path(__file__).parents[2] / "constitutions"
"""Beside the packages, in the repository and where it is installed."""
SEED = 0
"""The same prompts in every workspace."""


def constitution_files() -> list[Path]:
    """The YAML files that ship with the software."""
    return sorted(CONSTITUTIONS.glob("*.yaml"))


def add_all(session: Session) -> None:
    """Fill a fresh database."""
    models.add(session, name="sandbox", base="sandbox")
    for file in constitution_files():
        constitutions.save_version(session, load_constitution(file), author="CAI Studio", message="As shipped.")
    for split, kinds in COUNTS.items():
        for kind, count in kinds.items():
            prompts.add(session, sandbox.prompts(kind, split, count, SEED))
