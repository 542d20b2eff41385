"""The supervised stage in a real browser with the real sandbox: review, edit, freeze, preview, train, resume."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from cai_core.store.workspace import Workspace
from db.schema import RunRow
from db.schema_chains import ChainRow, DatasetRow, ReviewRow
from tests.app.seed import seeded
from tests.browser.conftest import Server, Tab, choose, fill, open_view, press_key, settled

SLOW = 240_000
"""Milliseconds that the sandbox may take to load and answer on a busy machine."""
BURST, EVERY = 30, 40
"""Presses of a key, so many milliseconds apart: faster than a page can follow."""
WANTED = 20


def standing(workspace: Workspace) -> list[tuple[int, str]]:
    """What stands, in the order it was said."""
    with workspace.reading() as session:
        rows = select(ReviewRow.chain_id, ReviewRow.verdict).where(ReviewRow.current).order_by(ReviewRow.id)
        return [tuple(row) for row in session.execute(rows)]


def heading(page: Page, chain: int) -> None:
    """Wait until a chain is on the page, ready for a key."""
    expect(page.get_by_role("heading", name=f"Chain {chain}", level=1, exact=True)).to_be_visible()
    settled(page)


def review_twenty(page: Page, workspace: Workspace) -> None:
    """A burst of one key labels a run of chains, each once and none passed over; then one by one, each as pressed."""
    with workspace.reading() as session:
        queue = list(session.scalars(select(ChainRow.id).order_by(ChainRow.id).limit(WANTED + 1)))
    page.get_by_role("button", name="Review these").click()
    heading(page, queue[0])
    fill(page, "Your name", "Ada")
    expect(page.get_by_label("Your name", exact=True)).to_have_count(0)
    page.get_by_role("heading", level=1).click()
    expect(page.get_by_role("button", name="Accept")).to_be_enabled()
    for _ in range(BURST):
        page.keyboard.press("a")
        page.wait_for_timeout(EVERY)
    expect(page.get_by_text("kept: chain").first).to_be_visible()
    settled(page)
    said = standing(workspace)
    assert said == [(chain, "accept") for chain in queue[: len(said)]]
    assert 1 <= len(said) <= WANTED
    with workspace.reading() as session:
        assert session.scalar(select(func.count(ReviewRow.id))) == len(said), "no chain was spoken of twice"

    keys = {"x": "reject", "f": "flag", "a": "accept"}
    for number, chain in enumerate(queue[len(said) : WANTED]):
        heading(page, chain)
        key = list(keys)[number % 3]
        press_key(page, key, keys[key].capitalize())
        expect(page.get_by_text(f"kept: chain {chain} ")).to_be_visible()
        said.append((chain, keys[key]))
    assert standing(workspace) == said
    heading(page, queue[WANTED])
    press_key(page, "u", "Undo")
    heading(page, queue[WANTED - 1])
    assert standing(workspace)[:-1] == said[:-1]
    assert standing(workspace)[-1] == (queue[WANTED - 1], "none")


def edit_and_continue(page: Page, url: str, workspace: Workspace) -> int:
    """A revision is written anew by hand, and the chain goes on from it: a branch beside the chain."""
    page.goto(f"{url}/chains?chain=1")
    heading(page, 1)
    page.get_by_text("Change this round and continue").nth(2).click()
    settled(page)
    page.get_by_role("radio", name="The revision").click()
    settled(page)
    fill(page, "Revision", "I will not help with that, for it is not yours. Ask them for the password.")
    page.get_by_role("button", name="Continue from here").click()
    expect(page.get_by_text("Branch 1, changed by Ada, of")).to_be_visible(timeout=SLOW)
    with workspace.reading() as session:
        branch = session.scalars(select(ChainRow).where(ChainRow.branch == 1)).one()
        chain = session.get_one(ChainRow, 1)
        assert (branch.parent_id, branch.author) == (1, "Ada")
        kept = [(one.critique, one.revision) for one in chain.revisions[:2]]
        assert [(one.critique, one.revision) for one in branch.revisions[:2]] == kept
        assert branch.revisions[2].revision.startswith("I will not help with that, for it is not yours.")
        assert branch.revisions[2].edited == "revision"
        assert len(branch.revisions) == 4
        return branch.id


def freeze_and_preview(page: Page, url: str, workspace: Workspace) -> None:
    """What was rejected is left out, what was edited goes in, and the tokens that carry loss are shown."""
    page.goto(f"{url}/chains?run=1")
    page.get_by_role("link", name="Freeze a dataset of these").click()
    expect(page.get_by_role("heading", name="Datasets", level=1)).to_be_visible()
    settled(page)
    page.get_by_role("radio", name="All but rejected").click()
    settled(page)
    fill(page, "Name", "reviewed")
    page.get_by_role("button", name="Freeze", exact=True).click()
    expect(page.get_by_text("reviewed is frozen:")).to_be_visible()
    with workspace.reading() as session:
        counts = session.scalars(select(DatasetRow.counts)).one()
    assert counts["edited"] >= 1
    settled(page)
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_text(re.compile(r"[\d,]+ tokens")).first).to_be_visible(timeout=SLOW)
    settled(page)


def train_stop_and_resume(page: Page, url: str, workspace: Workspace) -> None:
    """Trained on the dataset, stopped in the middle, resumed, read at its end."""
    page.goto(f"{url}/launch?stage=sft")
    expect(page.get_by_role("button", name="Start run")).to_be_visible()
    settled(page)
    choose(page, "Dataset", "reviewed")
    for name, value in (("Epochs", "3"), ("Batch size", "8"), ("Checkpoint every", "2"), ("Sample prompts", "1")):
        fill(page, name, value)
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_role("heading", name=re.compile(r"Run \d+"), level=1)).to_be_visible()
    run = int((page.get_by_role("heading", level=1).text_content() or "").split()[-1])
    expect(page.get_by_text(re.compile(r"^[2-9]\d* of \d+")).first).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Resume", exact=True)).to_be_visible(timeout=SLOW)
    settled(page)
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_role("link", name="Open its model")).to_be_visible(timeout=SLOW)
    settled(page)
    with workspace.reading() as session:
        row = session.get_one(RunRow, run)
        assert (row.state, row.attempt) == ("done", 2)
        assert row.result["reload_difference"] < 1e-3
    page.get_by_role("link", name="Open its model").click()
    expect(page.get_by_text("Human judgement", exact=False).first).to_be_visible()


@pytest.mark.slow
def test_from_reading_chains_to_a_model_that_was_trained_on_them(
    serve: Callable[[Path], Server], tab: Tab, workspace: Path
) -> None:
    """Twenty chains by keyboard at speed; one is edited and continued; frozen, previewed, trained, stopped, resumed."""
    loop, page = seeded(workspace, rows=24), tab.page
    server = serve(workspace)
    page.goto(f"{server.url}/chains?run=1")
    expect(page.get_by_role("button", name="Review these")).to_be_visible()
    settled(page)
    review_twenty(page, loop)
    edit_and_continue(page, server.url, loop)
    freeze_and_preview(page, server.url, loop)
    train_stop_and_resume(page, server.url, loop)
    assert tab.violations == []


def test_a_filter_outlives_a_reload_and_is_an_address_for_others(
    serve: Callable[[Path], Server], tab: Tab, workspace: Path
) -> None:
    """Chosen in one tab, read off its address by another, kept over a reload and over a visit elsewhere."""
    seeded(workspace, rows=6)
    page, url = tab.page, serve(workspace).url
    page.goto(f"{url}/chains")
    expect(page.get_by_role("button", name="Review these")).to_be_visible()
    settled(page)
    choose(page, "Verdict", "Not reviewed")
    fill(page, "Contains", "diary")
    expect(page).to_have_url(re.compile("verdict=none"))
    expect(page).to_have_url(re.compile("text=diary"))
    page.reload()
    expect(page.get_by_label("Contains", exact=True)).to_have_value("diary")
    settled(page)
    open_view(page, "Runs")
    open_view(page, "Chains")
    expect(page.get_by_label("Contains", exact=True)).to_have_value("diary")
    other = page.context.new_page()
    other.goto(f"{url}/chains?verdict=none&text=diary")
    expect(other.get_by_label("Contains", exact=True)).to_have_value("diary")
    other.goto(f"{url}/chains?gate=rude")
    expect(other.get_by_text("gate = 'rude' is none of")).to_be_visible()
