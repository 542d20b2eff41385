"""A constitution's file: what stays of it when a version is written to it, and how it stands to the versions."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cai_core.constitution.files import (
    FileState,
    FoundFile,
    file_name,
    find_files,
    status_of,
    updated_text,
    write_file,
)
from cai_core.constitution.load import constitution_hash, dump_constitution, load_constitution, parse_constitution
from cai_core.constitution.splice import spliced
from cai_core.errors import ConstitutionError
from cai_core.types import Constitution, Principle, user
from tests.cai_core.interchange.generated import constitutions

README = Path(__file__).parents[3] / "constitutions" / "README.md"
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
BEFORE = parse_constitution(EXAMPLE, where="README.md")
PRIVACY, PLAIN, USEFUL = BEFORE.principles


def lines_of(constitution: Constitution, old: str = EXAMPLE) -> tuple[list[str], list[str]]:
    """The lines that writing it takes out of the old text, and those that it puts in."""
    new = spliced(old, constitution)
    assert new is not None
    assert parse_constitution(new, where="new") == constitution
    assert updated_text(old, constitution) == new
    before, after = old.splitlines(), new.splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


def test_nothing_changes_where_nothing_changed() -> None:
    assert updated_text(EXAMPLE, BEFORE) == EXAMPLE


def test_a_changed_field_changes_its_own_lines_and_keeps_its_comment_and_style() -> None:
    privacy = replace(PRIVACY, weight=3.0, tags=("a", "b"), revision_request="Choose: the #1 answer.")
    assert lines_of(replace(BEFORE, principles=(privacy, PLAIN, USEFUL))) == (
        [
            "    tags: [privacy]                   # optional; for filtering only",
            "    weight: 2                         # optional, above 0: drawn twice as often as one with weight 1",
            "      Write the answer anew so that it leaves other people's private things alone.",
        ],
        [
            "    tags: [a, b]                   # optional; for filtering only",
            "    weight: 3                         # optional, above 0: drawn twice as often as one with weight 1",
            "      Choose: the #1 answer.",
        ],
    )


def test_what_goes_back_to_its_default_stays_written_out() -> None:
    privacy, useful = replace(PRIVACY, weight=1.0), replace(USEFUL, enabled=True)
    gone, come = lines_of(replace(BEFORE, principles=(privacy, PLAIN, useful)))
    assert len(gone) == len(come) == 2
    assert come[0].startswith("    weight: 1 ")
    assert come[1].startswith("    enabled: true ")


def test_comments_move_with_what_they_stand_above() -> None:
    moved = spliced(EXAMPLE, replace(BEFORE, principles=(PLAIN, USEFUL, PRIVACY)))
    assert moved is not None
    order = [
        "principles:\n  # Comparison only: never drawn for a critique.\n  - id: plain-words\n",
        "\n\n  # Judges helpfulness, on prompts that ask for ordinary help.\n  - id: useful\n",
        "\n\n  # Both halves: drawn for critiques and for comparisons.\n  - id: privacy                       # unique",
        "\n\nfew_shots:                            # optional, each list too\n",
    ]
    places = [moved.index(part) for part in order]
    assert places == sorted(places)
    assert sorted(filter(None, moved.splitlines())) == sorted(filter(None, EXAMPLE.splitlines()))


def test_removing_takes_only_its_own_lines_and_adding_brings_only_its_own() -> None:
    gone, come = lines_of(replace(BEFORE, principles=(PRIVACY, USEFUL)))
    assert come == []
    assert gone == [
        "  # Comparison only: never drawn for a critique.",
        "  - id: plain-words",
        "    title: Objecting without a sermon",
        "      Of two harmless answers, choose the one that sounds less like a lecture.",
    ]
    new = Principle("new", "A new one", comparison="Which?")
    gone, come = lines_of(replace(BEFORE, principles=(PRIVACY, new, PLAIN, USEFUL)))
    assert (gone, come) == ([], ["  - id: new", "    title: A new one", "    comparison: Which?"])


def test_few_shots_are_kept_where_they_are_the_same() -> None:
    shots = BEFORE.few_shots
    (critique,) = shots.critique_revision
    changed = replace(
        shots,
        critique_revision=(
            replace(critique, critique="It does.", conversation=(user("Hi"), critique.conversation[1])),
        ),
        comparison=(),
    )
    gone, come = lines_of(replace(BEFORE, few_shots=changed))
    assert "  comparison:" in gone
    assert "      critique: It does." in come
    assert "        - role: user" in come
    assert not any("reasoning" in line for line in gone)


def test_a_half_may_come_and_go() -> None:
    privacy = replace(PRIVACY, comparison=None)
    plain = replace(PLAIN, critique_request="Does it preach?", revision_request="Preach less.")
    gone, come = lines_of(replace(BEFORE, principles=(privacy, plain, USEFUL)))
    assert come == ["    critique_request: Does it preach?", "    revision_request: Preach less."]
    assert gone == ["      Choose the answer that better respects other people's privacy."]


HEAD = "format: cai-constitution/1\nname: mine\n"
OTHER_STYLES = {
    "quotes": (
        HEAD + "principles:\n- id: 'a'\n  title: \"A: b\"  # t\n  comparison: 'It''s'  # c\n",
        HEAD + "principles:\n- id: 'a'\n  title: \"New: 'x'\"  # t\n  comparison: 'Don''t'  # c\n",
    ),
    "blocks": (
        HEAD
        + "principles:\n  -   id: a\n      title: A\n      comparison: |  # c\n        one\n        # two\n\n# end\n",
        HEAD
        + "principles:\n  -   id: a\n      title: \"New: 'x'\"\n      comparison: |  # c\n        Don't\n\n# end\n",
    ),
    "dashes alone": (HEAD + "principles:\n  -\n    id: a\n    title: A  # t\n    comparison: B\n", None),
    "flow": (HEAD + "principles: [{id: a, title: A, comparison: B}]  # p\n# end\n", None),
}


@pytest.mark.parametrize("style", OTHER_STYLES)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_other_styles(style: str, line_end: str) -> None:
    old, wanted = OTHER_STYLES[style]
    constitution = parse_constitution(old, where="old")
    changed = replace(
        constitution, principles=(replace(constitution.principles[0], title="New: 'x'", comparison="Don't"),)
    )
    new = updated_text(old.replace("\n", line_end), changed)
    assert parse_constitution(new, where="new") == changed
    if wanted is not None:
        assert new == wanted.replace("\n", line_end)
    else:
        assert ("# end" in new) == ("# end" in old)


def test_what_cannot_be_kept_is_written_plainly() -> None:
    for old in (None, "", "not: a constitution", EXAMPLE.replace("Be a good", "Be a\u2028good")):
        assert updated_text(old, BEFORE) == dump_constitution(BEFORE)


@given(constitutions, constitutions, st.data())
@settings(max_examples=60)
def test_order_and_text_are_always_right(old: Constitution, new: Constitution, data: st.DataObject) -> None:
    """Any constitution over any other, with principles and few-shots of both."""
    ids = {one.id: one for one in (*old.principles, *new.principles)}
    mixed = data.draw(st.permutations(list(ids.values())))[: data.draw(st.integers(1, len(ids)))]
    changed = replace(new, principles=tuple(mixed))
    text = re.sub(r"^(  - id: \S+)$", r"  # before\n\1  # beside", dump_constitution(old), flags=re.MULTILINE)
    assume(parse_constitution(text, where="old") == old)  # else a text holds what looks like an id
    assert parse_constitution(updated_text(text, changed), where="new") == changed
    kept = spliced(text, changed)
    if kept is None:
        assert re.search("[\r\x85\u2028\u2029]", text)
    else:
        assert parse_constitution(kept, where="kept") == changed
        assert spliced(text, old) == text


# --- writing -----------------------------------------------------------------------------------------------


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "neighbourly.yaml"
    path.write_text(EXAMPLE)
    path.chmod(0o640)

    def fail(_self: Path, _target: object) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", fail)
        with pytest.raises(ConstitutionError, match="No space left"):
            write_file(path, replace(BEFORE, description="Other."))
    assert path.read_text() == EXAMPLE
    assert os.listdir(tmp_path) == [path.name]
    write_file(path, replace(BEFORE, description="Other."))
    assert load_constitution(path).description == "Other."
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_new_file_is_made_with_its_folder(tmp_path: Path) -> None:
    write_file(tmp_path / "deep" / "er" / "n.yaml", BEFORE)
    assert load_constitution(tmp_path / "deep" / "er" / "n.yaml") == BEFORE


def test_a_file_that_holds_something_else_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "neighbourly.yaml"
    for text in (EXAMPLE.replace("name: neighbourly", "name: another"), "shopping: list\n", ""):
        path.write_text(text)
        with pytest.raises(ConstitutionError, match="is not overwritten"):
            write_file(path, BEFORE)
        assert path.read_text() == text
    with pytest.raises(ConstitutionError, match="is not overwritten"):
        write_file(tmp_path, BEFORE)


@pytest.mark.parametrize("name", ["plain", "..", "a:b?", "漢" * 100, ".hidden", "CON", "-x"])
def test_any_name_makes_a_file_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / file_name(name)
    assert path.parent.resolve() == tmp_path.resolve()
    constitution = replace(BEFORE, name=name)
    write_file(path, constitution)
    assert [file.name for file in find_files([tmp_path])] == [name]


# --- how it stands -----------------------------------------------------------------------------------------


def test_states() -> None:
    def state(*hashes: str) -> tuple[FileState, str | None, str | None]:
        found = status_of(FoundFile(Path("n.yaml"), "n", "h"), hashes)
        return found.state, found.ref, found.of

    assert state() == (FileState.ONLY_FILE, None, None)
    assert state("h") == (FileState.SAME, "n@1", "n@1")
    assert state("a", "h", "b") == (FileState.DATABASE_NEWER, "n@3", "n@2")
    assert state("h", "b", "h") == (FileState.SAME, "n@3", "n@3")
    assert state("a", "b") == (FileState.FILE_CHANGED, "n@2", None)
    bad = status_of(FoundFile(Path("n.yaml"), "n.yaml", error="no"), ["h"])
    assert (bad.state, bad.error) == (FileState.UNREADABLE, "no")


def test_files_are_found_by_the_name_in_them_and_the_later_folder_wins(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    (first / "x.yaml").write_text(EXAMPLE)
    (first / "bad.yaml").write_text("a: [")
    (first / "notes.md").write_text("hello")
    assert [(one.path, one.hash) for one in find_files([first, second, tmp_path / "none"]) if not one.error] == [
        (first / "x.yaml", constitution_hash(BEFORE))
    ]
    (second / "y.yml").write_text(EXAMPLE + "# mine\n")
    (second / "z.yaml").write_text(EXAMPLE)
    found = {one.path: one.error for one in find_files([first, second])}
    assert set(found) == {first / "bad.yaml", second / "y.yml", second / "z.yaml"}
    assert "not valid YAML" in found[first / "bad.yaml"]
    assert "holds constitution 'neighbourly', as y.yml does" in found[second / "z.yaml"]


def test_a_file_that_was_edited_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "n.yaml"
    path.write_text(EXAMPLE)
    (before,) = find_files([tmp_path])
    other = tmp_path / "other"
    other.write_text(EXAMPLE.replace("Be a good", "Be a bad"))
    other.replace(path)
    (after,) = find_files([tmp_path])
    assert before.hash != after.hash
