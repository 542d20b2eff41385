"""Add models to a workspace: checked before anything is written."""

import re
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.cli import common
from cai_core.errors import ModelError
from cai_core.store import models
from cai_core.types import ModelRef
from db.schema import ModelRow

OURS = re.compile(r"(sl-cai|pm|rl-cai)-\d+(@\d+)?")
"""Names that runs give what they train: one that was taken would fail its run at the very end."""


def find_model(session: Session, name: str) -> str | None:
    """The name of the model that `name` means, a folder it was added from included; None if it is not there."""
    names = session.scalars(select(ModelRow.name).where(ModelRow.name.in_({name, _base(name)})))
    return next(iter(sorted(names, key=lambda found: found != name)), None)


def check_name(name: str) -> str:
    """A name that a model may be added by."""
    if OURS.fullmatch(name):
        raise ModelError(f"{name!r} is a name that runs give to what they train. Choose another with --name.")
    return name


def _base(base: str) -> str:
    """A folder by its whole path, whatever folder is the current one later; a Hub id as it is."""
    return str(Path(base).absolute()) if Path(base).exists() else base


def check_new(
    folder: Path,
    base: str,
    *,
    name: str = "",
    adapter: Path | None = None,
    revision: str | None = None,
    role: Literal["text", "preference"] = "text",
) -> dict[str, Any]:
    """Check a model by what its files say, and give what `models.add` takes; nothing is written."""
    from cai_core.models.check import check_model

    base = _base(base)
    name = check_name(name or (base if adapter is None else adapter.name))
    stored = None if adapter is None else models.adapter_path(adapter, folder)
    ref = ModelRef(base, None if adapter is None else str(adapter.absolute()), revision)
    facts = check_model(ref, role)
    kind = "preference" if role == "preference" else "causal"
    return {"name": name, "base": base, "adapter": stored, "revision": revision, "kind": kind, "facts": facts}


def add_model(folder: Path | None, base: str, **rest: Any) -> dict[str, Any]:
    """Check a model, then add it to a workspace; return its name and what the check found."""
    new = check_new(common.folder_of(folder), base, **rest)
    with common.workspace_to_fill(folder).writing() as session:
        models.add(session, **new)
    return {"name": new["name"], "facts": new["facts"]}
