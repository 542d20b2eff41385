"""Add models to a workspace: checked before anything is written."""

from pathlib import Path
from typing import Any

from sqlalchemy import select

from cai_core.store import models
from cai_core.store.workspace import Workspace
from cai_core.types import ModelRef
from db.schema import ModelRow


def ensure_model(workspace: Workspace, name: str) -> str:
    """The name of a model that is there, or of the folder or Hub id that is added under it."""
    with workspace.reading() as session:
        known = session.scalar(select(ModelRow.id).where(ModelRow.name == name))
    if known is None:
        add_model(workspace, name)
    return name


def add_model(
    workspace: Workspace, base: str, *, name: str = "", adapter: Path | None = None, revision: str | None = None
) -> dict[str, Any]:
    """Load a model to check it, then add it; return its name and what the check found."""
    from cai_core.models.check import check_model

    base = str(Path(base).absolute()) if Path(base).exists() else base
    stored = None if adapter is None else models.adapter_path(adapter, workspace.folder)
    ref = ModelRef(base, None if adapter is None else str(adapter.absolute()), revision)
    facts = check_model(ref)
    name = name or (base if adapter is None else adapter.name)
    with workspace.writing() as session:
        models.add(session, name=name, base=base, adapter=stored, revision=revision, facts=facts)
    return {"name": name, "facts": facts}
