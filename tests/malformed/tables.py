"""Tables and lines: CSV, Parquet and plain text."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.malformed.case import Case


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **options)
    return out.getvalue()


def long_csv_record(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'prompt,topic\n"')
        for _ in range(18):
            file.write(b"never closed\n" * 80_000)


def parquet_bomb() -> bytes:
    """A text of 8 MiB, said 2,000 times by its number."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), ["a" * (8 << 20)])
    return parquet({"prompt": texts}, compression="zstd")


def broken_text() -> bytes:
    """A column that claims to be text and is not."""
    texts = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe"))
    return parquet({"prompt": texts})


PLAIN_PARQUET = parquet({"prompt": ["a?", "b?"]})

TABLES = [
    Case(
        "new lines in quotes", b'prompt,topic\n"a\nb\nc",x\n,y\nd,z\n', usable=2, aside=((3, "(it starts in line 5)"),)
    ),
    Case("a quote never closed", b'prompt,topic\na,b\n"c,d\ne,f\n', "record that starts in line 3 is never closed"),
    Case("a quote never closed, long", long_csv_record, "record that starts in line 2 is longer than 16 MiB"),
    Case("a quote in the middle", b'prompt,topic\n"a"b,c\nd,e\n', usable=1, aside=((2, "after its closing quote"),)),
    Case("too many cells", b"prompt,topic\na,b,c\nd,e\n", usable=1, aside=((2, "3 cells where the header has 2"),)),
    Case("too few cells", b"prompt,topic\na\nd,e\n", usable=1, aside=((2, "1 cells where the header has 2"),)),
    Case("a header alone", b"prompt,topic\n", "holds no row"),
    Case("a header without its line end", b"prompt,topic", "holds no row"),
    Case("a column twice", b"prompt,prompt\na,b\n", "two columns named 'prompt'"),
    Case("too many columns", b"prompt," + ",".join(map(str, range(1_000))).encode() + b"\na\n", "1,001 columns"),
    Case("no name over a column", b",prompt\n0,a\n1,b\n", usable=2),
    Case("NUL in a cell", b"prompt,topic\na\0,b\nc,d\n", usable=1, aside=((2, "NUL"),)),
    Case("a bare carriage return", b"prompt,topic\na\rb,c\nd,e\n", usable=1, aside=((2, "carriage return"),)),
    Case("columns nobody knows, CSV", b"name,age\nAda,36\nAlan,41\n", "no format is known"),
    Case("columns nobody knows, TSV", b"name\tage\nAda\t36\nAlan\t41\n", "no format is known"),
    Case("semicolons", b"prompt;topic\nWhat is 1,5?;numbers\n", usable=1),
    Case("tabs", b"prompt\ttopic\nHow, then?\tx\n", usable=1),
    Case("a list that is none in a cell", b'messages\n"[{""role"": ""user""]"\n', "holds no row"),
]
LINES = [
    Case("NUL in a line", b"one\ntw\0o\nthree\n", usable=2, aside=((2, "NUL"),)),
    Case("CR LF", b"one\r\ntwo\r\n", usable=2),
    Case("other separators", "one\x0bstill one\u2028still one\ntwo\n".encode(), usable=2),
    Case("no columns for this format", b"one\ntwo\n", "have no columns", format="hh-rlhf"),
    Case("no such format", b"one\n", "there is no format 'xml'", format="xml"),
]
PARQUETS = [
    Case("Parquet cut in its head", PLAIN_PARQUET[:4], "cannot be read as Parquet"),
    Case("Parquet cut in the middle", PLAIN_PARQUET[: len(PLAIN_PARQUET) // 2], "cannot be read as Parquet"),
    Case("Parquet cut in its tail", PLAIN_PARQUET[:-1], "cannot be read as Parquet"),
    Case("Parquet without its end mark", PLAIN_PARQUET[:-4] + b"RAP1", "cannot be read as Parquet"),
    Case(
        "Parquet with a wrong length", PLAIN_PARQUET[:-8] + b"\xff\xff\xff\x7f" + b"PAR1", "cannot be read as Parquet"
    ),
    Case("Parquet with its head gone", b"PAR1" + b"\0" * 40 + PLAIN_PARQUET[44:], "cannot be read as Parquet"),
    Case("another magic", b"PAR2" + PLAIN_PARQUET[4:], "is not UTF-8"),
    Case("Parquet without rows", parquet({"prompt": pa.array([], pa.string())}), "holds no row"),
    Case("Parquet without columns", parquet({}), "holds no row"),
    Case("Parquet of bytes", parquet({"prompt": [b"a", b"b"]}), "no format is known"),
    Case("Parquet with bytes beside", parquet({"prompt": ["a"], "image": [b"a"]}), usable=1),
    Case("Parquet of nested types", parquet({"prompt": [[[["a"]]], None, []]}), "holds no row"),
    Case("Parquet of numbers", parquet({"prompt": [1, 2]}), "prompt is a number"),
    Case("Parquet with nulls", parquet({"prompt": ["a", None, ""]}), usable=1, aside=((2, "null"), (3, "empty"))),
    Case(
        "Parquet with NaN",
        parquet({"prompt": ["a", "b"], "x": [float("nan"), float("inf")]}),
        usable=1,
        aside=((2, "infinite"),),
    ),
    Case("Parquet with NUL", parquet({"prompt": ["a\0", "b"]}), usable=1, aside=((1, "NUL"),)),
    Case("Parquet that is no UTF-8", broken_text(), "row 1: prompt cannot be read"),
    Case("Parquet of two marks", b"PAR1PAR1", "cannot be read as Parquet"),
    Case("Parquet bomb", parquet_bomb(), "more than 250 times its size"),
]
