"""What is written comes back as it was, or is left out by name; a file appears whole or not at all."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import DataFileError
from cai_core.interchange.rows import (
    About,
    Item,
    ReadChain,
    ReadExample,
    ReadPair,
    ReadPrompt,
    ReadStep,
    Refused,
    Style,
    read_rows,
    write_rows,
)
from cai_core.types import Conversation, Message, PromptKind, Role, Split, assistant, user

SYSTEM = Message(Role.SYSTEM, "Be kind.")
ASKED = (user("a"), assistant("b"), user("c"))
ABOUT = About(PromptKind.RED_TEAM, Split.DEV, "theft", ("x", "y"), {"id": 3, "nested": {"deep": [None, 1.5]}})
PROMPT = ReadPrompt(1, ASKED, ABOUT)
EXAMPLE = ReadExample(1, (*ASKED, assistant("d")))
PAIR = ReadPair(1, ASKED, (assistant("d"),), (assistant("e"),))
FILES = ["a.jsonl", "a.json", "a.csv", "a.tsv", "a.parquet", "a.jsonl.gz", "a.csv.gz"]


def back(path: Path, format: str) -> list[Item | Refused]:
    return [
        replace(item, number=1) if not isinstance(item, Refused) else item for item in read_rows(path, format=format)
    ]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("format", "style", "item"),
    [
        ("prompts", Style.CONVERSATIONAL, PROMPT),
        ("prompts", Style.CONVERSATIONAL, ReadPrompt(1, (SYSTEM, user("=1+1")))),
        ("prompt-only", Style.CONVERSATIONAL, ReadPrompt(1, ASKED)),
        ("prompt-only", Style.STANDARD, ReadPrompt(1, ASKED)),
        ("prompt-only", Style.STANDARD, ReadPrompt(1, (user(" a\n"),))),
        ("prompt-completion", Style.CONVERSATIONAL, EXAMPLE),
        ("prompt-completion", Style.STANDARD, EXAMPLE),
        ("preference", Style.CONVERSATIONAL, PAIR),
        ("preference", Style.STANDARD, PAIR),
        ("language-modeling", Style.STANDARD, EXAMPLE),
        ("language-modeling", Style.STANDARD, ReadExample(1, (assistant("A document."),))),
        ("chat", Style.CONVERSATIONAL, EXAMPLE),
        ("chat", Style.CONVERSATIONAL, ReadPrompt(1, ASKED)),
        ("hh-rlhf", Style.STANDARD, PAIR),
    ],
)
def test_every_format_in_every_kind_of_file(name: str, format: str, style: Style, item: Item, tmp_path: Path) -> None:
    report = write_rows(tmp_path / name, [item, item], format=format, style=style)
    assert (report.rows, report.left_out, report.lost) == (2, (), ())
    assert back(tmp_path / name, format) == [item, item]


def test_the_columns_are_those_that_trl_and_openai_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"

    def row(item: Item, format: str, style: Style = Style.CONVERSATIONAL) -> Any:
        write_rows(path, [item], format=format, style=style)
        return json.loads(path.read_text())

    asked = [{"role": "user", "content": "a"}]
    pair = ReadPair(1, (user("a"),), (assistant("b"),), (assistant("c"),))
    reply = {"role": "assistant", "content": "b"}
    other = {"role": "assistant", "content": "c"}
    assert row(pair, "preference") == {"prompt": asked, "chosen": [reply], "rejected": [other]}
    assert row(pair, "preference", Style.STANDARD) == {"prompt": "a", "chosen": "b", "rejected": "c"}
    assert row(pair, "hh-rlhf") == {
        "chosen": "\n\nHuman: a\n\nAssistant: b",
        "rejected": "\n\nHuman: a\n\nAssistant: c",
    }
    example = ReadExample(1, (user("a"), assistant("b")))
    assert row(example, "chat") == row(example, "language-modeling") == {"messages": [*asked, reply]}
    assert row(example, "prompt-completion") == {"prompt": asked, "completion": [reply]}
    assert row(EXAMPLE, "prompt-completion", Style.STANDARD) == {
        "prompt": "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:",
        "completion": " d",
    }
    assert row(PROMPT, "prompts")["tags"] == ["x", "y"]


def test_a_chain_becomes_a_row_a_step(tmp_path: Path) -> None:
    steps = (ReadStep("q1", "c1", "r1", "once", "harmful3"), ReadStep("q2", "c2", "r2", "twice"))
    path = tmp_path / "a.jsonl"
    report = write_rows(path, [ReadChain(4, (user("a"),), "first", steps)], format="cai-conversation")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["init_response"], row["revision_response"]) for row in rows] == [("first", "once"), ("once", "twice")]
    assert rows[1]["rejected"][-1]["content"] == "once"
    assert report.lost == ("how the steps of a chain belong together (1 rows)", "the keys of principles (1 rows)")
    assert [item.about.notes for item in read_rows(path) if isinstance(item, ReadChain)] == [(), ()]


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    rows: list[Item] = [
        PROMPT,
        replace(PAIR, number=2),
        ReadPrompt(3, (SYSTEM, *ASKED)),
        ReadPrompt(4, (user("\n\nHuman: a\n\nAssistant: b\n\nHuman: c"),)),
        ReadPrompt(5, (user("a\n\nAssistant: b"), assistant("c"), user("d"))),
        ReadExample(6, (assistant("A document."),)),
        ReadPrompt(7, (user("\ud800"),)),
    ]
    report = write_rows(tmp_path / "a.jsonl", rows, format="prompt-only", style=Style.STANDARD)
    assert (report.rows, report.left_out_count) == (2, 5)
    assert report.left_out == (
        Refused(3, "a transcript has no system turn"),
        Refused(4, "the prompt is a text that looks like a transcript"),
        Refused(5, "a later paragraph of a turn begins with 'Human:' or 'Assistant:', as turns do"),
        Refused(6, "a document asks nothing"),
        Refused(7, "a text holds half of a surrogate pair"),
    )
    assert report.lost == (
        "kind (1 rows)",
        "split (1 rows)",
        "topic (1 rows)",
        "tags (1 rows)",
        "the column id (1 rows)",
        "the column nested (1 rows)",
        "what follows the prompt (1 rows)",
    )


def test_a_noun_of_another_sort_is_left_out(tmp_path: Path) -> None:
    report = write_rows(tmp_path / "a.jsonl", [PROMPT, EXAMPLE], format="preference")
    assert report.left_out == (Refused(1, "a prompt is no pair"), Refused(1, "an example is no pair"))
    assert (tmp_path / "a.jsonl").read_bytes() == b""


def test_rows_that_were_refused_are_left_out_for_their_reason(tmp_path: Path) -> None:
    report = write_rows(tmp_path / "a.jsonl", [PROMPT, Refused(2, "prompt is empty")], format="prompts")
    assert (report.rows, report.left_out) == (1, (Refused(2, "prompt is empty"),))


def test_a_report_does_not_grow_with_the_file(tmp_path: Path) -> None:
    rows = (ReadPrompt(n, (user("a" if n % 2 else ""),), About(extra={f"c{n}": n})) for n in range(3_000))
    report = write_rows(tmp_path / "a.jsonl", rows, format="prompt-only")
    assert (report.rows, report.left_out_count, len(report.left_out)) == (1_500, 1_500, 1_000)
    assert len(report.lost) <= 101
    assert report.lost[-1].startswith("more columns (1,4")


def test_an_extra_that_is_no_json_is_left_out(tmp_path: Path) -> None:
    row = ReadPrompt(1, ASKED, About(extra={"x": float("nan")}))
    report = write_rows(tmp_path / "a.jsonl", [row], format="prompts")
    assert report.left_out == (Refused(1, "extra holds what JSON cannot say"),)


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@a", "\ta", "\ra"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [ReadPrompt(1, (user(text),)), ReadPrompt(2, (user("a=b"),))]
    report = write_rows(path, rows, format="prompt-only", style=Style.STANDARD)
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [["prompt"], [f"'{text}"], ["a=b"]]
    assert report.lost == ("an apostrophe stands before 1 cells that a spreadsheet would run as formulas",)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for name in FILES:
        contents = []
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir(exist_ok=True)
            write_rows(tmp_path / folder / name, [PROMPT] * 3, format="prompts")
            contents.append((tmp_path / folder / name).read_bytes())
        assert contents[0] == contents[1]


def test_an_empty_file_of_every_kind(tmp_path: Path) -> None:
    for name in FILES:
        assert write_rows(tmp_path / name, [], format="preference").rows == 0
        with pytest.raises(DataFileError, match=r"is empty|no row that can be used"):
            list(read_rows(tmp_path / name))


@pytest.mark.parametrize("name", FILES)
def test_what_fails_half_way_leaves_what_stood_there(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("before")

    def rows() -> Iterator[Item]:
        yield from [PROMPT] * 2_000
        raise DataFileError("the disk of the source failed")

    with pytest.raises(DataFileError, match="the source failed"):
        write_rows(path, rows(), format="prompts")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"cannot be written: No such file.*Nothing was changed"):
        write_rows(tmp_path / "none" / "a.jsonl", [], format="chat")
    (tmp_path / "a.jsonl").mkdir()
    with pytest.raises(DataFileError, match="cannot be written: it is a folder"):
        write_rows(tmp_path / "a.jsonl", [], format="chat")
    with pytest.raises(DataFileError, match="does not say which kind"):
        write_rows(tmp_path / "a.parquet.gz", [], format="chat")
    with pytest.raises(DataFileError, match="no format 'xml'"):
        write_rows(tmp_path / "b.jsonl", [], format="xml")


@pytest.mark.parametrize("name", FILES)
def test_a_full_disk_is_said(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataFileError, match="cannot be written: No space left on device"):
        write_rows(tmp_path / name, [PROMPT], format="prompts")
    assert list(tmp_path.iterdir()) == []


def test_rows_are_written_over_the_file_they_come_from(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_rows(path, [replace(PROMPT, number=n) for n in range(1, 300)], format="prompts")
    write_rows(
        path, (row for row in read_rows(path) if isinstance(row, ReadPrompt) and row.number % 2), format="prompts"
    )
    assert len(list(read_rows(path))) == 150


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)
labelled = st.lists(st.sampled_from(["a", " ", "\n\n", "Human:", "Assistant:", "'", "=", '"', "[{", "\r"]), min_size=1)
contents = st.one_of(texts, labelled.map("".join).filter(str.strip))
prompts = st.lists(contents, min_size=1, max_size=5).map(lambda drawn: drawn if len(drawn) % 2 else drawn[:-1] or drawn)


def conversation(drawn: list[str]) -> Conversation:
    return tuple((assistant if at % 2 else user)(text) for at, text in enumerate(drawn))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
abouts = st.builds(
    About,
    kind=st.sampled_from([None, *PromptKind]),
    split=st.sampled_from([None, *Split]),
    topic=st.none() | texts,
    tags=st.lists(texts, max_size=3).map(tuple),
    extra=st.dictionaries(texts.map(lambda name: f"x{name}"), plain, max_size=3),
)


@given(
    st.lists(st.tuples(prompts, contents, contents, abouts), min_size=1, max_size=5),
    st.sampled_from(list(Style)),
    st.sampled_from(["a.jsonl", "a.json", "a.parquet", "a.csv", "a.tsv.gz"]),
)
def test_whatever_is_written_is_what_comes_back(
    drawn: list[tuple[list[str], str, str, About]], style: Style, name: str
) -> None:
    pairs: list[Item] = []
    plains: list[Item] = []
    for number, (asked, chosen, rejected, about) in enumerate(drawn, start=1):
        pairs.append(ReadPair(number, conversation(asked), (assistant(chosen),), (assistant(rejected + "."),)))
        plains.append(ReadPrompt(number, conversation(asked), about))
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        for format, items in (("preference", pairs), ("hh-rlhf", pairs), ("prompts", plains)):
            report = write_rows(path, items, format=format, style=style)
            kept = [item for item in items if item.number not in {row.row for row in report.left_out}]
            assert report.rows == len(kept)
            assert report.rows == len(items) or (format, style) != ("prompts", style)
            if kept and not any("apostrophe" in lost for lost in report.lost):
                assert back(path, format) == [replace(item, number=1) for item in kept]
