"""Files of every kind: the same rows come out of all, with the numbers that a person sees, in memory of a few rows."""

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import DataFileError
from cai_core.interchange.rows import Item, ReadPrompt, Refused, read_rows
from cai_core.interchange.rows.limits import HEAD
from cai_core.interchange.rows.recognise import FileKind
from cai_core.types import user

TEXTS = ["One?", 'Two, "quoted"?', "Three\nlines\nhere?", "Ünïcödé, 日本 😀?"]


def as_jsonl(texts: list[str]) -> bytes:
    return "".join(json.dumps({"prompt": text, "n": 1}) + "\n" for text in texts).encode()


def as_json(texts: list[str]) -> bytes:
    return json.dumps([{"prompt": text, "n": 1} for text in texts], indent=1, ensure_ascii=False).encode()


def as_table(delimiter: str) -> Callable[[list[str]], bytes]:
    def write(texts: list[str]) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter).writerows([["prompt", "n"], *([text, 1] for text in texts)])
        return out.getvalue().encode()

    return write


def as_parquet(texts: list[str]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"prompt": texts, "n": [1] * len(texts)}), out, row_group_size=200)
    return out.getvalue()


KINDS: dict[str, Callable[[list[str]], bytes]] = {
    "jsonl": as_jsonl,
    "json": as_json,
    "csv": as_table(","),
    "csv;": as_table(";"),
    "csv|": as_table("|"),
    "tsv": as_table("\t"),
    "parquet": as_parquet,
}


def texts_of(items: list[Item | Refused]) -> list[str]:
    assert not [item for item in items if isinstance(item, Refused)]
    return [item.turns[-1].content for item in items if isinstance(item, ReadPrompt)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_rows(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "misnamed.pdf"
    path.write_bytes(KINDS[kind](TEXTS))
    reading = read_rows(path)
    assert (reading.shape.kind.value, reading.format) == (kind.rstrip(";|"), "prompt-only")
    assert texts_of(list(reading)) == TEXTS
    assert texts_of(list(reading)) == TEXTS  # a reading can be read again
    if kind != "parquet":
        packed = read_rows(gzip.compress(path.read_bytes()))
        assert (packed.shape.gzip, texts_of(list(packed))) == (True, TEXTS)


def test_plain_lines() -> None:
    reading = read_rows(b"\n One? \r\n\nTwo, then?\n{three}")
    assert reading.shape.kind is FileKind.LINES
    assert list(reading) == [
        ReadPrompt(2, (user(" One? "),)),
        ReadPrompt(4, (user("Two, then?"),)),
        ReadPrompt(5, (user("{three}"),)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Hello, world\nA, b\nC, d\n",
        "[INST] a\n",
        '"Quoted", he said.\n',
        "One; two; three\n",
        "prompting\na\n",
        "prompt: a\n",
    ],
)
def test_prose_is_lines(text: str) -> None:
    assert read_rows(text.encode()).shape.kind is FileKind.LINES


def test_lines_may_be_told() -> None:
    data = b'{"prompt": "a"}\nprompt,topic\n'
    assert texts_of(list(read_rows(data, format="lines"))) == ['{"prompt": "a"}', "prompt,topic"]


def test_one_column_is_a_table_where_its_name_is_known() -> None:
    assert texts_of(list(read_rows(b'prompt\nOne?\n"Two, then?"\n'))) == ["One?", "Two, then?"]


def test_rows_have_the_numbers_that_a_person_sees() -> None:
    assert [item.row for item in read_rows(b'\n{"prompt": "a"}\n\n{}\n') if isinstance(item, Refused)] == [4]
    table = list(read_rows(b'prompt,n\n"a\nb",1\n,2\n\nc\n'))
    assert [item.number for item in table if isinstance(item, ReadPrompt)] == [2]
    assert [item for item in table if isinstance(item, Refused)] == [
        Refused(3, "prompt is empty (it starts in line 4)"),
        Refused(5, "1 cells where the header has 2 (it starts in line 6)"),
    ]
    assert [item.row for item in read_rows(b'[{"prompt": "a"},\n{}]') if isinstance(item, Refused)] == [2]
    (nothing,) = [item for item in read_rows(parquet(["a", None, "b"])) if isinstance(item, Refused)]
    assert nothing == Refused(2, "prompt is null; it should be a list of {'role', 'content'}")


def parquet(texts: list[str | None]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table({"prompt": pa.array(texts, pa.string()), "picture": [b"a"] * len(texts)}), out)
    return out.getvalue()


def test_columns_of_no_use_are_named() -> None:
    assert read_rows(parquet(["a"])).left_out == ("picture (binary)",)


def test_messages_within_a_cell() -> None:
    cell = json.dumps([{"role": "user", "content": "a, b"}]).replace('"', '""')
    (item,) = read_rows(f'prompt,n\n"{cell}",1\n'.encode())
    assert isinstance(item, ReadPrompt)
    assert item.turns == (user("a, b"),)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="cannot be read: No such file"):
        read_rows(tmp_path / "none.jsonl")
    with pytest.raises(DataFileError, match="is a folder"):
        read_rows(tmp_path)
    with pytest.raises(DataFileError, match="no ordinary file"):
        read_rows("/dev/zero")


def test_the_source_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(as_jsonl(TEXTS))
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    list(read_rows(path))
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "parquet"])
def test_memory_does_not_grow_with_the_file(kind: str, tmp_path: Path) -> None:
    peaks = []
    for count in (3_000, 30_000):
        path = tmp_path / f"{count}"
        path.write_bytes(KINDS[kind]([f"Number {n}? {'and more ' * 20}" for n in range(count)]))
        tracemalloc.start()
        assert sum(1 for _ in read_rows(path)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 4 * HEAD


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


@given(st.lists(texts, min_size=1, max_size=20), st.sampled_from(["jsonl", "json", "csv", "tsv", "parquet"]))
def test_any_text_comes_out_as_it_went_in(given_texts: list[str], kind: str) -> None:
    items = list(read_rows(KINDS[kind](given_texts), format="prompt-only"))
    assert texts_of(items) == given_texts


@given(st.binary(max_size=400))
def test_any_bytes_are_rows_or_refused(data: bytes) -> None:
    for content in (data, gzip.compress(data), b"PAR1" + data + b"PAR1", b'[{"prompt": "' + data, b"prompt,a\n" + data):
        try:
            items = list(read_rows(content))
        except DataFileError:
            continue
        assert any(not isinstance(item, Refused) for item in items)


@given(st.data())
def test_any_damage_to_a_good_file_is_met(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    content = bytearray(KINDS[kind](TEXTS * 3))
    if data.draw(st.booleans()):
        content = bytearray(gzip.compress(content))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[:cut])):
        with suppress(DataFileError):
            list(read_rows(damaged))
