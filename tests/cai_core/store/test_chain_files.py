"""Chains from files and to files: all of what is known goes round, rows are set aside in words, all or nothing."""

import json
import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from cai_core.errors import DataFileError, RunError
from cai_core.interchange.rows import ReadRecord, ToldRun, read_rows
from cai_core.runs import queue
from cai_core.store import people, prompts
from cai_core.store.chain_exports import export_chains
from cai_core.store.chain_files import ChainWishes, import_chains
from cai_core.store.chain_records import told_by
from cai_core.store.constitutions import save_version
from cai_core.store.import_report import ImportReport
from cai_core.store.workspace import Workspace
from cai_core.types import Chain, Constitution, Gate, PromptKind, RowState, RunKind, user
from db.queries.chain_filter import ChainFilter
from db.schema import PrincipleRow, PromptRow, RunRow
from db.schema_chains import ChainRow, ReviewRow, RevisionRow, ScoreRow
from db.search import Index, matching
from tests.cai_core.runs.helpers import add_scripted, finished
from tests.chain_files import KIND, RUN, as_lines, branch_of, full, prompt_of, record_of, records
from tests.workspaces import fresh

ALL = ChainFilter()


def take(opened: Workspace, content: bytes, *, dry_run: bool = False, **wishes: Any) -> ImportReport:
    reading = read_rows(content, name="theirs.jsonl")
    return import_chains(opened, reading, ChainWishes(**wishes), dry_run=dry_run)


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.accepted, report.duplicates, report.refused_count


def count(opened: Workspace, table: Any = ChainRow) -> int:
    with opened.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def plain(number: int, **changes: Any) -> ReadRecord:
    """A plain sample of a prompt of its own."""
    asked = prompt_of((user(f"n {number}"),))
    return record_of(Chain(asked, 0, number, f"answer {number}", (), RowState.DONE), **changes)


def written(opened: Workspace, path: Path) -> bytes:
    export_chains(opened, path, ALL)
    return path.read_bytes()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(records(), min_size=1, max_size=3, unique_by=lambda one: one.uid))
def test_out_and_in_and_out_gives_the_same_file(
    tmp_path_factory: pytest.TempPathFactory, some: list[ReadRecord]
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    one, other = fresh(folder / "one"), fresh(folder / "other")
    first = take(one, as_lines(some))
    assert first.accepted + first.refused_count == len(some)
    if first.accepted:
        lines = written(one, folder / "one.jsonl")
        if not first.refused_count and len({record.chain.prompt.uid for record in some}) == len(some):
            assert sorted(lines.splitlines()) == sorted(as_lines(some).splitlines())
        assert counts(take(other, lines)) == (first.accepted, 0, 0)
        assert written(other, folder / "other.jsonl") == lines
    for workspace in (one, other):
        workspace.close()


def test_what_a_run_made_here_goes_round_with_verdicts_scores_and_branches(opened: Workspace, tmp_path: Path) -> None:
    add_scripted(opened)
    run = finished(opened, red_team_prompts=2, helpful_prompts=1, look_alike_prompts=0)
    finished(opened, RunKind.SCORES, parents=[run])
    with opened.writing() as session:
        ann = people.add(session, "browser:1234", "Ann")
        for n, verdict in enumerate(("accept", "none")):
            said = {"chain_id": 1, "person_id": ann, "name": "Ann", "verdict": verdict, "current": n == 1}
            session.add(ReviewRow(**said))
    lines = written(opened, tmp_path / "a.jsonl")
    assert count(opened, ScoreRow) == sum(len(one["rounds"]) for row in rows_of(lines) for one in row["scores"]) > 0
    other = fresh(tmp_path / "other")
    before = count(other, PrincipleRow)
    assert counts(take(other, lines)) == (count(opened), 0, 0)
    assert written(other, tmp_path / "b.jsonl") == lines
    assert count(other, PrincipleRow) == before, "the shipped constitution's principles are the same rows"
    with other.reading() as session:
        made = session.scalars(select(RunRow).order_by(RunRow.kind)).all()
        assert [(row.kind, row.state, row.origin) for row in made] == [
            ("chains", "done", "theirs.jsonl"),
            ("scores", "done", "theirs.jsonl"),
        ]
        assert made[0].done == made[0].total == made[0].result["rows"] == count(opened)
        assert made[0].constitution_version_id is not None
        assert [link.parent_id for link in made[1].parents] == [made[0].id]
        standing = session.scalars(select(ReviewRow).where(ReviewRow.current)).all()
        assert [(row.name, row.verdict, row.person.key) for row in standing] == [
            ("Ann", "none", f"import:{told_by('browser:1234')}")
        ]
    assert counts(take(opened, lines)) == (0, count(opened), 0)
    other.close()


def rows_of(lines: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


def test_what_comes_in_is_found_filtered_and_measured_like_what_is_made(opened: Workspace) -> None:
    record = replace(full(), gates=None)
    assert counts(take(opened, as_lines([record]))) == (1, 0, 0)
    with opened.reading() as session:
        row = session.scalars(select(ChainRow)).one()
        words = matching(Index.CHAINS, "helps harm")
        assert words is not None
        assert session.scalars(words).all() == [row.id]
        assert row.gates is not None
        assert row.hits is not None
        assert row.changed is not None
        assert [one.changed is not None for one in row.revisions] == [True, True]
        assert Gate.REFUSAL in Gate(row.hits)


def test_people_of_this_workspace_are_known_again(opened: Workspace) -> None:
    with opened.writing() as session:
        ann = people.add(session, "login:ann", "Ann")
    said = [replace(one, by=told_by("login:ann")) for one in full().reviews[:1]]
    take(opened, as_lines([full(reviews=tuple(said))]))
    with opened.reading() as session:
        assert session.scalars(select(ReviewRow.person_id)).all() == [ann]


def test_each_row_is_accepted_a_duplicate_or_refused(opened: Workspace) -> None:
    take(opened, as_lines([plain(1), plain(2)]))
    other = ToldRun(RUN.uid, seed=8)
    said = replace(plain(2), chain=replace(plain(2).chain, response="something else"))
    fourth = replace(plain(4), chain=replace(plain(4).chain, response="something else"))
    rows = [plain(1), said, plain(3), plain(3), replace(plain(4), run=other), plain(5), plain(4), fourth]
    lines = as_lines(rows) + b"{not json\n" + json.dumps({"prompt": "x"}).encode() + b"\n"
    dry = take(opened, lines, dry_run=True)
    assert count(opened) == 2
    report = take(opened, lines)
    assert report == dry
    assert counts(report) == (3, 2, 5)
    assert [(one.row, one.reason[:40]) for one in report.refused] == [
        (2, "the workspace has a chain of its uid tha"),
        (5, f"it tells otherwise of run {RUN.uid}"[:40]),
        (8, "a row before has a chain of its uid that"),
        (9, "not JSON: expecting property name enclos"),
        (10, "it has no format, rounds, run"),
    ]


def test_a_run_is_not_two_kinds_and_not_at_work(opened: Workspace) -> None:
    row = full()
    scored = replace(row.scores[0], run=RUN)
    report = take(opened, as_lines([plain(1), replace(row, scores=(scored,))]))
    assert [one.row for one in report.refused] == [2]
    run = queue.enqueue(opened, RunKind.CHAINS, {"constitution": "sandbox"}, seed=1)
    with opened.reading() as session:
        busy = session.get_one(RunRow, run)
        told = ToldRun(busy.uid, seed=busy.seed, config=busy.config)
    report = take(opened, as_lines([plain(2), plain(3, run=told)]))
    assert "still waiting: wait until it is done" in report.refused[0].reason


def test_a_file_without_a_chain_is_refused_whole(opened: Workspace) -> None:
    with pytest.raises(DataFileError, match=r"theirs\.jsonl holds no chain \(row 1: it holds no chain"):
        take(opened, b'{"prompt": "x", "kind": "helpful"}\n')
    with pytest.raises(DataFileError, match="holds no row that can be used"):
        take(opened, b'{"format": "cai-chain/1", "run": {}, "prompt": {}, "rounds": []}\n')
    assert count(opened, RunRow) == 0


def test_branches_are_tied_to_their_parents_wherever_these_stand(opened: Workspace, tmp_path: Path) -> None:
    whole = full()
    branch, later = branch_of(whole), branch_of(whole, 2)
    lost = branch_of(record_of(replace(whole.chain, sample=2)))
    take(opened, as_lines([branch, whole, lost]))
    take(opened, as_lines([later]))
    with opened.reading() as session:
        found = {row.uid: row for row in session.scalars(select(ChainRow))}
        parent = found[whole.uid].id
        assert (found[branch.uid].parent_id, found[later.uid].parent_id, found[lost.uid].parent_id) == (
            parent,
            parent,
            None,
        )
    lines = written(opened, tmp_path / "x.jsonl")
    assert {row["uid"]: row["parent"] for row in rows_of(lines)}[lost.uid] == lost.parent
    assert sorted(lines.splitlines()) == sorted(as_lines([whole, branch, later, lost]).splitlines())


PUBLISHED = {
    "rl_prompt": "\n\nHuman: a\n\nAssistant:",
    "initial_response": [{"sample": " b"}],
    "cst": [
        {
            "cst_key": "harmful1",
            "cst_value": {"prompt": ["\n\nCritiqueRequest: c\n\nCritique:"], "edit_request": "\n\nRevisionRequest: d"},
            "critique": {"sample": " e"},
            "revision": {"sample": " f"},
        }
    ],
    "comparison_dataset": "LaMDA",
}


def published(*responses: str) -> bytes:
    rows = [PUBLISHED | {"initial_response": [{"sample": f" {one}"}]} for one in responses]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_published_chains_come_in_once_and_go_out_as_ours(opened: Workspace, tmp_path: Path) -> None:
    assert counts(take(opened, published("b", "c", "b"), source="paper")) == (2, 1, 0)
    assert counts(take(opened, published("c", "d"), source="paper", kind=PromptKind.HELPFUL)) == (1, 1, 0)
    with opened.reading() as session:
        rows = session.scalars(select(ChainRow).order_by(ChainRow.id)).all()
        assert [(row.sample, row.response, row.extra) for row in rows] == [
            (n, text, {"comparison_dataset": "LaMDA"}) for n, text in enumerate("bcd")
        ]
        assert session.scalars(select(PromptRow.source).where(PromptRow.id == rows[0].prompt_id)).all() == ["paper"]
        (run,) = session.scalars(select(RunRow)).all()
        assert (run.origin, run.done) == ("theirs.jsonl", 3)
        principles = session.scalars(select(PrincipleRow).join(RevisionRow).distinct()).all()
        assert [(one.slug, one.critique_request, one.revision_request) for one in principles] == [
            ("harmful1", "c", "d")
        ]
    lines = written(opened, tmp_path / "a.jsonl")
    other = fresh(tmp_path / "other")
    take(other, lines)
    assert written(other, tmp_path / "b.jsonl") == lines
    assert counts(take(other, published("d"), source="elsewhere")) == (0, 1, 0)
    other.close()


def test_published_principles_are_those_that_ask_in_the_same_words(opened: Workspace) -> None:
    known = replace(KIND, critique_request="c", revision_request="d")
    with opened.writing() as session:
        save_version(session, Constitution("mine", "", (known,)), author="", message="")
    take(opened, published("b"))
    with opened.reading() as session:
        assert session.scalars(select(PrincipleRow.slug).join(RevisionRow)).all() == ["kind"]


def test_a_set_that_is_named_takes_the_prompts_and_prompts_of_before_stay(opened: Workspace) -> None:
    there = plain(1).chain.prompt
    with opened.writing() as session:
        prompts.add(session, [replace(there, source="before", topic="old")])
    take(opened, as_lines([plain(1), plain(2)]), source="now")
    with opened.reading() as session:
        found = session.scalars(select(PromptRow).where(PromptRow.uid.in_([plain(n).chain.prompt.uid for n in (1, 2)])))
        assert sorted((row.source, row.topic) for row in found) == [("before", "old"), ("now", None)]


def test_a_clone_of_an_imported_run_says_what_is_missing(opened: Workspace) -> None:
    take(opened, as_lines([plain(1)]))
    with pytest.raises(RunError, match=r"imported from theirs\.jsonl, and its constitution mine@3 .* not in this"):
        queue.clone(opened, 1, {})
    take(opened, published("b"))
    with pytest.raises(RunError, match="does not say with which settings"):
        queue.clone(opened, 2, {})
    add_scripted(opened)
    run = finished(opened, red_team_prompts=1, helpful_prompts=0, look_alike_prompts=0)
    with opened.writing() as session:
        row = session.get_one(RunRow, run)
        row.told, row.origin = {"constitution": {"name": "else", "version": 9, "hash": ""}}, "theirs.jsonl"
        row.config = row.config | {"constitution": "else@9"}
    cloned = queue.clone(opened, run, {})
    with opened.reading() as session:
        assert session.get_one(RunRow, cloned).config["constitution"].startswith("sandbox@")


DIES = """
import sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from cai_core.cli import main

inserted = 0

@event.listens_for(Engine, "before_cursor_execute")
def watch(connection, cursor, statement, *rest):
    global inserted
    if statement.startswith("INSERT INTO chains"):
        inserted += 1
        if inserted == 2:
            print("in the middle", flush=True)
            sys.stdin.read()

main(["import", "chains", sys.argv[1]])
"""


def test_killed_in_the_middle_it_leaves_nothing(opened: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "theirs.jsonl"
    file.write_bytes(as_lines(plain(n) for n in range(450)))
    before = [count(opened, table) for table in (ChainRow, RunRow, PromptRow)]
    command = [sys.executable, "-c", DIES, str(file)]
    environment = {**os.environ, "CAI_STUDIO_HOME": str(opened.folder)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"in the middle\n"
        os.kill(process.pid, signal.SIGKILL)
    assert [count(opened, table) for table in (ChainRow, RunRow, PromptRow)] == before
    assert counts(take(opened, file.read_bytes())) == (450, 0, 0)


def test_memory_does_not_grow_with_the_file_in_or_out(opened: Workspace, tmp_path: Path) -> None:
    file, out = tmp_path / "theirs.jsonl", tmp_path / "out.jsonl"
    long = "many words " * 700

    def some() -> Iterable[ReadRecord]:
        for n in range(2_000):
            yield replace(plain(n), chain=replace(plain(n).chain, response=f"{n} {long}"))

    with file.open("wb") as written_to:
        for record in some():
            written_to.write(as_lines([record]))
    assert file.stat().st_size > 15_000_000
    tracemalloc.start()
    try:
        assert import_chains(opened, read_rows(file)).accepted == 2_000
        coming = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        assert export_chains(opened, out, ALL).rows == 2_000
        going = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert coming < 13_000_000
    assert going < 13_000_000
    assert sorted(out.read_bytes().splitlines()) == sorted(file.read_bytes().splitlines())
