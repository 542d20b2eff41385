"""The files that the paper's authors published: two of principles, three of few-shots, in JSON.

Line breaks and labels stand inside the strings there ("CritiqueRequest: ..." up to "Critique:"); they are taken off on
reading and put back on writing, and every word between them stays as it is, typos included. The published few-shots of
comparisons name no principle, and those without reasoning no sides either: both are drawn, by the seed.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from cai_core.errors import ConstitutionError
from cai_core.interchange import paper_shots
from cai_core.interchange.entries import Reading, id_of, title_of
from cai_core.interchange.losses import changed_fields, has_comparison, has_critique, head, left_out, named
from cai_core.interchange.paper_shots import ShotError
from cai_core.interchange.report import Export, ImportReport, ReadOptions
from cai_core.interchange.texts import parse_json
from cai_core.types import Constitution, Principle, derive_seed

FILES = {
    "critiques": "CritiqueRevisionInstructions.json",
    "comparisons": "RLMadisonInstructions.json",
    "critique few-shots": "CritiqueRevisionFewShotPrompts.json",
    "comparison few-shots": "RLMadisonFewShotPrompts.json",
    "few-shots with reasoning": "RLMadisonPrecogFewShotPrompts.json",
}
"""What each file holds, in the order in which they are read, and its published name."""
OPTIONS = "Options:"
"""Ends a comparison principle there."""
GENERAL = "Choose the response that is more helpful, honest and harmless."
"""Stands in for the principle of comparison few-shots that come without any."""


def kind_of(data: Any) -> str | None:
    """Which of the files some JSON is; None: none of them."""
    if isinstance(data, dict) and any(isinstance(one, dict) and "edit_request" in one for one in data.values()):
        return "critiques"
    if not isinstance(data, list) or not data:
        return None
    texts = [one for one in data if isinstance(one, str)]
    if texts:
        ended = all(text.rstrip().endswith(OPTIONS) for text in texts)
        shots = not ended and any("\n\nCritiqueRequest:" in text for text in texts)
        return "critique few-shots" if shots else "comparisons"
    objects = [one for one in data if isinstance(one, dict) and "prompt" in one]
    if any("corrects" in one for one in objects):
        return "comparison few-shots"
    return "few-shots with reasoning" if objects else None


def read(files: Mapping[str, str], options: ReadOptions) -> ImportReport:
    """One of the files, or several that become one constitution."""
    found: dict[str, Any] = {}
    for where, text in files.items():
        data = parse_json(text, where=where)
        kind = kind_of(data)
        if kind is None:
            raise ConstitutionError(f"{where} is none of the paper's files; they are: {', '.join(FILES.values())}")
        if kind in found:
            raise ConstitutionError(f"{where}: a second file of {kind}; give one of each kind")
        found[kind] = data
    reading = Reading("paper")
    _read_critiques(reading, found.get("critiques", {}))
    _read_comparisons(reading, found.get("comparisons", []))
    if reading.principles:
        reading.lost.append("titles are made of each text's first words: this format has none")
    _read_shots(reading, found, options.seed)
    return reading.finish(options.name or "paper")


def write(constitution: Constitution) -> Export:
    """The files as published, of the kinds that the constitution has."""
    critiques = [principle for principle in constitution.principles if has_critique(principle)]
    comparisons = [principle for principle in constitution.principles if has_comparison(principle)]
    if not critiques and not comparisons:
        raise ConstitutionError("no principle is enabled, so there is nothing to write; enable one")
    shots, lost_shots = paper_shots.write(constitution.few_shots)
    data = {
        "critiques": {one.id: _critique(one) for one in critiques},
        "comparisons": [f"\n{one.comparison} {OPTIONS}" for one in comparisons],
        **shots,
    }
    files = {name: json.dumps(data[kind]) for kind, name in FILES.items() if data[kind]}
    return Export(files, (*_lost(constitution, files, critiques, comparisons), *lost_shots))


def _read_critiques(reading: Reading, data: Mapping[str, Any]) -> None:
    for key, entry in data.items():
        prompt = entry.get("prompt") if isinstance(entry, dict) else None
        texts = [prompt] if isinstance(prompt, str) else prompt
        edit = entry.get("edit_request") if isinstance(entry, dict) else None
        if not isinstance(texts, list) or not isinstance(edit, str) or not _is_one_text(texts):
            reading.refuse(key[:64], '"prompt" must be a list of one text, and "edit_request" a text')
            continue
        critique, framed = unframed(texts[0], "CritiqueRequest:", "Critique:")
        revision, framed_too = unframed(edit, "RevisionRequest:", "Revision:")
        values = {
            "id": id_of(key),
            "title": title_of(critique),
            "critique_request": critique,
            "revision_request": revision,
        }
        note = "" if framed and framed_too else "it came without some of its labels"
        reading.add_principle(values, name=key[:64], note=note)


def _read_comparisons(reading: Reading, data: list[Any]) -> None:
    for number, text in enumerate(data):
        name = f"comparison{number}"
        if not isinstance(text, str):
            reading.refuse(name, "a text is wanted")
            continue
        comparison, framed = unframed(text, "", OPTIONS)
        values = {"id": name, "title": title_of(comparison), "comparison": comparison}
        reading.add_principle(values, name=name, note="" if framed else f"it came without '{OPTIONS}'")


def _read_shots(reading: Reading, found: Mapping[str, Any], seed: int) -> None:
    shots = [
        (kind, name, values)
        for kind in paper_shots.PARSERS
        for name, values in _parsed(reading, kind, found.get(kind, []), seed)
    ]
    if shots and not reading.principles:
        _add_principles_of(reading, [values for _, _, values in shots])
    drawn_from = [(one.id, one.comparison) for one in reading.principles if one.comparison is not None]
    for kind, name, values in shots:
        note = ""
        if "response_a" in values:
            place = derive_seed(seed, "few-shot principle", name)
            id, text = drawn_from[place % len(drawn_from)] if drawn_from else ("a general principle", GENERAL)
            values, note = {**values, "comparison": text}, f"under {id}, answered {values['answer']}"
        reading.add_shot(paper_shots.PARSERS[kind][0], values, name=name, note=note)
    if any("response_a" in values for _, _, values in shots):
        reading.lost.append(f"few-shot comparisons name no principle here; each one's was drawn by seed {seed}")


def _parsed(reading: Reading, kind: str, data: list[Any], seed: int) -> list[tuple[str, dict[str, Any]]]:
    """The few-shots of one file that can be read, with their names."""
    sides = _sides(len(data), seed)
    shots = []
    for number, entry in enumerate(data, 1):
        name = f"{kind.replace('few-shots', 'few-shot')} {number}"
        try:
            shots.append((name, paper_shots.PARSERS[kind][1](entry, sides[number - 1])))
        except ShotError as error:
            reading.refuse(name, str(error))
    if kind == "comparison few-shots" and data:
        reading.lost.append(f"which response of a few-shot comparison is A was drawn by seed {seed}")
    return shots


def _add_principles_of(reading: Reading, shots: list[dict[str, Any]]) -> None:
    """Few-shots alone: what they ask for becomes the principles."""
    asked = [(one["critique_request"], one["revision_request"]) for one in shots if "critique_request" in one]
    for number, (critique, revision) in enumerate(dict.fromkeys(asked)):
        values = {"title": title_of(critique), "critique_request": critique, "revision_request": revision}
        name = f"critique{number}"
        reading.add_principle({"id": name, **values}, name=name, note="taken from the few-shots")
    if any("response_a" in one for one in shots):
        values = {"id": "general", "title": "In general", "comparison": GENERAL}
        reading.add_principle(values, name="general", note="made here, because no file of principles is given")


def _sides(count: int, seed: int) -> list[str]:
    """Which side the better response of each comparison is on: as often A as B, in an order drawn by the seed."""
    draws = Random(derive_seed(seed, "few-shot sides"))
    first = draws.randrange(2)
    sides = ["AB"[(first + number) % 2] for number in range(count)]
    draws.shuffle(sides)
    return sides


def _is_one_text(texts: list[Any]) -> bool:
    return len(texts) == 1 and isinstance(texts[0], str)


def _critique(principle: Principle) -> dict[str, Any]:
    return {
        "prompt": [f"\n\nCritiqueRequest: {principle.critique_request}\n\nCritique:"],
        "edit_request": f"\n\nRevisionRequest: {principle.revision_request}\n\nRevision:",
    }


def unframed(text: str, opening: str, closing: str) -> tuple[str, bool]:
    """A text without the labels around it, and whether both were there."""
    bare = text.strip()
    framed = bare.startswith(opening) and bare.endswith(closing)
    return bare.removeprefix(opening).removesuffix(closing).strip(), framed


def _lost(
    constitution: Constitution, files: Mapping[str, str], critiques: list[Principle], comparisons: list[Principle]
) -> list[str]:
    again = read(files, ReadOptions(name=constitution.name)).constitution
    read_again = again.principles if again is not None else ()
    lost = head(constitution) + left_out(constitution, [*critiques, *comparisons], "without either half")
    both = [one.id for one in critiques if one in comparisons]
    if both:
        lost.append(f"that critique and comparison belong together: {named(both)}")
    order = [has_critique(one) for one in constitution.principles if one.enabled]
    if order != sorted(order, reverse=True):
        lost.append("the order: principles with a critique half come first")
    halves = [_only(one, "critique") for one in critiques] + [_only(one, "comparison") for one in comparisons]
    return lost + changed_fields(halves, read_again)


def _only(principle: Principle, half: str) -> Principle:
    """One half of a principle, as it is written."""
    if half == "critique":
        return replace(principle, comparison=None)
    return replace(principle, critique_request=None, revision_request=None)
