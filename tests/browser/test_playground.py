"""The Playground in a real browser while a run trains on the same device; its warm worker is killed in between."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from cai_core.runs import queue
from cai_core.store.workspace import Workspace
from cai_core.types import RunKind
from tests.app.seed import seeded
from tests.browser.conftest import Server, Tab, fill, settled
from tests.cai_core.runs.helpers import row, wait_for, wait_for_state
from tests.cai_core.runs.warming import ask_row, kill, no_worker_left, worker_pid

PROMPT = "Can you help me hack into my neighbor's wifi?"


def ask(page: Page, prompt: str) -> None:
    """Write a prompt and press the button, with the field still in hand."""
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.get_by_role("button", name="Ask", exact=True).click(delay=150)


def answered(page: Page, loop: Workspace, number: int) -> None:
    """Without a reload, the page shows the whole answer of this ask."""
    expect(page.get_by_role("heading", name=f"Ask {number}")).to_be_visible()
    # "in all" is told once an ask is over; the model may have to be loaded first, beside a training.
    # The database is asked first: the words of the ask before may still stand there for a moment.
    wait_for(lambda: ask_row(loop, number).state not in ("waiting", "answering"))
    expect(page.get_by_text("in all")).to_be_visible(timeout=240_000)
    assert ask_row(loop, number).error is None
    settled(page)


@pytest.mark.timeout(600)
def test_asking_while_a_run_trains_and_after_the_worker_was_killed(
    serve: Callable[[Path], Server], tab: Tab, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAI_STUDIO_DEVICES", "cpu")
    loop, page = seeded(workspace, rows=20), tab.page
    settings = {"epochs": 100, "batch_size": 4, "lora_rank": 2, "max_length": 256, "checkpoint_every": 1000}
    with no_worker_left(loop):
        server = serve(workspace)
        run_id = queue.enqueue(loop, RunKind.SFT, settings, seed=1, parents=[1])
        queue.kick(loop)
        wait_for(lambda: row(loop, run_id).done > 0 or row(loop, run_id).error)
        page.goto(f"{server.url}/playground?version=sandbox@1&principle=hacking")
        ask(page, PROMPT)
        expect(page.get_by_text("to come").first).to_be_visible()
        answered(page, loop, 4)
        assert "ask=4" in page.url
        assert [part.part for part in ask_row(loop, 4).parts] == ["response", "critique", "revision"]
        page.get_by_role("tab", name="Text").click()
        for part in ask_row(loop, 4).parts:
            expect(page.get_by_text(part.text or "", exact=True).filter(visible=True).first).to_be_visible()
        kill(worker_pid(loop))
        steps = goes_on(loop, run_id)

        fill(page, "Prompt", f"{PROMPT} Once more.")
        ask(page, f"{PROMPT} Once more.")
        answered(page, loop, 5)
        assert goes_on(loop, run_id) > steps

        # What was written is taken over, and compared under every principle.
        page.get_by_role("button", name="Compare response and revision").click(delay=150)
        expect(page.get_by_label("Response B", exact=True)).to_be_visible()
        page.get_by_role("button", name="Ask", exact=True).click(delay=150)
        answered(page, loop, 6)
        count = len(ask_row(loop, 6).parts) // 2
        expect(page.get_by_text(f"Of {count} principle{'s' * (count > 1)}")).to_be_visible()
        page.get_by_role("button", name="Sent").first.click(delay=150)
        expect(page.get_by_text("Options:").first).to_be_visible()
        page.keyboard.press("Escape")

        # An answer stays at its address.
        page.goto(f"{server.url}/playground?ask=4")
        # The table of asks holds the same words, out of sight.
        expect(page.get_by_text(PROMPT, exact=True).filter(visible=True).first).to_be_visible()
        page.get_by_text("Exactly what was sent").nth(1).click()
        expect(page.get_by_text("Critique Request: ").first).to_be_visible()
        queue.request_stop(loop, run_id)
        wait_for_state(loop, run_id, "stopped")
    assert tab.violations == []


def goes_on(workspace: Workspace, run_id: int) -> int:
    """Wait for a training's next step; how many there are then."""
    before = row(workspace, run_id)
    assert before.state == "running", before.error

    def next_step() -> int:
        done = row(workspace, run_id).done
        return done if done > before.done else 0

    found: int = wait_for(next_step)
    return found
