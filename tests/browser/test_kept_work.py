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


def principles(workspace: Workspace, ref: str = "sandbox") -> tuple[Principle, ...]:
    """What a version says."""
    with workspace.reading() as session:
        return load_version(session, ref)[1].principles


def edit(page: Page, principle: Principle) -> None:
    """Open a principle's form."""
    page.locator(f".st-key-edit-{principle.id} button").click()
    expect(page.get_by_text(f"Id: {principle.id}", exact=True)).to_be_visible()
    settled(page)


def test_forms_keep_their_own_texts(serve: Serve, tab: Tab, workspace: Path) -> None:
    """Two open forms, a change of page, a save under another name, a second constitution: each has its own."""
    loop, page = seeded(workspace, rows=4), tab.page
    a, b = principles(loop)[:2]
    page.goto(f"{serve(workspace).url}/constitutions")
    edit(page, a)
    fill(page, "Title", "Typed into A")
    edit(page, b)
    titles = page.get_by_label("Title", exact=True)
    expect(titles).to_have_count(2)
    expect(titles.nth(1)).to_have_value(b.title)
    # The last text is not left by the keyboard: the press itself has to take it along.
    page.get_by_label("Comparison", exact=True).nth(1).fill("Typed into B")
    open_view(page, "Chains")
    open_view(page, "Constitutions")
    expect(titles.first).to_have_value("Typed into A")
    expect(page.get_by_label("Comparison", exact=True).nth(1)).to_have_value("Typed into B")
    page.get_by_role("button", name="Keep edit").nth(1).click()
    expect(page.get_by_text("1 changed")).to_be_visible()
    expect(titles).to_have_count(1)
    expect(titles.first).to_have_value("Typed into A")

    fill(page, "Save as", "mine")
    fill(page, "Author", "Ada")
    page.get_by_role("button", name="Save version").click()
    expect(page.get_by_text("Saved as mine@1.")).to_be_visible()
    expect(titles.first).to_have_value("Typed into A")
    assert principles(loop, "mine")[1].comparison == "Typed into B"
    assert principles(loop, "mine")[0] == a


def test_a_name_typed_for_one_version_is_not_offered_again(serve: Serve, tab: Tab, workspace: Path) -> None:
    """Discarded edits take the typed name along."""
    loop, page = seeded(workspace, rows=4), tab.page
    page.goto(f"{serve(workspace).url}/constitutions")
    for name in ("mine", "sandbox"):
        page.locator(f".st-key-remove-{principles(loop)[0].id} button").click()
        expect(page.get_by_text("taken out, not saved yet")).to_be_visible()
        settled(page)
        if name == "mine":
            fill(page, "Save as", name)
            page.get_by_role("button", name="Discard edits").click()
            expect(page.get_by_label("Save as", exact=True)).to_have_count(0)
    expect(page.get_by_label("Save as", exact=True)).to_have_value("sandbox")


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
