"""Files: an upload is looked at before it comes in, and what is there goes out."""

from sqlalchemy import func, select
from streamlit.testing.v1 import AppTest

from cai_core.interchange.rows import read_rows
from cai_core.store.chain_files import import_chains
from cai_core.store.workspace import Workspace
from db.schema import PromptRow
from db.schema_chains import ChainRow
from tests.app.conftest import Visit, drawn_html, press, words
from tests.chain_files import as_lines, full, with_inputs


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


def test_chains_are_written_with_the_exact_inputs_of_their_calls(visit: Visit, loop: Workspace) -> None:
    """By a process of its own, which finds this workspace and this filter; what has none is said."""
    import_chains(loop, read_rows(as_lines([with_inputs(full())]), name="theirs.jsonl"))
    page: AppTest = visit("files")
    page.default_timeout = 240  # that process loads a tokenizer, on a machine that tests keep busy
    page.text_input(key="files.only").set_value("source=theirs").run()
    page.checkbox(key="files.inputs").check().run()
    press(page, "Write")
    assert not page.exception
    assert (loop.exports / "chains-cai-chain.jsonl").read_bytes() == as_lines([with_inputs(full())])
    page.text_input(key="files.only").set_value("").run()
    press(page, "Write")
    assert "Not in the file: the exact input of" in words(page), words(page)
    page.text_input(key="files.only").set_value("text=nowhere-at-all").run()
    press(page, "Write")
    assert "no chain passes the filter" in words(page)


def test_what_a_file_s_chain_was_sent_is_shown_on_its_page(visit: Visit, loop: Workspace) -> None:
    import_chains(loop, read_rows(as_lines([with_inputs(full())]), name="theirs.jsonl"))
    with loop.reading() as session:
        chain = session.scalar(select(func.max(ChainRow.id)))
    page = visit("chains", chain=str(chain))
    assert not page.exception
    assert words(page).count("as it was sent, by its file") == 4
    assert "asks of s2 …" in drawn_html(page)
    assert "Show what was sent" not in [one.label for one in page.button]


def test_the_prompts_of_one_set_are_written(visit: Visit, loop: Workspace) -> None:
    with loop.reading() as session:
        mine = session.scalar(select(func.count()).where(PromptRow.source == "sandbox"))
    page: AppTest = visit("files")
    page.segmented_control(key="files.what").set_value("Prompts").run()
    page.selectbox(key="files.of_set").select("sandbox").run()
    press(page, "Write")
    assert len((loop.exports / "prompts-prompts.jsonl").read_bytes().splitlines()) == mine
