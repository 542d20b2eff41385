"""Models by name: bases, and the adapters that runs saved."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.errors import ModelError
from cai_core.models.endpoint_facts import with_facts
from cai_core.models.endpoint_settings import EndpointConfig, dump_settings, load_settings, to_endpoint
from cai_core.types import ModelRef
from db.schema import ModelRow


def add(
    session: Session,
    *,
    name: str,
    base: str,
    adapter: str | None = None,
    revision: str | None = None,
    kind: str = "causal",
    run_id: int | None = None,
    step: int | None = None,
    final: bool = True,
    facts: Mapping[str, Any] | None = None,
    endpoint: EndpointConfig | None = None,
) -> ModelRow:
    """Add a model; again with the same weights gives the row that is there, which only its own run changes.

    The same endpoint again takes the new limits, prices and facts: what it says stays the same model's.
    """
    _check_name(name)
    row = session.scalar(select(ModelRow).where(ModelRow.name == name))
    if row is not None:
        same = (row.kind, row.base, row.adapter, row.revision) == (kind, base, adapter, revision)
        if not same or _served(row.endpoint) != _served(None if endpoint is None else dump_settings(endpoint)):
            raise ModelError(
                f"the name {name!r} already stands for {_weights(row)}. A name keeps its meaning; choose another."
            )
        if run_id is not None and row.run_id == run_id:
            row.final, row.step = final, step
        if endpoint is not None:
            row.endpoint, row.facts = dump_settings(endpoint), dict(facts or {})
        return row
    row = ModelRow(name=name, kind=kind, base=base, adapter=adapter, revision=revision)
    row.run_id, row.step, row.final, row.facts = run_id, step, final, dict(facts or {})
    row.endpoint = None if endpoint is None else dump_settings(endpoint)
    session.add(row)
    session.flush()
    return row


def _check_name(name: str) -> None:
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > 200:
        raise ModelError(f"{name!r} cannot be a model's name: it needs 1 to 200 printable characters. Choose another.")


def _served(endpoint: Mapping[str, Any] | None) -> tuple[Any, Any] | None:
    """What of an endpoint's settings says which model it is."""
    return None if endpoint is None else (endpoint["model"], endpoint["api"])


def _weights(row: ModelRow) -> str:
    if row.endpoint is not None:
        return f"the model {row.endpoint['model']!r} at {row.base} ({row.endpoint['api']})"
    adapter = f" with adapter {row.adapter}" if row.adapter else ""
    return f"the {row.kind} model {row.base}{adapter}"


def get(session: Session, name: str) -> ModelRow:
    """A model's row by name."""
    row = session.scalar(select(ModelRow).where(ModelRow.name == name))
    if row is None:
        known = ", ".join(session.scalars(select(ModelRow.name).order_by(ModelRow.id.desc()).limit(20))) or "none"
        raise ModelError(
            f"there is no model {name!r} in this workspace. Models here: {known}. Use one of them, or add yours with "
            "`cai-studio import model`."
        )
    return row


def of_run(session: Session, run_id: int, *, final_only: bool = True) -> list[ModelRow]:
    """What a run saved, in the order of its steps."""
    chosen = select(ModelRow).where(ModelRow.run_id == run_id).order_by(ModelRow.step, ModelRow.id)
    return list(session.scalars(chosen.where(ModelRow.final) if final_only else chosen))


def to_ref(row: ModelRow, folder: Path) -> ModelRef:
    """The weights a row names; `folder` is the workspace's, which a relative adapter path starts from."""
    if row.endpoint is not None:
        return ModelRef(row.base, endpoint=with_facts(to_endpoint(load_settings(row.endpoint)), row.facts))
    adapter = None if row.adapter is None else str(folder / row.adapter)
    return ModelRef(base=row.base, adapter=adapter, revision=row.revision)


def adapter_path(adapter: Path, folder: Path) -> str:
    """How an adapter folder is stored: relative to the workspace if it lies inside, so that it can be moved."""
    adapter, folder = adapter.absolute(), folder.absolute()
    return str(adapter.relative_to(folder)) if adapter.is_relative_to(folder) else str(adapter)
