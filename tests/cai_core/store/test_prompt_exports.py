"""Prompts to files: what comes out comes in again as it was, and what does not fit is said."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cai_core.errors import PromptError
from cai_core.interchange.rows import ReadPrompt, read_rows
from cai_core.store import prompts
from cai_core.store.prompt_exports import export_prompts
from cai_core.store.prompt_files import Wishes, import_prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Prompt, PromptKind, Split, assistant, prompt_uid, user
from tests.workspaces import fresh

text = st.text(min_size=1).filter(lambda one: one.strip() and "\x00" not in one)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
turns = st.builds(
    lambda before, last: (*(turn for one, two in before for turn in (user(one), assistant(two))), user(last)),
    st.lists(st.tuples(text, text), max_size=2),
    text,
)
stored = st.builds(
    lambda turns, kind, split, topic, tags, extra: Prompt(
        prompt_uid(turns), turns, kind, split, "mine", topic, tuple(tags), extra
    ),
    turns,
    st.sampled_from(PromptKind),
    st.sampled_from(Split),
    st.none() | text,
    st.lists(text, max_size=2),
    st.dictionaries(text, json_values, max_size=3),
)


def fill(opened: Workspace, some: list[Prompt]) -> None:
    with opened.writing() as session:
        prompts.add(session, some)


def make(number: int, **changes: Any) -> Prompt:
    said = (user(f"n {number}"),)
    values = {"kind": PromptKind.HELPFUL, "split": Split.TRAIN, "source": "mine", **changes}
    return Prompt(prompt_uid(said), said, **values)


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv", "x.jsonl.gz", "x.parquet"])
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some=st.lists(stored, min_size=1, max_size=4, unique_by=lambda prompt: prompt.uid))
def test_out_and_in_and_out_gives_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, name: str, some: list[Prompt]
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    one, other = fresh(folder / "one"), fresh(folder / "other")
    fill(one, some)
    export = export_prompts(one, folder / name, source="mine")
    if export.rows:
        report = import_prompts(other, read_rows(folder / name, format="prompts"), Wishes(source="mine"))
        assert (report.accepted, report.refused_count) == (export.rows, 0)
        again = export_prompts(other, folder / f"again-{name}", source="mine")
        assert (again.rows, again.left_out_count) == (export.rows, 0)
        assert (folder / name).read_bytes() == (folder / f"again-{name}").read_bytes()
    assert export.rows + export.left_out_count == len(some)
    assert export.lost == () or name.endswith("csv")
    for workspace in (one, other):
        workspace.close()


def test_set_kind_and_split_choose_and_order_is_that_of_the_rows(opened: Workspace, tmp_path: Path) -> None:
    some = [make(n, kind=list(PromptKind)[n % 3], split=list(Split)[n % 2]) for n in range(1203)]
    fill(opened, [*some, make(5000, source="other")])
    file = tmp_path / "x.jsonl"
    export = export_prompts(opened, file, source="mine", kind=PromptKind.HELPFUL, split=Split.DEV)
    wanted = [p.turns for p in some if (p.kind, p.split) == ("helpful", "dev")]
    assert export.rows == len(wanted) > 0
    assert [item.turns for item in read_rows(file) if isinstance(item, ReadPrompt)] == wanted
    assert export_prompts(opened, file, source="mine").rows == 1203


def test_what_a_format_cannot_hold_is_said(opened: Workspace, tmp_path: Path) -> None:
    fill(opened, [make(1, tags=("a",), extra={"colour": 1}), make(2, source="other", topic="t")])
    export = export_prompts(opened, tmp_path / "x.jsonl", format="chat", source="mine")
    assert set(export.lost) == {f"{what} (1 rows)" for what in ("kind", "split", "tags", "the column colour")}
    assert json.loads((tmp_path / "x.jsonl").read_text()) == {"messages": [{"role": "user", "content": "n 1"}]}
    assert any("names of 3 sets" in lost for lost in export_prompts(opened, tmp_path / "y.jsonl").lost)


def test_nothing_to_write_leaves_the_file_that_stood_there(opened: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("as it was")
    for source, format in (("none", "prompts"), ("sandbox", "preference")):
        with pytest.raises(PromptError):
            export_prompts(opened, file, source=source, format=format)
    assert file.read_text() == "as it was"
