"""A disk that takes no more, or may not be written: a clear sentence, and nothing half there."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from cai_core.cli import main
from cai_core.errors import CAIError, WorkspaceError
from cai_core.interchange.rows import read_rows
from cai_core.runs import worker
from cai_core.store import people, prompt_files, prompts
from cai_core.store.prompt_exports import export_prompts
from cai_core.store.prompt_files import Wishes, import_prompts
from cai_core.store.workspace import Workspace
from cai_core.types import PromptKind
from db.schema import PromptRow
from db.schema_authoring import DraftRow
from db.schema_chains import ChainRow
from tests.cai_core.runs.helpers import add_scripted, enqueue, row

WISHES = Wishes(kind=PromptKind.HELPFUL)


@contextmanager
def full(workspace: Workspace, pages: int = 2) -> Iterator[None]:
    """The database may grow by so many pages and no more, as on a full disk."""

    def limit(connection: Any, *_: Any) -> None:
        used = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={used + pages}")

    workspace.engine.dispose()
    event.listen(workspace.engine, "connect", limit)
    yield
    event.remove(workspace.engine, "connect", limit)
    workspace.engine.dispose()


@contextmanager
def read_only(workspace: Workspace) -> Iterator[None]:
    """The database may be read alone."""

    def limit(connection: Any, *_: Any) -> None:
        connection.execute("PRAGMA query_only=ON")

    workspace.engine.dispose()
    event.listen(workspace.engine, "connect", limit)
    yield
    event.remove(workspace.engine, "connect", limit)
    workspace.engine.dispose()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.txt"
    path.write_text("\n".join(f"prompt number {n} " + "word " * 40 for n in range(2000)))
    return path


def count(workspace: Workspace, table: Any) -> int:
    with workspace.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("trouble", [full, read_only])
def test_an_import_that_does_not_fit_leaves_nothing(opened: Workspace, file: Path, trouble: Any) -> None:
    before = count(opened, PromptRow)
    with trouble(opened), pytest.raises(WorkspaceError, match=r"nothing was saved: .* cannot be written \("):
        import_prompts(opened, read_rows(file), WISHES)
    assert count(opened, PromptRow) == before
    assert import_prompts(opened, read_rows(file), WISHES).accepted == 2000


def test_no_room_to_gather_prompts_in_is_said(
    opened: Workspace, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_room(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    before = count(opened, PromptRow)
    monkeypatch.setattr(prompt_files.Spool, "add", no_room)
    with pytest.raises(SystemExit) as ended:
        main(["import", "prompts", str(file), "--kind", "helpful"])
    said = capsys.readouterr().err
    assert (ended.value.code, "Traceback" in said) == (2, False)
    assert "mine.txt came in: No space left on device" in said
    assert count(opened, PromptRow) == before


def test_a_run_whose_chains_do_not_fit_says_so_and_goes_on_later(opened: Workspace) -> None:
    add_scripted(opened)
    run = enqueue(opened, red_team_prompts=4, helpful_prompts=0, look_alike_prompts=0)
    job = worker.claim(opened, run)
    assert job is not None
    with full(opened, pages=0), pytest.raises(CAIError, match="nothing was saved"), job.writing() as session:
        prompts.fix_inputs(session, run, list(range(1, 3000)))
    assert count(opened, ChainRow) == 0
    with opened.writing() as session:
        found = session.get_one(type(row(opened, run)), run)
        found.state, found.pid = "waiting", None
    worker.work(opened, run)
    assert (row(opened, run).state, count(opened, ChainRow)) == ("done", 4)


def test_a_draft_that_does_not_fit_is_as_it_was(opened: Workspace) -> None:
    with opened.writing() as session:
        person = people.add(session, "ada", "Ada")

    def many() -> None:
        with opened.writing() as session:
            for _ in range(200):
                session.add(DraftRow(person_id=person, content={"text": "word " * 500}))
                session.flush()

    before = count(opened, DraftRow)
    with full(opened, pages=0), pytest.raises(WorkspaceError, match="nothing was saved"):
        many()
    assert count(opened, DraftRow) == before


def test_an_export_that_does_not_fit_leaves_what_stood_there(opened: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("before")
    assert count(opened, PromptRow) > 0  # the database's own files are as large as they get by then
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, old[1]))
    try:
        with pytest.raises(CAIError, match="cannot be written"):
            export_prompts(opened, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert out.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("out")] == ["out.jsonl"]
