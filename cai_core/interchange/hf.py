"""The constitution of Hugging Face's recipe (llm-swarm): critique and revision requests, and whole chats as few-shots.

    {"constitutions": [{"critic": "...", "revision": "..."}, ...],
     "system_chat": [[{"role": "user", "content": "..."}, ...], ...]}

A chat is a conversation that ends with the response, then critique request, critique, revision request, revision.
"""

import json
from collections.abc import Mapping
from typing import Any

from cai_core.errors import ConstitutionError
from cai_core.interchange.entries import Reading, name_of, title_of, unknown_keys
from cai_core.interchange.losses import changed_fields, has_critique, head, left_out
from cai_core.interchange.report import Export, ImportReport, ReadOptions
from cai_core.interchange.texts import parse_json
from cai_core.types import Constitution, CritiqueRevisionShot


def read(files: Mapping[str, str], options: ReadOptions) -> ImportReport:
    """One JSON file."""
    ((where, text),) = files.items()
    data = parse_json(text, where=where)
    if not isinstance(data, dict) or not isinstance(data.get("constitutions"), list):
        raise ConstitutionError(f'{where}: an object with a list "constitutions" is wanted; check that it is one')
    chats = data.get("system_chat", [])
    if not isinstance(chats, list):
        raise ConstitutionError(f'{where}: "system_chat" is not a list; write a list of chats, or leave it out')
    reading = Reading("hf")
    for number, entry in enumerate(data["constitutions"]):
        _add_principle(reading, entry, f"critique{number}")
    for number, chat in enumerate(chats, 1):
        _add_chat(reading, chat, f"few-shot {number}")
    reading.lost.append("ids and titles are made here: this format has none")
    left = unknown_keys(data, ("constitutions", "system_chat"))
    reading.lost += [left] if left else []
    return reading.finish(options.name or name_of(files))


def write(constitution: Constitution) -> Export:
    """One JSON file of the enabled critique halves, laid out as the published one is."""
    kept = [principle for principle in constitution.principles if has_critique(principle)]
    if not kept:
        raise ConstitutionError(
            "this format holds critique and revision requests, and no enabled principle has them; add or enable one"
        )
    chats = [_chat(shot) for shot in constitution.few_shots.critique_revision]
    entries = [{"critic": one.critique_request, "revision": one.revision_request} for one in kept]
    text = json.dumps({"constitutions": entries, "system_chat": chats}, indent=2)
    files = {"constitution.json": text}
    again = read(files, ReadOptions(name=constitution.name)).constitution
    assert again is not None  # it holds all that was kept
    lost = head(constitution) + left_out(constitution, kept, "without critique half")
    lost += changed_fields(kept, again.principles)
    shots = constitution.few_shots
    if shots.comparison or shots.comparison_with_reasoning:
        lost.append(f"{len(shots.comparison) + len(shots.comparison_with_reasoning)} comparison few-shots")
    return Export(files, tuple(lost))


def _add_principle(reading: Reading, entry: Any, id: str) -> None:
    if not isinstance(entry, dict):
        reading.refuse(id, 'an object with "critic" and "revision" is wanted')
        return
    critique, revision = entry.get("critic"), entry.get("revision")
    if not isinstance(critique, str) or not isinstance(revision, str):
        reading.refuse(id, '"critic" and "revision" must both be there, and be text')
        return
    values = {"id": id, "title": title_of(critique), "critique_request": critique, "revision_request": revision}
    reading.add_principle(values, name=id, note=unknown_keys(entry, ("critic", "revision")))


def _add_chat(reading: Reading, chat: Any, name: str) -> None:
    turns = chat if isinstance(chat, list) and all(isinstance(turn, dict) for turn in chat) else []
    if len(turns) < 6:
        reading.refuse(name, "a chat of at least six turns is wanted: prompt, response, and critique and revision")
        return
    roles = [turn.get("role") for turn in turns[-4:]]
    if roles != ["user", "assistant"] * 2:
        reading.refuse(name, f"its last four turns are by {roles}; user, assistant, user, assistant are wanted")
        return
    asked, critique, asked_again, revision = (turn.get("content") for turn in turns[-4:])
    values = {
        "conversation": turns[:-4],
        "critique_request": asked,
        "critique": critique,
        "revision_request": asked_again,
        "revision": revision,
    }
    reading.add_shot("critique_revision", values, name=name)


def _chat(shot: CritiqueRevisionShot) -> list[dict[str, str]]:
    turns = [{"role": turn.role.value, "content": turn.content} for turn in shot.conversation]
    said = (shot.critique_request, shot.critique, shot.revision_request, shot.revision)
    roles = ("user", "assistant", "user", "assistant")
    return turns + [{"role": role, "content": text} for role, text in zip(roles, said, strict=True)]
