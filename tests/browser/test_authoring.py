"""A constitution's whole life in a real browser, with the real sandbox; two people at once; a refresh while typing."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from cai_core.store.constitutions import load_version
from cai_core.store.workspace import Workspace, open_workspace
from cai_core.types import Principle
from db.schema import RunRow
from db.schema_authoring import CaseRow
from tests.browser.conftest import Server, Tab, choose, fill, open_view, settled
from tests.workspaces import fresh

Serve = Callable[[Path], Server]
SLOW = 180_000
"""Milliseconds a run of the sandbox may take on a busy machine."""
IDENTITY = {
    "critique_request": "Say whether the response helps to pretend to be somebody else.",
    "revision_request": "Rewrite the response so that it does not help anybody to pretend to be somebody else.",
    "comparison": "Choose the response that helps less with pretending to be somebody else.",
}


def press(page: Page, name: str) -> None:
    """Press a button and wait until the page has answered."""
    page.get_by_role("button", name=name, exact=True).first.click()
    settled(page)


def principle(workspace: Workspace, ref: str, id: str) -> Principle:
    """What a version says."""
    with workspace.reading() as session:
        return next(one for one in load_version(session, ref)[1].principles if one.id == id)


def begin(page: Page, url: str, template: str, name: str) -> None:
    """A new constitution from a template."""
    page.goto(f"{url}/constitutions?new=1")
    expect(page.get_by_text("New constitution", exact=True)).to_be_visible()
    choose(page, "Template", template)
    fill(page, "Name", name)
    press(page, "Begin writing")
    expect(page.get_by_text("unsaved edits").first).to_be_visible()


def write(page: Page, title: str, id: str, texts: dict[str, str]) -> None:
    """A new principle, field by field."""
    press(page, "Add a principle")
    # For a moment the former principle's form may still be there beside the new one's.
    ids = page.get_by_label("Id", exact=True)
    expect(ids.last).to_have_value("")
    expect(ids).to_have_count(1)
    fill(page, "Title", title)
    fill(page, "Id", id)
    for field, text in texts.items():
        fill(page, field.replace("_", " ").capitalize(), text)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_the_template_to_an_import_elsewhere(
    serve: Serve, tab: Tab, workspace: Path, chromium: Browser, tmp_path: Path
) -> None:
    """Write, be advised, try, keep a case, save, edit, save, diff, compare, restore, export, import elsewhere."""
    opened, page = fresh(workspace), tab.page
    server = serve(workspace)
    begin(page, server.url, "sandbox", "house")

    # A request that asks for nothing, and a placeholder that nobody fills: advice says so, and goes when it is mended.
    write(page, "Identity", "identity", {**IDENTITY, "comparison": "The {principle} matters."})
    panel = page.locator(".st-key-advice-principles")
    expect(panel.get_by_text("{principle}").first).to_be_visible()
    fill(page, "Comparison", IDENTITY["comparison"])
    expect(panel.get_by_text("{principle}")).to_have_count(0)

    # Tried unsaved, on the spot.
    page.get_by_role("link", name="Try", exact=True).first.click()
    expect(page.get_by_role("heading", name="Playground", level=1)).to_be_visible()
    settled(page)
    fill(page, "Prompt", "How do I sign in as my colleague?")
    press(page, "Ask")
    expect(page.get_by_role("button", name="Ask again")).to_be_visible(timeout=SLOW)
    settled(page)
    expect(page.get_by_text("Revision", exact=True).first).to_be_visible()
    page.get_by_text("Keep as a case").click()
    fill(page, "Hope", "Which of these responses objects to the plan and offers a lawful way?")
    fill(page, "Your name", "Ada")
    press(page, "Keep")
    expect(page.get_by_text("Kept as case 1 of house").first).to_be_visible()

    # Saved, edited, saved again.
    open_view(page, "Constitutions")
    fill(page, "What changed and why", "The first words.")
    press(page, "Save version")
    expect(page.get_by_text("Saved as house@1.")).to_be_visible()
    again = "Choose the response that does not help with pretending to be somebody else, and says why."
    fill(page, "Comparison", again)
    expect(page.get_by_text("unsaved edits").first).to_be_visible()
    fill(page, "What changed and why", "Ask for the reason too.")
    press(page, "Save version")
    expect(page.get_by_text("Saved as house@2.")).to_be_visible()
    assert principle(opened, "house@1", "identity").comparison == IDENTITY["comparison"]
    assert principle(opened, "house@2", "identity").comparison == again

    # What the second version changed, word by word.
    page.get_by_role("radio", name="History").click()
    settled(page)
    expect(page.locator("ins").filter(has_text="says why").first).to_be_visible()

    # The cases hold the new version to what was hoped for; both versions on the same data.
    open_view(page, "Cases")
    choose(page, "Constitution", "house")
    press(page, "Run all cases")
    expect(page.get_by_text("house@2").first).to_be_visible()
    page.goto(f"{server.url}/compare?a=house@1&b=house@2")
    expect(page.get_by_role("heading", name="Compare versions", level=1)).to_be_visible()
    settled(page)
    for label, value in (("Red-team prompts", "12"), ("Rounds", "1"), ("How many", "12")):
        fill(page, label, value)
    press(page, "Compare")
    expect(page.get_by_text("chains taken over whole from A").first).to_be_visible(timeout=SLOW)
    with opened.reading() as session:
        assert session.scalars(select(CaseRow.hope)).one().startswith("Which of these responses")
        kinds = [row.kind for row in session.scalars(select(RunRow).order_by(RunRow.id))]
    assert kinds == ["cases", "chains", "chains", "comparisons", "labels", "labels"]

    # Back to the first words, as a version of its own; out to a file, and into a workspace elsewhere.
    page.goto(f"{server.url}/constitutions?version=house@2")
    settled(page)
    page.get_by_role("radio", name="History").click()
    settled(page)
    page.locator(".st-key-version-1").get_by_role("button", name="Restore").click()
    settled(page)
    press(page, "Restore as a new version")
    expect(page.get_by_text("Restored as house@3.")).to_be_visible()
    assert principle(opened, "house@3", "identity") == principle(opened, "house@1", "identity")
    page.get_by_role("radio", name="Files").click()
    settled(page)
    with page.expect_download() as download:
        page.locator(".st-key-export\\.download button, .st-key-export-download button").first.click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    opened.close()
    with closing(fresh(tmp_path / "elsewhere")) as elsewhere:
        there = serve(tmp_path / "elsewhere")
        page.goto(f"{there.url}/constitutions?new=1")
        page.get_by_role("radio", name="From files").click()
        settled(page)
        page.locator("input[type=file]").set_input_files(file)
        settled(page)
        press(page, "Begin with it")
        expect(page.get_by_text("unsaved edits").first).to_be_visible()
        fill(page, "Your name", "Grace")
        press(page, "Save version")
        expect(page.get_by_text("Saved as house@1.")).to_be_visible()
        assert principle(elsewhere, "house@1", "identity").comparison == IDENTITY["comparison"]


def test_two_people_save_over_each_other_and_nobodys_text_is_lost(
    serve: Serve, tab: Tab, workspace: Path, chromium: Browser
) -> None:
    """The second to save is told, sees both, chooses what both changed, and keeps what only one did."""
    with closing(fresh(workspace)) as opened:
        url = f"{serve(workspace).url}/constitutions?version=sandbox@1&principle=privacy"
        ada, context = tab.page, chromium.new_context(viewport={"width": 1440, "height": 1000})
        context.set_default_timeout(30_000)
        grace = context.new_page()
        for page, name, comparison, title in (
            (ada, "Ada", "Choose the response that Ada likes.", None),
            (grace, "Grace", "Choose the response that Grace likes.", "What others keep to themselves"),
        ):
            page.goto(url)
            expect(page.get_by_label("Id", exact=True)).to_have_value("privacy")
            fill(page, "Comparison", comparison)
            expect(page.get_by_text("unsaved edits").first).to_be_visible()
            if title:
                fill(page, "Title", title)
                expect(page.locator(".st-key-principle-form").get_by_text(title, exact=True).first).to_be_visible()
            fill(page, "Your name", name)
        press(ada, "Save version")
        expect(ada.get_by_text("Saved as sandbox@2.")).to_be_visible()
        press(grace, "Save version")
        expect(grace.get_by_text("sandbox@2 was saved meanwhile")).to_be_visible()
        expect(grace.locator(".st-key-save-conflict ins").filter(has_text="Ada").first).to_be_visible()
        expect(grace.locator(".st-key-save-conflict ins").filter(has_text="Grace").first).to_be_visible()
        grace.locator(".st-key-save-conflict").get_by_role("radio", name="Theirs").first.click()
        settled(grace)
        press(grace, "Merge and save")
        expect(grace.get_by_text("Merged and saved as sandbox@3.")).to_be_visible()
        saved = principle(opened, "sandbox@3", "privacy")
        assert saved.comparison == "Choose the response that Ada likes."
        assert saved.title == "What others keep to themselves"
        context.close()


def test_a_refresh_in_the_middle_of_typing_loses_no_field_that_was_left(
    serve: Serve, tab: Tab, workspace: Path
) -> None:
    """Nor does the end of the server: what was committed is in the database, under the same browser's name."""
    with closing(fresh(workspace)):
        page, server = tab.page, serve(workspace)
        page.goto(f"{server.url}/constitutions?version=sandbox@1&principle=privacy")
        expect(page.get_by_label("Id", exact=True)).to_have_value("privacy")
        fill(page, "Critique request", "Left: kept.")
        page.get_by_label("Revision request", exact=True).fill("Not left yet")
        page.reload()
        expect(page.get_by_label("Critique request", exact=True)).to_have_value("Left: kept.")
        server.process.kill()
        server.process.wait()
        again = serve(workspace)
        page.goto(f"{again.url}/constitutions?version=sandbox@1&principle=privacy")
        # Another port is another address to a browser, but not another cookie: a draft stays its writer's.
        expect(page.get_by_text("unsaved edits").first).to_be_visible()
    with closing(open_workspace(workspace)) as opened:
        assert principle(opened, "sandbox@1", "privacy").critique_request != "Left: kept.", "nothing is saved by itself"
