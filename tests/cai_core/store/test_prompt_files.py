"""Prompts from files: every row accepted, a duplicate or refused; all in one transaction or nothing."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from cai_core.errors import DataFileError, PromptError
from cai_core.interchange.rows import read_rows
from cai_core.store import prompts
from cai_core.store.import_report import MAX_NAMED, ImportReport
from cai_core.store.prompt_files import Wishes, import_prompts
from cai_core.store.workspace import Workspace
from cai_core.types import Prompt, PromptKind, Split, assistant, prompt_uid, user
from db.schema import PromptRow

HELPFUL = Wishes(source="mine", kind=PromptKind.HELPFUL)


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def take(opened: Workspace, content: bytes, wishes: Wishes = HELPFUL, *, dry_run: bool = False) -> ImportReport:
    return import_prompts(opened, read_rows(content, name="mine.jsonl"), wishes, dry_run=dry_run)


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.accepted, report.duplicates, report.near_duplicates, report.refused_count


def of_set(opened: Workspace, source: str = "mine") -> list[Prompt]:
    with opened.reading() as session:
        rows = session.scalars(select(PromptRow).where(PromptRow.source == source).order_by(PromptRow.id))
        return [prompts.to_noun(row) for row in rows]


def count(opened: Workspace) -> int:
    with opened.reading() as session:
        return session.scalar(select(func.count(PromptRow.id))) or 0


def test_rows_that_cannot_be_used_are_set_aside_and_named(opened: Workspace) -> None:
    kind = {"kind": "helpful"}
    lines = [
        json.dumps({"prompt": "How do I boil an egg?", **kind}),
        "{not json",
        json.dumps({"turns": [{"role": "user", "content": "Hi"}], "kind": "red_team", "split": "dev", "topic": "x"}),
        json.dumps({"prompt": "a\u0000b"}),
        json.dumps({"prompt": "x", "turns": []}),
        json.dumps({"turns": [{"role": "assistant", "content": "Hi"}]}),
        json.dumps({"prompt": "x", "colour": 1, **kind}),
        json.dumps({"prompt": "x", "kind": "bad"}),
        json.dumps({"prompt": 5}),
        '{"prompt": "\\ud800"}',
        '{"prompt": "x", "topic": "\\ud800"}',
        '{"prompt": "x", "topic": ' + "9" * 5000 + "}",
        "",
        json.dumps({"prompt": "How do I boil an egg?", **kind}),
        "[1]",
    ]
    report = take(opened, "\n".join(lines).encode(), Wishes())
    assert counts(report) == (3, 1, 0, 10)
    assert [one.row for one in report.refused] == [2, 4, 5, 6, 8, 9, 10, 11, 12, 15]
    assert all(one.reason for one in report.refused)
    turns = (user("Hi"),)
    assert of_set(opened)[1] == Prompt(prompt_uid(turns), turns, PromptKind.RED_TEAM, Split.DEV, "mine", "x")


def test_unknown_columns_and_tags_are_kept(opened: Workspace) -> None:
    rows = [{"prompt": "x", "tags": ["a", "é"], "colour": {"deep": [1, None]}, "extra": {"n": 0.5}, "kind": "helpful"}]
    take(opened, as_jsonl(rows), Wishes())
    (kept,) = of_set(opened)
    assert (kept.tags, kept.extra) == (("a", "é"), {"n": 0.5, "colour": {"deep": [1, None]}})


KINDS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "jsonl": as_jsonl,
    "csv": as_csv,
    "parquet": as_parquet,
    "gzip": lambda rows: gzip.compress(as_jsonl(rows)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_gives_the_same_prompts(opened: Workspace, kind: str) -> None:
    rows = [{"prompt": 'One,\n"two"?', "colour": "red"}, {"prompt": "Ünï 😀", "colour": "blue"}]
    assert counts(take(opened, KINDS[kind](rows))) == (2, 0, 0, 0)
    found = [(prompt.turns[0].content, prompt.extra) for prompt in of_set(opened)]
    assert found == [(row["prompt"], {"colour": row["colour"]}) for row in rows]


def test_a_text_file_has_a_prompt_a_line_and_names_its_set(opened: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "my.set.txt.gz"
    file.write_bytes(gzip.compress("\ufeffone\r\n\r\n{two}\n".encode()))
    before = file.read_bytes()
    wishes = Wishes(kind=PromptKind.RED_TEAM, shares={Split.TEST: 1.0})
    report = import_prompts(opened, read_rows(file), wishes)
    assert (counts(report), report.format) == ((2, 0, 0, 0), "lines")
    assert [(p.turns[0].content, p.split) for p in of_set(opened, "my.set")] == [("one", "test"), ("{two}", "test")]
    assert file.read_bytes() == before


def test_of_pairs_the_prompt_is_taken_and_the_report_says_so(opened: Workspace) -> None:
    start = "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: Go on\n\nAssistant:"
    rows = [{"chosen": f"{start} a", "rejected": f"{start} b"}, {"chosen": f"{start} c", "rejected": f"{start} d"}]
    report = take(opened, as_jsonl(rows))
    assert (counts(report), report.format) == ((1, 1, 0, 0), "hh-rlhf")
    assert "what follows the prompt is not kept (2 rows)" in report.notes
    assert of_set(opened)[0].turns == (user("Hi"), assistant("Yes?"), user("Go on"))


def test_documents_ask_nothing(opened: Workspace) -> None:
    said = {"role": "assistant", "content": "a text"}
    chats = [{"messages": [{"role": "user", "content": "Hi"}, said]}, {"messages": [{"role": "assistant"}]}]
    report = take(opened, as_jsonl(chats))
    assert counts(report) == (1, 0, 0, 1)
    text = as_jsonl([{"text": "once upon a time"}])
    before = count(opened)
    with pytest.raises(PromptError, match="a document asks nothing"):
        import_prompts(opened, read_rows(text, format="language-modeling"), HELPFUL)
    assert count(opened) == before


def test_what_is_told_goes_before_what_the_file_says(opened: Workspace) -> None:
    rows = [{"prompt": "x", "kind": "red_team", "split": "dev"}, {"prompt": "y", "kind": "helpful", "split": "test"}]
    report = take(opened, as_jsonl(rows), Wishes("mine", PromptKind.HELPFUL, {Split.TEST: 1.0}))
    assert [(p.kind, p.split) for p in of_set(opened)] == [("helpful", "test")] * 2
    assert "kind helpful was told where the file says red_team (1 row)" in report.notes
    assert "split test was drawn or told where the file says dev (1 row)" in report.notes


def test_a_prompt_of_no_known_kind_refuses_the_file(opened: Workspace) -> None:
    before = count(opened)
    content = as_jsonl([{"prompt": "x", "kind": "helpful"}] * 3 + [{"prompt": "y"}])
    with pytest.raises(PromptError, match=r"row 4 of mine\.jsonl does not say"):
        take(opened, content, Wishes())
    assert count(opened) == before


def test_the_split_depends_on_prompt_shares_and_seed_alone(opened: Workspace) -> None:
    rows = [{"prompt": f"n {n}"} for n in range(900)]
    shares = {Split.TEST: 0.2, Split.TRAIN: 0.5, Split.DEV: 0.3}
    wishes = Wishes("mine", PromptKind.HELPFUL, shares, seed=3)
    take(opened, as_jsonl(rows[::2]), wishes)
    take(opened, as_jsonl(rows[::-1]), Wishes("mine", PromptKind.HELPFUL, dict(reversed(shares.items())), seed=3))
    splits = {prompt.turns[0].content: prompt.split for prompt in of_set(opened)}
    assert len(splits) == 900
    # Binomial spreads of 900 draws are 12 to 15 prompts.
    sizes = Counter(splits.values())
    assert all(abs(sizes[split] - 900 * share) < 60 for split, share in shares.items())
    with opened.writing() as session:
        session.query(PromptRow).filter(PromptRow.source == "mine").delete()
    take(opened, as_jsonl(rows), wishes)
    assert {prompt.turns[0].content: prompt.split for prompt in of_set(opened)} == splits


def test_near_duplicates_are_set_aside_where_asked(opened: Workspace) -> None:
    text = "how do i get the red paint out of my new coat"
    take(opened, as_jsonl([{"prompt": f"{text} please"}]))
    other = "where can a person learn to play the piano at home in the evening"
    rows = [{"prompt": p} for p in (text, other, f"{other} now", f"{other.upper()}!", "short", f"{text} please")]
    plain = take(opened, as_jsonl(rows), dry_run=True)
    assert counts(plain) == (5, 1, 0, 0)
    wishes = Wishes("mine", PromptKind.HELPFUL, near=0.8)
    assert counts(take(opened, as_jsonl(rows), wishes, dry_run=True)) == (2, 1, 3, 0)
    assert counts(take(opened, as_jsonl(rows), wishes)) == (2, 1, 3, 0)
    assert [p.turns[0].content for p in of_set(opened)] == [f"{text} please", other, "short"]
    assert counts(take(opened, as_jsonl(rows[:1]), Wishes("new", PromptKind.HELPFUL, near=0.8))) == (1, 0, 0, 0)


ROWS = st.lists(
    st.one_of(
        st.builds(lambda text: json.dumps({"prompt": text}), st.text("ab \n\u0000", max_size=3)),
        st.sampled_from(["{", '{"prompt": 1}', '{"colour": 1}']),
    ),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_each_row_is_counted_once_and_a_dry_run_counts_the_same(opened: Workspace, rows: list[str]) -> None:
    content = "\n".join(['{"prompt": "certain"}', *rows]).encode()
    before = count(opened)
    dry = take(opened, content, dry_run=True)
    assert count(opened) == before
    report = take(opened, content)
    assert report == dry
    assert count(opened) == before + report.accepted
    assert sum(counts(report)) == 1 + len(rows)
    again = take(opened, content)
    assert (again.accepted, again.duplicates) == (0, report.accepted + report.duplicates)
    assert again.refused == report.refused


def test_many_refused_rows_are_counted_and_the_first_are_named(opened: Workspace) -> None:
    report = take(opened, b'{"prompt": "x"}\n' + b'{"prompt": 1}\n' * (MAX_NAMED + 5))
    assert report.refused_count == MAX_NAMED + 5
    assert [one.row for one in report.refused] == list(range(2, MAX_NAMED + 2))


def test_a_file_that_breaks_at_its_end_is_refused_whole(opened: Workspace) -> None:
    before = count(opened)
    packed = gzip.compress(as_jsonl([{"prompt": f"{n} {n**7}"} for n in range(40_000)]))
    reading = read_rows(packed[:-2000], name="mine.gz")
    with pytest.raises(DataFileError, match=r"mine\.gz"):
        import_prompts(opened, reading, HELPFUL)
    assert count(opened) == before


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xff\xfe\x00bad"])
def test_a_file_without_a_usable_line_is_refused_whole(content: bytes) -> None:
    with pytest.raises(DataFileError, match=r"mine\.txt"):
        read_rows(content, name="mine.txt")


def test_what_another_adds_meanwhile_is_a_duplicate(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    content = as_jsonl([{"prompt": "x"}, {"prompt": "y"}])
    real = prompts.add

    def add(session: Any, some: Any) -> int:
        found = list(some)
        real(session, found[:1])
        return real(session, found)

    monkeypatch.setattr(prompts, "add", add)
    assert counts(take(opened, content)) == (1, 1, 0, 0)


DIES = """
import sys
from pathlib import Path
from sqlalchemy import Engine, event
from cai_core.cli import main

inserted = 0

@event.listens_for(Engine, "after_cursor_execute")
def wait(connection, cursor, statement, *rest):
    global inserted
    if statement.startswith("INSERT INTO prompts"):
        inserted += 1
        if inserted == 3:
            print("in the middle", flush=True)
            sys.stdin.read()

main(["import", "prompts", sys.argv[1], "--kind", "helpful", "--set", "mine"])
"""


def test_killed_in_the_middle_it_leaves_nothing(opened: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_bytes(as_jsonl([{"prompt": f"n {n}"} for n in range(5 * prompts.CHUNK)]))
    before, names = count(opened), sorted(path.name for path in opened.folder.iterdir())
    command = [sys.executable, "-c", DIES, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"in the middle\n"
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert count(opened) == before
    assert sorted(path.name for path in opened.folder.iterdir()) == names
    report = import_prompts(opened, read_rows(file), HELPFUL)
    assert counts(report) == (5 * prompts.CHUNK, 0, 0, 0)


def test_memory_does_not_grow_with_the_file(opened: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "long.txt"
    with file.open("w") as out:
        for n in range(6_000):
            out.write(f"{n} " + "many words " * 300 + "\n")
    assert file.stat().st_size > 19_000_000
    tracemalloc.start()
    try:
        report = import_prompts(opened, read_rows(file), HELPFUL)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert report.accepted == 6_000
    assert peak < 12_000_000
