"""Prompts: stored once, drawn by seed, imported line by line."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cai_core.errors import PromptError
from cai_core.store import prompts, runs
from cai_core.store.prompt_files import import_prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Prompt, PromptKind, RunKind, Split, assistant, prompt_uid, user
from db.schema import PromptRow


def prompt(text: str, kind: PromptKind = PromptKind.HELPFUL) -> Prompt:
    turns = (user("before"), assistant("yes?"), user(text))
    return Prompt(prompt_uid(turns), turns, kind, Split.TRAIN, "mine", "topic")


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


def test_an_import_sets_bad_lines_aside_and_reports_them(opened: Workspace, tmp_path: Path) -> None:
    lines = [
        json.dumps({"prompt": "How do I boil an egg?"}),
        "{not json",
        json.dumps({"turns": [{"role": "user", "content": "Hi"}], "kind": "red_team", "split": "dev", "topic": "x"}),
        json.dumps({"prompt": "a\u0000b"}),
        json.dumps({"prompt": "x", "turns": []}),
        json.dumps({"turns": [{"role": "assistant", "content": "Hi"}]}),
        json.dumps({"prompt": "x", "colour": 1}),
        json.dumps({"prompt": "x", "kind": "bad"}),
        json.dumps({"prompt": 5}),
        '{"prompt": "\\ud800"}',
        '{"prompt": "x", "topic": "\\ud800"}',
        '{"prompt": "x", "topic": 5}',
        '{"prompt": "x", "topic": ' + "9" * 5000 + "}",
        "",
        json.dumps({"prompt": "How do I boil an egg?"}),
        "[1]",
    ]
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(lines))
    report = import_prompts(opened, file, kind=PromptKind.HELPFUL)
    assert (report.added, report.known) == (2, 1)
    assert [number for number, _ in report.bad] == [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16]
    turns = (user("Hi"),)
    assert stored(opened, prompt_uid(turns)) == Prompt(
        prompt_uid(turns), turns, PromptKind.RED_TEAM, Split.DEV, "mine", "x"
    )


def test_a_text_file_has_a_prompt_a_line(opened: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_bytes("\ufeffone\r\n\r\n{two}\n".encode())
    report = import_prompts(opened, file, kind=PromptKind.RED_TEAM, split=Split.TEST, source="set")
    assert (report.added, report.bad) == (2, ())
    turns = (user("{two}"),)
    assert stored(opened, prompt_uid(turns)).source == "set"


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\x00bad"])
def test_a_file_without_a_usable_line_is_refused_whole(opened: Workspace, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "mine.txt"
    file.write_bytes(content)
    with pytest.raises(PromptError, match=r"mine\.txt"):
        import_prompts(opened, file, kind=PromptKind.HELPFUL)


def test_an_import_cut_short_has_added_nothing(
    opened: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("".join(f"prompt {n}\n" for n in range(25)))
    real = prompts.add

    def add(session: Session, some: list[Prompt]) -> int:
        real(session, some[:10])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(prompts, "add", add)
        with pytest.raises(KeyboardInterrupt):
            import_prompts(opened, file, kind=PromptKind.HELPFUL)
    report = import_prompts(opened, file, kind=PromptKind.HELPFUL)
    assert (report.added, report.known) == (25, 0)
