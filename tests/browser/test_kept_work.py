"""What is typed is neither lost nor misfiled: in a real browser, which keeps texts that AppTest knows nothing of."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from cai_core.store.constitutions import load_version
from cai_core.store.workspace import Workspace
from cai_core.types import Principle
from db.schema import RunRow
from tests.app.conftest import set_state
from tests.app.seed import seeded
from tests.browser.conftest import Server, Tab, fill, open_view, settled

Serve = Callable[[Path], Server]
ROW = 35
"""Height of a row in the list of principles, in pixels."""


def saved(workspace: Workspace, ref: str = "sandbox") -> tuple[Principle, ...]:
    """What a version says."""
    with workspace.reading() as session:
        return load_version(session, ref)[1].principles


def constitutions(page: Page, url: str) -> None:
    """Open the page and wait for a principle's form."""
    page.goto(url)
    expect(page.get_by_label("Comparison", exact=True)).to_be_visible()
    settled(page)


def press_row(page: Page, number: int) -> None:
    """Press a row of the list of principles, counted from 1, on its title."""
    table = page.get_by_test_id("stDataFrame").locator(".dvn-scroller").first
    table.click(position={"x": 120, "y": ROW * number + ROW / 2})
    expect(page.get_by_text(f"{number} of ", exact=False).first).to_be_visible()
    settled(page)


def test_what_is_typed_outlives_rows_pages_and_a_reload(serve: Serve, tab: Tab, workspace: Path) -> None:
    """Into one principle, then another, then reloaded in the middle of a third: each has its own text."""
    loop, page = seeded(workspace, rows=4), tab.page
    a, b = saved(loop)[:2]
    constitutions(page, f"{serve(workspace).url}/constitutions")
    title, comparison = page.get_by_label("Title", exact=True), page.get_by_label("Comparison", exact=True)
    fill(page, "Title", "Typed into A")
    expect(page.get_by_text("1 changed")).to_be_visible()
    press_row(page, 2)
    expect(title).to_have_value(b.title)
    # The last text is not left by the keyboard: the press itself has to take it along.
    comparison.fill("Typed into B")
    open_view(page, "Chains")
    open_view(page, "Constitutions")
    expect(comparison).to_have_value("Typed into B")
    press_row(page, 1)
    expect(title).to_have_value("Typed into A")
    fill(page, "Comparison", "Typed into A as well")
    page.get_by_label("Critique request", exact=True).fill("half a sente")
    page.reload()
    expect(title).to_have_value("Typed into A")
    expect(comparison).to_have_value("Typed into A as well")
    expect(page.get_by_text("since sandbox@1: 2 changed")).to_be_visible()
    settled(page)

    fill(page, "Save as", "mine")
    fill(page, "Your name", "Ada")
    page.get_by_role("button", name="Save version").click()
    expect(page.get_by_text("Saved as mine@1.")).to_be_visible()
    assert [one.title for one in saved(loop, "mine")[:2]] == ["Typed into A", b.title]
    assert saved(loop, "mine")[1].comparison == "Typed into B"
    assert saved(loop)[0] == a


def test_two_tabs_that_save_over_each_other_lose_nothing(serve: Serve, tab: Tab, workspace: Path) -> None:
    """The second tab goes on over what the first one saved, sees both, and chooses."""
    loop, first = seeded(workspace, rows=4), tab.page
    url = f"{serve(workspace).url}/constitutions"
    constitutions(first, url)
    second = first.context.new_page()
    constitutions(second, url)
    fill(first, "Title", "From the first tab")
    fill(first, "Your name", "Ada")
    first.get_by_role("button", name="Save version").click()
    expect(first.get_by_text("Saved as sandbox@2.")).to_be_visible()

    fill(second, "Title", "From the second tab")
    fill(second, "Comparison", "Only in the second tab")
    second.get_by_role("button", name="Save version").click()
    expect(second.get_by_text("both changed it")).to_be_visible()
    expect(second.get_by_role("button", name="Merge and save")).to_be_disabled()
    assert len(saved(loop, "sandbox@2")) == len(saved(loop))
    settled(second)
    second.get_by_role("radio", name="Theirs").click()
    settled(second)
    second.get_by_role("button", name="Merge and save").click()
    expect(second.get_by_text("Merged and saved as sandbox@3.")).to_be_visible()
    one = saved(loop, "sandbox@3")[0]
    assert (one.title, one.comparison) == ("From the first tab", "Only in the second tab")


def test_a_restarted_server_finds_the_draft(serve: Serve, tab: Tab, workspace: Path) -> None:
    """Killed in the middle; a server on another port knows the browser and its draft."""
    seeded(workspace, rows=4)
    server = serve(workspace)
    constitutions(tab.page, f"{server.url}/constitutions")
    fill(tab.page, "Title", "Before the end")
    expect(tab.page.get_by_text("unsaved edits", exact=True)).to_be_visible()
    server.process.kill()
    server.process.wait()

    constitutions(tab.page, f"{serve(workspace).url}/constitutions")
    expect(tab.page.get_by_label("Title", exact=True)).to_have_value("Before the end")


def test_settings_outlive_a_change_of_page_and_a_double_press_starts_one_run(
    serve: Serve, tab: Tab, workspace: Path
) -> None:
    """Launch: what was set is there again; pressed twice, one run is on its way."""
    loop, page = seeded(workspace, rows=4), tab.page
    set_state(loop, 1, state="failed")  # so that what is launched waits, and no process starts
    page.goto(f"{serve(workspace).url}/launch?stage=sft")
    page.get_by_label("Epochs", exact=True).fill("7")
    open_view(page, "Chains")
    open_view(page, "Launch")
    page.get_by_role("radio", name="SL-CAI").click()
    expect(page.get_by_label("Epochs", exact=True)).to_have_value("7")
    page.get_by_role("combobox", name="Chains run").click()
    page.get_by_role("option", name="Run 1 · Chains · failed").click()
    settled(page)
    page.get_by_role("button", name="Start run").dblclick()
    expect(page.get_by_role("heading", name="Run 8", level=1)).to_be_visible()
    expect(page.get_by_text("It waits for run 1, which failed.")).to_be_visible()
    settled(page)

    with loop.reading() as session:
        assert session.scalar(select(func.count(RunRow.id))) == 8
        assert session.get_one(RunRow, 8).config["epochs"] == 7


def test_a_state_that_changes_is_seen_without_a_reload(serve: Serve, tab: Tab, workspace: Path) -> None:
    """Home: while a run that nobody works on waits, the page rests; when it ends, the page says so."""
    loop, page = seeded(workspace, rows=4), tab.page
    set_state(loop, 2, state="failed")
    set_state(loop, 3, state="waiting")
    page.goto(serve(workspace).url)
    button = page.get_by_role("button", name="Run the whole loop")
    expect(page.get_by_text("The button is off: run 3 waits for run 2, which failed.")).to_be_visible()
    expect(button).to_be_disabled()
    settled(page)
    set_state(loop, 3, state="stopped")
    expect(button).to_be_enabled()
    expect(page.get_by_text("The button is off")).to_have_count(0)
    settled(page)
