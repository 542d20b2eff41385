"""The way of a new user, in a real browser: from the home page to a rated model."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import select

from cai_core.store import models
from cai_core.store.constitutions import load_version
from cai_core.store.workspace import Workspace
from db.schema import ChainRow, RevisionRow
from tests.app.seed import seeded
from tests.browser.conftest import Server, Tab, choose, fill, open_view, settled

WORDS = "Which response keeps the person's secrets better?"


def edit_a_principle(page: Page, workspace: Workspace) -> None:
    """Edit the first principle's comparison and save a version."""
    open_view(page, "Constitutions")
    page.get_by_role("button", name="Edit").first.click()
    fill(page, "Comparison", WORDS)
    page.get_by_role("button", name="Keep edit").click()
    expect(page.get_by_text("unsaved edits", exact=True)).to_be_visible()
    fill(page, "Author", "A new user")
    fill(page, "What changed and why", "In my own words.")
    page.get_by_role("button", name="Save version").click()
    expect(page.get_by_text("Saved as sandbox@2.")).to_be_visible()
    with workspace.reading() as session:
        assert load_version(session, "sandbox")[1].principles[0].comparison == WORDS


def launch_chains(page: Page) -> None:
    """A small run on the scripted model."""
    open_view(page, "Launch")
    choose(page, "Model", "scripted")
    fill(page, "Red team prompts", "3")
    fill(page, "Helpful prompts", "2")
    fill(page, "Look alike prompts", "0")
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_role("heading", name="Run 8", level=1)).to_be_visible()
    expect(page.get_by_text("Run 8 is enqueued.")).to_be_visible()


def test_from_a_principle_to_the_plane(serve: Callable[[Path], Server], tab: Tab, workspace: Path) -> None:
    """Home, edit and save a principle, launch, watch it finish, read its chains, see the plane."""
    loop = seeded(workspace, rows=10)
    with loop.writing() as session:
        models.add(session, name="scripted", base="scripted")
    server, page = serve(workspace), tab.page
    page.goto(server.url)
    expect(page.get_by_role("button", name="Run the whole loop on the sandbox")).to_be_visible()

    edit_a_principle(page, loop)
    launch_chains(page)

    # Without a reload: what stands around the live part follows the run to its end too.
    expect(page.get_by_text("State: done")).to_be_visible(timeout=120_000)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.get_by_text("sandbox@2", exact=True).first).to_be_visible()

    page.get_by_role("link", name="Read what it made").click()
    expect(page.get_by_role("heading", name="Chains", level=1)).to_be_visible()
    with loop.reading() as session:
        chain = session.scalars(select(ChainRow.id).join(RevisionRow).where(ChainRow.run_id == 8)).first()
    page.goto(f"{server.url}/chains?chain={chain}")
    expect(page.get_by_text("Initial response")).to_be_visible()
    expect(page.get_by_text("Revision 1", exact=True)).to_be_visible()
    settled(page)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", name=f"Chain {(chain or 0) - 1}", level=1)).to_be_visible()

    open_view(page, "Ratings")
    expect(page.get_by_text("Harmlessness, Elo points")).to_be_visible()
    expect(page.get_by_text("rl-cai (rl-cai-6)", exact=True).first).to_be_visible()
    assert tab.violations == []
