"""A stage's config as a form: one widget a field, its docstring as help, its bounds from its type."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from cai_core.config import CONFIGS, StageConfig
from cai_core.types import RunKind
from db.queries.constitutions import constitution_names, drawable, versions
from db.queries.datasets import dataset_names
from db.queries.models import model_names, prompt_sources

COLUMNS = 3
PREFERENCE = ("preference_model",)
"""Fields that name a preference model; other model fields name a causal one."""
SAME = ("judge", "critique_model", "revision_model")
"""Fields that, left empty, take the model that the run names."""
TRAINED = {(RunKind.SFT, "model"), (RunKind.PM, "model"), (RunKind.RL, "policy")}
"""Fields that name what is trained: no server's model, whose weights are not here."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the workspace offers for the fields that name something in it."""

    constitutions: list[str]
    causal: list[str]
    preference: list[str]
    sources: list[str]
    trainable: list[str]
    """The causal models whose weights are here."""
    principles: list[str]
    """Ids of principles that a chain can draw."""
    datasets: list[str]


def choices(session: Session) -> Choices:
    """Names of constitutions and of their versions, of models and of prompt sets."""
    names = constitution_names(session)
    pinned = [line.name for name in names for line in versions(session, name)]
    preference = model_names(session, "preference")
    weights = model_names(session, weights=True)
    return Choices(
        [*names, *pinned],
        model_names(session),
        preference,
        prompt_sources(session),
        weights,
        drawable(session),
        dataset_names(session),
    )


def schema(kind: RunKind) -> dict[str, dict[str, Any]]:
    """Each field's JSON schema: type, bounds, default, description."""
    adapter: TypeAdapter[StageConfig] = TypeAdapter(CONFIGS[kind])
    properties: dict[str, dict[str, Any]] = adapter.json_schema()["properties"]
    return properties


def label(name: str) -> str:
    """A field's name as a form shows it."""
    return name.replace("_", " ").capitalize().replace("Kl ", "KL ").replace("Lora ", "LoRA ")


def config_form(kind: RunKind, values: Mapping[str, Any], offered: Choices, prefix: str) -> None:
    """Draw the fields, showing `values` or else their defaults; toggles come last."""
    fields = schema(kind)
    trained = replace(offered, causal=offered.trainable)
    plain = [name for name, field in fields.items() if field.get("type") != "boolean"]
    for start in range(0, len(plain), COLUMNS):
        for column, name in zip(st.columns(COLUMNS), plain[start : start + COLUMNS], strict=False):
            with column:
                names = trained if (kind, name) in TRAINED else offered
                _widget(name, fields[name], values.get(name, fields[name].get("default")), names, f"{prefix}.{name}")
    for name in fields:
        if name not in plain:
            value = bool(values.get(name, fields[name].get("default")))
            st.toggle(
                label(name), value, key=f"{prefix}.{name}", help=fields[name]["description"], persist_state="session"
            )


def read_form(kind: RunKind, prefix: str) -> dict[str, Any]:
    """What the form says, as plain values."""
    found = {name: st.session_state.get(f"{prefix}.{name}") for name in schema(kind)}
    return {name: tuple(v) if isinstance(v, list) else v for name, v in found.items() if v is not None}


def _widget(name: str, field: dict[str, Any], value: Any, offered: Choices, key: str) -> None:
    if "enum" in field:
        st.segmented_control(
            label(name),
            list(field["enum"]),
            default=value,
            required=True,
            key=key,
            help=field["description"],
            persist_state="session",
        )
    elif field["type"] in ("integer", "number"):
        _number(name, field, value, key)
    elif field["type"] == "array":
        named = list(value or ())
        options = offered.principles if name == "principles" else offered.causal
        st.multiselect(
            label(name),
            [*options, *(one for one in named if one not in options)],
            named,
            key=key,
            help=field["description"],
            placeholder="All that are enabled" if name == "principles" else "From the parent runs",
            persist_state="session",
        )
    else:
        _name(name, field, str(value or ""), offered, key)


def _number(name: str, field: dict[str, Any], value: Any, key: str) -> None:
    if field["type"] == "integer":
        low, high = field.get("minimum"), field.get("maximum")
        st.number_input(
            label(name), low, high, int(value), 1, key=key, help=field["description"], persist_state="session"
        )
        return
    low = float(field.get("minimum", field.get("exclusiveMinimum", 0.0)))
    high, shown = float(field["maximum"]), float(value)
    step = shown / 10 if 0 < shown < 0.1 else 0.05
    st.number_input(
        label(name), low, high, shown, step, "%g", key=key, help=field["description"], persist_state="session"
    )


WRITTEN = ("name", "split", "targets")
"""Fields that something is written into, rather than chosen."""


def _name(name: str, field: dict[str, Any], value: str, offered: Choices, key: str) -> None:
    """A field that names something in the workspace; the empty name is said in words."""
    if name in WRITTEN:
        st.text_input(label(name), value, key=key, help=field["description"], persist_state="session")
        return
    if name == "constitution":
        options, nothing = offered.constitutions, "None"
    elif name in ("source", "examples_from"):
        options, nothing = offered.sources, "All prompts"
    elif name == "dataset":
        options, nothing = offered.datasets, "The parent run's chains"
    else:
        options = offered.preference if name in PREFERENCE else offered.causal
        options = [*offered.causal, *offered.preference] if name == "judge_model" else options
        nothing = "The same model" if name in SAME else "Not named" if name == "judge_model" else "From the parent run"
    if field.get("default") == "":
        options = ["", *options]
    if value and value not in options:
        options = [value, *options]
    index = options.index(value) if value in options else 0
    st.selectbox(
        label(name),
        options,
        index,
        format_func=lambda option: option or nothing,
        key=key,
        help=field["description"],
        persist_state="session",
    )
