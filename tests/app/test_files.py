"""Files: an upload is looked at before it comes in, and what is there goes out."""

from sqlalchemy import func, select
from streamlit.testing.v1 import AppTest

from cai_core.store.workspace import Workspace
from db.schema import PromptRow
from db.schema_chains import ChainRow
from tests.app.conftest import Visit, press, words
from tests.chain_files import as_lines, full


def count(opened: Workspace) -> int:
    with opened.reading() as session:
        return session.scalar(select(func.count()).select_from(ChainRow)) or 0


def test_an_upload_shows_what_would_come_in_and_then_brings_it_in(visit: Visit, loop: Workspace) -> None:
    before = count(loop)
    page: AppTest = visit("files")
    page.file_uploader(key="files.upload").upload("theirs.jsonl", as_lines([full()]) + b"{\n", "text/plain").run()
    assert "1 would come in" in words(page)
    assert "1 cannot be used" in words(page)
    assert count(loop) == before
    press(page, "Import")
    assert "1 chains came in" in words(page)
    assert count(loop) == before + 1


def test_chains_are_written_into_the_exports(visit: Visit, loop: Workspace) -> None:
    page: AppTest = visit("files")
    page.selectbox(key="files.format.Chains").select("prompt-only").run()
    press(page, "Write")
    assert not page.exception
    assert len((loop.exports / "chains-prompt-only.jsonl").read_bytes().splitlines()) == count(loop) > 0


def test_the_chains_page_says_which_are_written(visit: Visit, loop: Workspace) -> None:
    with loop.reading() as session:
        told, some = session.execute(
            select(ChainRow.run_id, func.count()).group_by(ChainRow.run_id).order_by(func.count()).limit(1)
        ).one()
    page: AppTest = visit("files", run=str(told))
    assert page.text_input(key="files.only").value == f"run={told}"
    press(page, "Write")
    assert len((loop.exports / "chains-cai-chain.jsonl").read_bytes().splitlines()) == some
    page.text_input(key="files.only").set_value("gate=worst").run()
    press(page, "Write")
    assert "is none of preamble" in words(page)
    assert not page.exception


def test_the_prompts_of_one_set_are_written(visit: Visit, loop: Workspace) -> None:
    with loop.reading() as session:
        mine = session.scalar(select(func.count()).where(PromptRow.source == "sandbox"))
    page: AppTest = visit("files")
    page.segmented_control(key="files.what").set_value("Prompts").run()
    page.selectbox(key="files.of_set").select("sandbox").run()
    press(page, "Write")
    assert len((loop.exports / "prompts-prompts.jsonl").read_bytes().splitlines()) == mine
