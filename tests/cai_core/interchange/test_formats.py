"""Which format files are in, and files that are refused whole: by name, before anything is built of them."""

import json
import re
from pathlib import Path

import pytest

from cai_core.errors import ConstitutionError
from cai_core.interchange import formats
from cai_core.interchange.report import ReadOptions, accepted, report_as_plain
from cai_core.interchange.texts import MAX_BYTES, decode, read_paths

CAI = """\
format: cai-constitution/1
name: mine
principles:
  - {id: a, title: A, comparison: Which?}
  - {id: b, title: B, comparison: Which one?}
"""
LIST = json.dumps([{"name": "n", "critique_request": "c", "revision_request": "r"}])

DETECTED = {
    "yaml": (CAI, "cai"),
    "yaml after comments": (f"# hello\n---\n{CAI}", "cai"),
    "yaml of another version": (CAI.replace("/1", "/9"), "cai"),
    "our fields as json": (json.dumps({"format": "cai-constitution/1", "name": "x", "principles": []}), "cai"),
    "hf": ('{"constitutions": []}', "hf"),
    "langchain": (LIST, "langchain"),
    "critiques whose key is another format's": ('{"constitutions": {"prompt": ["a"], "edit_request": "b"}}', "paper"),
    "comparisons": ('["\\nWhich? Options:"]', "paper"),
    "votes": ("Statement,Agree,Disagree\nOne,1,2\n", "votes"),
}


@pytest.mark.parametrize("case", DETECTED)
def test_the_format_is_told_by_content(case: str) -> None:
    text, format = DETECTED[case]
    assert formats.detect({"anything.at.all": text}) == format


UNKNOWN = {
    "prose": "Dear reader,\n\nhello.",
    "an empty list": "[]",
    "an empty object": "{}",
    "numbers": "[1, 2]",
    "another table": "a,b\n1,2\n",
    "a table with half a quote": '"a,b\n1,2\n',
    "other objects": '[{"a": 1}]',
    "other keys": '{"a": {"b": "c"}}',
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_in_no_known_format_is_said(case: str) -> None:
    with pytest.raises(ConstitutionError, match=r"x\.y: its content is in no known format.*--format"):
        formats.detect({"x.y": UNKNOWN[case]})


HOSTILE = {
    "too deep": ("[" * 100_000, "nested more than 12 deep"),
    "deep": ("[" * 20 + "]" * 20, "nested more than 12 deep"),
    "a key twice": ('[{"name": "a", "name": "b"}]', "the key 'name' stands twice"),
    "not a number": ("[NaN]", "NaN is not valid JSON"),
    "a number of ten thousand digits": (f"[{'9' * 10_000}]", "digits"),
    "cut off": ('[{"name": "a"', "line 1: not valid JSON"),
    "an anchor": (CAI.replace("name: mine", "name: &x mine"), "anchor"),
    "a tag": (CAI.replace("name: mine", "name: !!python/name:os.system mine"), "tag"),
    "an anchor bomb": ("format: x\na: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchor"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_whole_and_by_name(case: str) -> None:
    text, why = HOSTILE[case]
    with pytest.raises(ConstitutionError, match=rf"(?s)h\.file.*{why}"):
        formats.read({"h.file": text})


BYTES = {
    "a NUL": (b"statement,agree\n\0,1\n", "line 2: unprintable character U+0000"),
    "no utf-8": (b"a\nb\xff", "line 2: byte 0xFF is not UTF-8"),
    "half a surrogate pair": (b"\xed\xa0\x80", "not UTF-8"),
    "nothing": (b" \n", "it is empty"),
    "too much": (b" " * (MAX_BYTES + 1), "larger than 8,000,000 bytes"),
}


@pytest.mark.parametrize("case", BYTES)
def test_bytes_that_are_no_text_are_refused(case: str, tmp_path: Path) -> None:
    data, why = BYTES[case]
    with pytest.raises(ConstitutionError, match=f"^up: .*{re.escape(why)}"):
        decode(data, where="up")
    (tmp_path / "f").write_bytes(data)
    with pytest.raises(ConstitutionError, match=re.escape(why)):
        read_paths([tmp_path / "f"])


def test_a_byte_order_mark_is_no_text() -> None:
    assert decode(b"\xef\xbb\xbf[1]", where="up") == "[1]"


def test_paths_that_are_no_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConstitutionError, match="no such file"):
        read_paths([tmp_path / "none"])
    with pytest.raises(ConstitutionError, match=r"no \.json file"):
        read_paths([tmp_path])
    with pytest.raises(ConstitutionError, match="not a plain file"):
        read_paths([Path("/dev/zero")])


def test_a_folder_is_its_json_files(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('["\\nWhich? Options:"]')
    (tmp_path / "README.md").write_text("hello")
    assert list(read_paths([tmp_path])) == [str(tmp_path / "b.json")]


def test_files_of_several_formats_or_several_of_one_are_refused() -> None:
    with pytest.raises(ConstitutionError, match="several formats"):
        formats.read({"a": LIST, "b": CAI})
    with pytest.raises(ConstitutionError, match="2 files are given, but format langchain has one"):
        formats.read({"a": LIST, "b": LIST})
    with pytest.raises(ConstitutionError, match="no file is given"):
        formats.read({})
    with pytest.raises(ConstitutionError, match="no format 'xml' to read; use one of: cai, paper, hf"):
        formats.read({"a": LIST}, format="xml")
    with pytest.raises(ConstitutionError, match="no format 'votes' to write"):
        formats.write(accepted(formats.read({"a": CAI})), "votes")


@pytest.mark.parametrize("name", ["a/b", "..\\b", "a@2", "a\nb", "x" * 101])
def test_a_name_that_is_a_path_is_refused(name: str) -> None:
    with pytest.raises(ConstitutionError, match="a name is one line of at most 100 characters"):
        formats.read({"a": LIST}, options=ReadOptions(name=name))


def test_a_name_made_of_a_file_s_is_no_path() -> None:
    assert accepted(formats.read({"../../etc/a@b.json": LIST})).name == "a-b"


def test_our_own_file_refuses_bad_entries_one_by_one_where_all_else_is_right() -> None:
    report = formats.read({"m.yaml": CAI.replace("Which one?", "''")})
    (refused,) = report.refused
    assert (refused.row, refused.name) == (2, "b")
    assert "blank" in refused.reason
    assert [one.id for one in accepted(report, skip_refused=True).principles] == ["a"]
    with pytest.raises(ConstitutionError, match="unknown key"):
        formats.read({"m.yaml": CAI.replace("Which one?", "''") + "colour: red\n"})
    with pytest.raises(ConstitutionError, match="2 principles have this id"):
        formats.read({"m.yaml": CAI.replace("id: b", "id: a")})


def test_a_report_in_plain_values() -> None:
    reason = "field comparison = '': it is blank; write the text, or leave the key out where it is optional"
    assert report_as_plain(formats.read({"m.yaml": CAI.replace("Which one?", "''")})) == {
        "format": "cai",
        "name": "mine",
        "accepted": 1,
        "refused": [{"row": 2, "name": "b", "reason": reason}],
        "lost": [],
        "entries": [
            {"row": 1, "name": "a", "state": "ok", "note": ""},
            {"row": 2, "name": "b", "state": "refused", "note": reason},
        ],
    }
