"""Files of JSON that is broken, hostile or merely wrong."""

from pathlib import Path

from tests.malformed.case import GOOD, OK, Case, jsonl
from tests.malformed.conversations import TURN, hh


def long_line(path: Path) -> None:
    """A line that goes on for a gigabyte of nothing, which takes no room on the disk."""
    with path.open("wb") as file:
        file.write(jsonl(OK) + b'{"prompt": "' + b"a" * 300_000)
        file.truncate(1 << 30)


def large_object(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{\n"prompt":\n"')
        for _ in range(70):
            file.write(b"a" * 1_000_000)


def nested(depth: int, inner: str = "1") -> str:
    return '{"prompt": "a", "x": ' + "[" * depth + inner + "]" * depth + "}"


NO_PROMPTS: list[object] = [None, 3, {}, [], [1], "", " "]

JSON_LINES = [
    Case("a line that is none", jsonl(OK, "{oops}", OK), usable=2, aside=((2, "not JSON"),)),
    Case("a line cut short", jsonl(OK) + b'{"prompt": "Hel', usable=1, aside=((2, "unterminated string"),)),
    Case("a value and more", jsonl(OK, GOOD + GOOD), usable=1, aside=((2, "something follows"),)),
    Case("blank lines between", jsonl(OK, "", "  ", "oops"), usable=1, aside=((4, "not JSON"),)),
    Case("no usable line", jsonl({"prompt": 1}, {"prompt": 2}), "row 1: prompt is a number"),
    Case("every line broken", b"{a\n{b\n{c\n", "cannot be read as JSON"),
    Case(
        "rows of all types",
        jsonl(OK, [1], 3, None, True, '"Bare text?"'),
        usable=2,
        aside=((2, "a list"), (3, "a number"), (4, "null"), (5, "true or false")),
    ),
    Case("a key twice", jsonl(OK, '{"prompt": "a", "prompt": "b"}'), usable=1, aside=((2, "'prompt' appears twice"),)),
    Case("a key twice, deep", jsonl(OK, '{"prompt": "a", "x": [{"y": 1, "y": 1}]}'), usable=1, aside=((2, "twice"),)),
    Case("NaN", jsonl(OK, '{"prompt": "a", "x": NaN}'), usable=1, aside=((2, "NaN is not JSON"),)),
    Case(
        "infinities",
        jsonl(OK, '{"prompt": "a", "x": -Infinity}', '{"prompt": "a", "x": 1e999}'),
        usable=1,
        aside=((2, "-Infinity"), (3, "out of range")),
    ),
    Case(
        "a number of 5,000 digits",
        jsonl(OK, '{"prompt": "a", "x": ' + "9" * 5_000 + "}"),
        usable=1,
        aside=((2, "thousands of digits"),),
    ),
    Case("a number of 30 digits", jsonl({"prompt": "a", "x": 10**30}), usable=1),
    Case("nested too deep", jsonl(OK, nested(65)), usable=1, aside=((2, "nested deeper than 64"),)),
    Case("nested as deep as may be", jsonl(OK, nested(62)), usable=2),
    Case(
        "nested without end",
        jsonl(OK, nested(100_000), "[" * 100_000),
        usable=1,
        aside=((2, "nested deeper"), (3, "nested deeper")),
    ),
    Case(
        "half a surrogate pair", jsonl(OK, r'{"prompt": "\ud800"}'), usable=1, aside=((2, "half of a surrogate pair"),)
    ),
    Case("half a pair in a key", jsonl(OK, r'{"prompt": "a", "\udfff": 1}'), usable=1, aside=((2, "surrogate"),)),
    Case(
        "half a pair out of sight", jsonl(OK, r'{"prompt": "a", "x": ["\uDBFF"]}'), usable=1, aside=((2, "surrogate"),)
    ),
    Case("a whole pair", jsonl(r'{"prompt": "\ud83d\ude00"}'), usable=1),
    Case("NUL", jsonl(OK, r'{"prompt": "a\u0000b"}'), usable=1, aside=((2, "a NUL character"),)),
    Case("NUL as a byte", jsonl(OK, '{"prompt": "a\0b"}'), usable=1, aside=((2, "not JSON"),)),
    Case("a tab in a string", jsonl(OK, '{"prompt": "a\tb"}'), usable=1, aside=((2, "not JSON"),)),
    Case(
        "too many keys",
        jsonl(OK, {"prompt": "a"} | {str(n): n for n in range(1_000)}),
        usable=1,
        aside=((2, "1,001 keys"),),
    ),
    Case("a line of a gigabyte", long_line, usable=1, aside=((2, "a line longer than 16 MiB"),)),
    Case(
        "wrong types",
        jsonl(OK, *({"prompt": value} for value in NO_PROMPTS)),
        usable=1,
        aside=tuple((row, "") for row in range(2, 9)),
    ),
    Case("columns nobody knows", jsonl({"a": 1}, {"a": 2}), "no format is known by the columns 'a'"),
    Case(
        "two formats, half and half", jsonl(OK, hh(TURN, TURN + "!"), OK, hh(TURN, TURN + "!")), "rows of several kinds"
    ),
    Case("open to two readings", jsonl({"text": "a"}, {"text": "b"}), "--format text-prompts"),
    Case("no such column", jsonl(OK, {"x": 1}), "has no Behavior", format="harmbench"),
]
JSON_LISTS = [
    Case("a list cut short", f"[{GOOD}, {GOOD}".encode(), "after row 2"),
    Case("a list cut in a row", f"[{GOOD}, {GOOD[:8]}".encode(), "row 2, which begins in line 1"),
    Case("a list never closed", b"[" * 200_000, "nested deeper"),
    Case("a comma too many", f"[{GOOD},]".encode(), "a comma stands before the end"),
    Case("a comma too few", f"[{GOOD}\n{GOOD}]".encode(), "neither a comma nor the end"),
    Case("something after the list", f"[{GOOD}]\n{GOOD}".encode(), "something follows the end"),
    Case("an empty list", b"[]", "holds no row"),
    Case("a list of lists", b"[[1],[2]]", "row 1: a row of JSON is an object"),
    Case("a broken row within", f'[{GOOD},\n{{"prompt" 3}},\n{GOOD}]'.encode(), "which begins in line 2"),
    Case(
        "faults within a list",
        f'[{GOOD},{{"prompt":"a","prompt":"b"}},{{"prompt":NaN}},{GOOD}]'.encode(),
        usable=2,
        aside=((2, "twice"), (3, "NaN")),
    ),
    Case("a row of 20 MB in a list", f'[{GOOD},{{"prompt": "{"a" * 20_000_000}'.encode(), "row 2"),
    Case("one object", b'{\n "prompt": "Hello?"\n}', usable=1),
    Case("one object, cut short", b'{\n "prompt": "Hello?",\n', "cannot be read as JSON"),
    Case("one object of columns", b'{\n "prompt": {"0": "a"}\n}', "prompt is an object"),
    Case("one object of 70 MB", large_object, "one JSON object of more than 64 MiB"),
    Case(
        "annotated pairs without an annotator",
        b'{\n"comparisons": [{"prompt": "a", "response_a": {"text": "b"}, '
        b'"response_b": {"text": "c"}, "annotations": {}}]}',
        "says nothing",
    ),
]
