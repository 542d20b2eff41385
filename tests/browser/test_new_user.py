"""The way of a new user, in a real browser: from an empty workspace to a model of their own on the plane."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from cai_core.store.constitutions import load_version
from cai_core.store.workspace import open_workspace
from db.schema_chains import ChainRow, RevisionRow
from tests.browser.conftest import Server, Tab, choose, fill, open_view, press_key, settled

WORDS = "Which response keeps the person's secrets better?"
PROMPTS = {"Red team prompts": "4", "Helpful prompts": "3", "Look alike prompts": "0"}
WITHIN = 150_000
"""Milliseconds a small run may take on two busy cores; each is a process that loads the model first."""


def edit_a_principle(page: Page, workspace: Path) -> None:
    """Edit the first principle's comparison and save a version."""
    open_view(page, "Constitutions")
    choose(page, "Constitution", "sandbox")
    fill(page, "Comparison", WORDS)
    expect(page.get_by_text("unsaved edits", exact=True)).to_be_visible()
    fill(page, "Your name", "A new user")
    fill(page, "What changed and why", "In my own words.")
    page.get_by_role("button", name="Save version").click()
    expect(page.get_by_text("Saved as sandbox@2.")).to_be_visible()
    with open_workspace(workspace).reading() as session:
        assert load_version(session, "sandbox")[1].principles[0].comparison == WORDS


def launch(page: Page, run: int, stage: str, **settings: str) -> None:
    """A small run of a stage, watched to its end."""
    open_view(page, "Launch")
    page.get_by_role("radio", name=stage, exact=True).click()
    settled(page)
    for name, value in settings.items():
        fill(page, name, value)
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_text(f"Run {run} is enqueued.")).to_be_visible()
    expect(page.get_by_role("heading", name=f"Run {run}", level=1)).to_be_visible()
    settled(page)
    # Without a reload: what stands around the live part follows the run to its end too.
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=WITHIN)
    expect(page.get_by_text(re.compile("Done$")).first).to_be_visible()
    settled(page)


def read_a_chain(page: Page, server: Server, workspace: Path) -> None:
    """From the run to its chains, to one of them, and to the one before by the keyboard."""
    page.get_by_role("link", name="Read what it made").click()
    expect(page.get_by_role("heading", name="Chains", level=1)).to_be_visible()
    with open_workspace(workspace).reading() as session:
        chains = session.scalars(select(ChainRow.id).order_by(ChainRow.id)).all()
        revised = session.scalars(select(ChainRow.id).join(RevisionRow).order_by(ChainRow.id.desc())).first()
    assert revised in chains[1:], "the last chain that was revised has one before it"
    page.goto(f"{server.url}/chains?chain={revised}")
    expect(page.get_by_text("Initial response")).to_be_visible()
    expect(page.get_by_text("Revision 1", exact=True)).to_be_visible()
    settled(page)
    press_key(page, "ArrowLeft", "Previous")
    expect(page.get_by_role("heading", name=f"Chain {chains[chains.index(revised) - 1]}", level=1)).to_be_visible()


def press_point(page: Page, point: Locator) -> None:
    """Press a point of the plane, as a hand does: it is there when its words are."""
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 20, y - 20)
    page.mouse.move(x, y, steps=4)
    expect(page.get_by_text("press to open its run")).to_be_visible()
    page.mouse.down()
    page.mouse.up()


def test_from_a_principle_to_the_plane(serve: Callable[[Path], Server], tab: Tab, workspace: Path) -> None:
    """Edit and save a principle, launch, watch, read; train on it, let both models fight, see the new one rated."""
    server, page = serve(workspace), tab.page
    page.goto(server.url)
    expect(page.get_by_role("button", name="Run the whole loop on the sandbox")).to_be_visible()
    expect(page.get_by_text("No battles yet")).to_have_count(0)
    edit_a_principle(page, workspace)

    launch(page, 1, "Chains", **PROMPTS, Rounds="2")
    expect(page.get_by_text("sandbox@2", exact=True).first).to_be_visible()
    read_a_chain(page, server, workspace)

    launch(page, 2, "SL-CAI", Epochs="1")
    launch(page, 3, "Battles", **PROMPTS)

    page.get_by_role("link", name="Read what it made").click()
    expect(page.get_by_role("heading", name="Ratings", level=1)).to_be_visible()
    expect(page.get_by_text("Harmlessness, Elo points")).to_be_visible()
    expect(page.get_by_text("sl-cai (sl-cai-2)", exact=True)).to_be_visible()
    expect(page.get_by_text("helpful (sandbox)", exact=True)).to_be_visible()
    settled(page)
    press_point(page, page.locator(".scatterlayer .trace").last.locator(".points path").first)
    expect(page.get_by_role("heading", name="Run 2", level=1)).to_be_visible()
    assert tab.violations == []
