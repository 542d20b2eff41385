"""Constitutions from and to YAML (`format: cai-constitution/1`; constitutions/README.md explains it).

A file that does not fit is refused with everything that is wrong with it at once: file, principle, field, value and
what to do. `parse_constitution(dump_constitution(c)) == c` for every constitution that was ever loaded.
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from cai_core.constitution.read_yaml import read_text, read_yaml
from cai_core.constitution.schema import FORMAT, ConstitutionEntry
from cai_core.errors import ConstitutionError
from cai_core.types import ComparisonShot, Constitution, CritiqueRevisionShot, FewShots, Principle, PrincipleKind

MAX_PROBLEMS = 20
_LISTS = {
    "principles": "principle",
    "critique_revision": "critique_revision few-shot",
    "comparison": "comparison few-shot",
    "comparison_with_reasoning": "comparison_with_reasoning few-shot",
}


def load_constitution(path: str | Path) -> Constitution:
    """Read a constitution's file; `ConstitutionError` says everything that is wrong with it."""
    path = Path(path)
    return parse_constitution(read_text(path), where=str(path))


def parse_constitution(text: str, *, where: str) -> Constitution:
    """Read a constitution from its YAML; `where` names the text in errors."""
    if not text.strip():
        raise ConstitutionError(f"{where} is empty; start from the example in constitutions/README.md")
    data = read_yaml(text, where=where)
    if not isinstance(data, dict):
        raise ConstitutionError(
            f"{where} holds {_kind_of(data)} where a mapping is wanted; begin with the line 'format: {FORMAT}'"
        )
    problems = _duplicate_ids(data)
    try:
        entry = ConstitutionEntry.model_validate(data)
    except ValidationError as error:
        problems = problems_of(data, error) + problems
    if problems:
        raise ConstitutionError(_message(where, problems))
    return entry.noun()


def problems_of(data: Any, error: ValidationError) -> list[str]:
    """What is wrong with values that do not fit, one problem a line: which entry, which field, what to do."""
    return [_problem(data, detail) for detail in error.errors(include_url=False)]


def check_constitution(constitution: Constitution, *, where: str = "constitution") -> Constitution:
    """The constitution as its file would give it back, checked by all the rules; for one edited in a form."""
    return parse_constitution(dump_constitution(constitution), where=where)


def dump_constitution(constitution: Constitution) -> str:
    """The YAML of a constitution; what has its default value is left out."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(quoted(as_plain(constitution)), stream)
    return stream.getvalue()


def as_plain(constitution: Constitution) -> dict[str, Any]:
    """The constitution as the plain values of its file."""
    values: dict[str, Any] = {"format": FORMAT, "name": constitution.name}
    if constitution.description:
        values["description"] = constitution.description
    values["principles"] = [_plain_principle(principle) for principle in constitution.principles]
    few_shots = few_shots_as_plain(constitution.few_shots)
    if few_shots:
        values["few_shots"] = few_shots
    return values


def few_shots_as_plain(few_shots: FewShots) -> dict[str, Any]:
    """The few-shots as the plain values of their file; empty lists are left out."""
    lists: dict[str, Sequence[CritiqueRevisionShot | ComparisonShot]] = {
        "critique_revision": few_shots.critique_revision,
        "comparison": few_shots.comparison,
        "comparison_with_reasoning": few_shots.comparison_with_reasoning,
    }
    return {name: [_plain_shot(shot) for shot in shots] for name, shots in lists.items() if shots}


def constitution_hash(constitution: Constitution) -> str:
    """SHA-256 of the whole content, 64 hex digits: equal exactly where the constitutions are."""
    text = json.dumps(asdict(constitution), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def quoted(value: Any) -> Any:
    """Plain values, with quotes around texts that the YAML library would else break at a NEL and not put together."""
    if isinstance(value, dict):
        return {key: quoted(one) for key, one in value.items()}
    if isinstance(value, list):
        return [quoted(one) for one in value]
    return DoubleQuotedScalarString(value) if isinstance(value, str) and "\x85" in value else value


def _plain_principle(principle: Principle) -> dict[str, Any]:
    values: dict[str, Any] = {"id": principle.id, "title": principle.title}
    if principle.kind != PrincipleKind.HARMLESSNESS:
        values["kind"] = principle.kind.value
    if principle.tags:
        values["tags"] = list(principle.tags)
    if principle.weight != 1.0:
        values["weight"] = principle.weight
    if not principle.enabled:
        values["enabled"] = False
    for name in ("critique_request", "revision_request", "comparison"):
        if getattr(principle, name) is not None:
            values[name] = getattr(principle, name)
    return values


def _plain_shot(shot: CritiqueRevisionShot | ComparisonShot) -> dict[str, Any]:
    turns = [{"role": turn.role.value, "content": turn.content} for turn in shot.conversation]
    rest = {name: value for name, value in asdict(shot).items() if name != "conversation" and value is not None}
    return {"conversation": turns, **rest}


def _duplicate_ids(data: Mapping[str, Any]) -> list[str]:
    """Found on the raw values, so that they are reported beside other problems."""
    entries = data.get("principles")
    named = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    ids = [entry["id"] for entry in named if isinstance(entry.get("id"), str)]
    return [
        f"principle {name!r}: {count} principles have this id; give each its own"
        for name, count in Counter(ids).items()
        if count > 1
    ]


def _problem(data: Any, detail: ErrorDetails) -> str:
    """One problem in words: which entry, which field, which value, what to do."""
    entry, rest = _entry(data, detail["loc"])
    field = f"field {rest[-1] if detail['type'] == 'invalid_key' else _path(rest)}" if rest else ""
    value = "" if detail["type"] in ("missing", "half") else f" = {short(detail['input'])}"
    place = ": ".join(filter(None, [entry, field])) or "the file"
    return f"{place}{value}: {_remedy(detail)}"


def _entry(data: Any, loc: Sequence[int | str]) -> tuple[str, Sequence[int | str]]:
    """Name the entry that `loc` leads to ('principle 'privacy' (number 3)'), and give what is left of the way."""
    for place, step in enumerate(loc):
        if isinstance(step, int) and place and loc[place - 1] in _LISTS:
            value = _follow(data, loc[: place + 1])
            name = value.get("id") if isinstance(value, dict) else None
            named = f" {name!r}" if isinstance(name, str) else ""
            number = f" (number {step + 1})" if named else f" number {step + 1}"
            return f"{_LISTS[str(loc[place - 1])]}{named}{number}", loc[place + 1 :]
    return "", loc


def _follow(data: Any, loc: Iterable[int | str]) -> Any:
    for step in loc:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _path(steps: Iterable[int | str]) -> str:
    return ".".join(str(step + 1) if isinstance(step, int) else str(step) for step in steps)


def short(value: object) -> str:
    """A value as an error shows it: at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _remedy(detail: ErrorDetails) -> str:
    """What is accepted and what to do, by the kind of problem; pydantic's own words where they are clear enough."""
    return {
        "missing": "it is missing; add it",
        "extra_forbidden": "unknown key; check its spelling, or remove it",
        "invalid_key": "a key must be text; put it in quotes",
        "string_type": f"text is wanted, not {_kind_of(detail['input'])}; put it in quotes",
        "bool_type": "write true or false, without quotes",
        "float_type": "a number above 0 is wanted, without quotes",
        "greater_than": "a weight is above 0; to leave a principle out, write 'enabled: false'",
        "finite_number": "a weight is a finite number above 0",
        "list_type": "a list is wanted: one '- ' entry a line",
        "model_type": f"a mapping is wanted ('key: value' lines), not {_kind_of(detail['input'])}",
        "too_short": "at least one principle is wanted; add one",
        "literal_error": f"write exactly: {detail.get('ctx', {}).get('expected', FORMAT)}",
    }.get(detail["type"], detail["msg"])


def _kind_of(value: object) -> str:
    names = {str: "text", int: "a number", float: "a number", bool: "true/false", list: "a list", dict: "a mapping"}
    return "nothing" if value is None else names.get(type(value), f"a {type(value).__name__}")


def _message(where: str, problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return f"{where}: {problems[0]}"
    shown = [f"\n- {problem}" for problem in problems[:MAX_PROBLEMS]]
    more = f"\n- and {len(problems) - MAX_PROBLEMS} more" if len(problems) > MAX_PROBLEMS else ""
    return f"{where} has {len(problems)} problems:{''.join(shown)}{more}"
