"""Prompts: stored once, drawn by seed."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from cai_core.errors import PromptError
from cai_core.store import prompts, runs
from cai_core.store.workspace import Workspace
from cai_core.types import Prompt, PromptKind, RunKind, Split, assistant, prompt_uid, user
from db.schema import PromptRow


def prompt(text: str, kind: PromptKind = PromptKind.HELPFUL) -> Prompt:
    turns = (user("before"), assistant("yes?"), user(text))
    extra = {"scores": [1, None, 0.5], "é": {"deep": "🦉"}}
    return Prompt(prompt_uid(turns), turns, kind, Split.TRAIN, "mine", "topic", ("one", "two"), extra)


def stored(opened: Workspace, uid: str) -> Prompt:
    with opened.reading() as session:
        return prompts.to_noun(session.scalars(select(PromptRow).where(PromptRow.uid == uid)).one())


def new_run(session, seed: int = 0) -> int:
    row = runs.add(session, kind=RunKind.CHAINS, config={}, seed=seed, parents=[], constitution_version_id=None)
    return row.id


def test_a_prompt_comes_back_as_it_was(opened: Workspace) -> None:
    one = prompt("\u200bodd  spacing\n<|im_end|> é 🦉")
    with opened.writing() as session:
        assert prompts.add(session, [one, one]) == 1
        assert prompts.add(session, [one]) == 0
    assert stored(opened, one.uid) == one


def test_the_first_of_two_is_kept_over_any_number_of_rows(opened: Workspace) -> None:
    many = [prompt(f"n {n}") for n in range(3 * prompts.CHUNK + 1)]
    again = [replace(one, source="later") for one in many]
    with opened.writing() as session:
        assert prompts.add(session, iter([many[0], again[0], *many[1:], *again])) == len(many)
    assert {stored(opened, one.uid).source for one in (many[0], many[-1])} == {"mine"}


def test_prompts_that_are_equal_have_the_same_hash() -> None:
    assert hash(prompt("x")) == hash(prompt("x"))
    assert prompt("x") != replace(prompt("x"), extra={})


def drawn(opened: Workspace, seed: int, count: int) -> list[str]:
    wanted = {PromptKind.RED_TEAM: count, PromptKind.HELPFUL: 2}
    with opened.writing() as session:
        run = new_run(session, seed)
        ids, _ = prompts.draw(session, wanted, split=Split.TRAIN, source="sandbox", seed=seed)
        prompts.fix_inputs(session, run, ids)
        return [p.uid for _, p in prompts.of_run(session, run)]


def test_a_draw_depends_on_the_seed_alone_and_grows_by_appending(opened: Workspace) -> None:
    assert drawn(opened, 1, 10) == drawn(opened, 1, 10)
    assert drawn(opened, 1, 10) != drawn(opened, 2, 10)
    assert drawn(opened, 1, 20)[:10] == drawn(opened, 1, 10)[:10]


def test_a_draw_is_unmoved_by_other_prompts_that_are_not_drawn(opened: Workspace) -> None:
    before = drawn(opened, 1, 10)
    with opened.writing() as session:
        prompts.add(session, [prompt(f"another {n}") for n in range(50)])
    assert drawn(opened, 1, 10) == before


def test_a_draw_says_how_many_there_were(opened: Workspace) -> None:
    with opened.reading() as session:
        wanted = {PromptKind.RED_TEAM: 9999, PromptKind.HELPFUL: 0}
        _, found = prompts.draw(session, wanted, split=Split.DEV, source="", seed=0)
    assert found == {"red_team": 300, "helpful": 0}


def test_a_draw_of_nothing_is_an_error_that_names_the_sources(opened: Workspace) -> None:
    with pytest.raises(PromptError, match="Sources here: sandbox"), opened.reading() as session:
        prompts.draw(session, {PromptKind.HELPFUL: 5}, split=Split.TRAIN, source="x", seed=0)
