"""A model's card: README.md in its adapter's folder, with what a reader needs to judge and to use it."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.store import datasets, provenance
from db.queries.runs import version_name
from db.schema import MetricRow, ModelRow, RunRow

CURVES = ("loss", "heldout_loss", "reward", "kl")
"""What is shown of the curves, where it was measured."""
POINTS = 10
"""Steps that the table of the curves shows."""
TITLES = {"sft": "SL-CAI", "pm": "Preference model", "rl": "RL-CAI"}


def write_card(session: Session, model: ModelRow, folder: Path, facts: Mapping[str, Any]) -> Path:
    """Write the card of a run's model into its adapter's folder, whole or not at all."""
    final, draft = folder / "README.md", folder / ".README.md.part"
    draft.write_text(card(session, model, facts), encoding="utf-8")
    os.replace(draft, final)
    return final


def card(session: Session, model: ModelRow, facts: Mapping[str, Any]) -> str:
    """The card's Markdown; `facts` are the training's."""
    run = session.get_one(RunRow, model.run_id)
    parts = [
        _head(model, run),
        _section("Where it came from", _table(("run", "stage", "seed", "constitution"), _causes(session, run))),
        _section("Data", _table(("what", "value"), _data(session, run, facts))),
        _section("Settings", _table(("setting", "value"), run.config.items())),
        _section("Curves", _curves(session, run.id)),
        _section("What was measured", _table(("figure", "value"), _flat(facts))),
        _section("Where human judgement entered", _table(("what", "value"), provenance.of_model(session, model))),
        _section("Use", _use(model)),
    ]
    return "\n".join(parts)


def _head(model: ModelRow, run: RunRow) -> str:
    tags = "tags:\n- constitutional-ai\n- lora\n"
    front = f"---\nbase_model: {json.dumps(model.base)}\nlibrary_name: peft\n{tags}---\n"
    step = f" at step {model.step}" if model.step is not None else ""
    return (
        f"{front}# {_cell(model.name)}\n\n{TITLES.get(run.kind, run.kind)} by LoRA on {_cell(model.base)}{step}, made "
        f"with CAI Studio (run {run.uid}, code {run.code_revision or 'unknown'}).\n"
    )


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}\n" if body else ""


def _table(columns: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> str:
    lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    rule = "|" + "---|" * len(columns)
    return "\n".join(["| " + " | ".join(columns) + " |", rule, *lines]) + "\n" if lines else ""


def _cell(value: Any) -> str:
    """One line without anything that Markdown would read."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    text = " ".join(text.split())
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in text)


def _causes(session: Session, run: RunRow) -> Iterator[tuple[Any, ...]]:
    for one in provenance.causes(session, run.id):
        yield one.id, one.kind, one.seed, version_name(session, one.constitution_version_id) or "–"


def _data(session: Session, run: RunRow, facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    row = datasets.of_run(session, run.id)
    if row is not None:
        yield "dataset", row.name
        yield "SHA-256 of its content", row.hash
        yield from ((name, row.counts[name]) for name in ("train", "heldout", "prompts", "revisions", "samples"))
        yield from row.counts["left_out"].items()
    elif run.kind == "sft":
        yield "chains", "of the parent run, as its settings say"
    yield from ((name, facts[name]) for name in ("trained", "tokens", "prompts") if name in facts)


def _curves(session: Session, run_id: int) -> str:
    """About ten steps of each curve, the last among them."""
    rows = select(MetricRow.step, MetricRow.name, MetricRow.value).where(
        MetricRow.run_id == run_id, MetricRow.name.in_(CURVES)
    )
    found: dict[int, dict[str, float]] = {}
    for step, name, value in session.execute(rows.order_by(MetricRow.step)):
        found.setdefault(step, {})[name] = value
    names = tuple(name for name in CURVES if any(name in values for values in found.values()))
    steps = list(found)
    every = max(1, -(-len(steps) // POINTS))
    measured = {step for step in steps if "heldout_loss" in found[step]}
    few = measured if len(measured) <= POINTS else set(sorted(measured)[:: -(-len(measured) // POINTS)])
    shown = sorted({*steps[::every], *steps[-1:], *few})
    return _table(("step", *names), ((step, *(found[step].get(name, "") for name in names)) for step in shown))


def _flat(values: Mapping[str, Any], ahead: str = "") -> Iterator[tuple[str, Any]]:
    """Figures by their dotted names; lists are left to the pages that draw them."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{ahead}{name}.")
        elif not isinstance(value, list):
            yield f"{ahead}{name}", "unknown" if value is None else value


def _use(model: ModelRow) -> str:
    kind = "SequenceClassification" if model.kind == "preference" else "CausalLM"
    labels = ", num_labels=1" if model.kind == "preference" else ""
    base = "the sandbox's weights, which ship with CAI Studio" if model.base == "sandbox" else json.dumps(model.base)
    return (
        f"```python\nfrom peft import PeftModel\nfrom transformers import AutoModelFor{kind}\n\n"
        f"base = AutoModelFor{kind}.from_pretrained(BASE{labels})  # {base}\n"
        "model = PeftModel.from_pretrained(base, ADAPTER)  # this folder\n```\n"
    )
