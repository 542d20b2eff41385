"""The real app in a real browser: `cai-studio app` from another folder, driven by Chromium."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.chromium import executable, launch_flags

ROOT = Path(__file__).parents[2]
START_WITHIN = 60.0
"""Seconds the server may take to answer."""


PATIENCE = 30_000
"""Milliseconds a page may take to show something; two busy cores need more than Playwright's 5 s."""


@dataclass
class Server:
    """A running app."""

    url: str
    port: int
    process: subprocess.Popen[bytes]


PAINTED = """() => new Promise(done =>
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"""
"""Answers when what is on the page now was painted, and what follows upon that has happened."""


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether the server says that it is well."""
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def start(workspace: Path, cwd: Path, port: int) -> Server:
    """Start the app and wait until it answers."""
    command = [sys.executable, "-m", "cai_core.cli", "app", "--port", str(port), "--workspace", str(workspace)]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(command, cwd=cwd, env={**os.environ, "PYTHONPATH": path}, start_new_session=True)
    server, pause = Server(f"http://127.0.0.1:{port}", port, process), threading.Event()
    for _ in range(int(START_WITHIN / 0.1)):
        if process.poll() is not None or answers(server.url):
            break
        pause.wait(0.1)
    assert answers(server.url), "the app did not start"
    return server


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Path], Server]]:
    """Start the app on a workspace, from a folder that is not the repository."""
    servers: list[Server] = []

    def start_on(workspace: Path) -> Server:
        servers.append(start(workspace, tmp_path, free_port()))
        return servers[-1]

    yield start_on
    for server in servers:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGTERM)
        server.process.wait(timeout=20)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=launch_flags())
        yield browser
        browser.close()


@dataclass
class Tab:
    """A page that remembers what it asked for and what it complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Tab]:
    """A fresh page of its own context."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    found = Tab(context.new_page())
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.on(
        "console",
        lambda message: found.violations.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield found
    context.close()


def settled(page: Page) -> None:
    """Wait until the script has run to its end."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def choose(page: Page, label: str, option: str) -> None:
    """Choose in a select."""
    page.get_by_role("combobox", name=label).first.click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def fill(page: Page, label: str, value: str) -> None:
    """Write into a field and leave it."""
    box = page.get_by_label(label, exact=True).first
    box.fill(value)
    box.press("Tab")
    settled(page)


def press_key(page: Page, key: str, button: str) -> None:
    """Press the key of a button, once it is there to hear it: its code may come after what the script has drawn.

    A button listens from the moment after it is painted; until then the one that stood there before still does.
    """
    expect(page.get_by_role("button", name=button)).to_be_enabled()
    page.evaluate(PAINTED)
    page.keyboard.press(key)


def open_view(page: Page, name: str) -> None:
    """Go by the sidebar."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click(delay=150)  # as long as a finger takes
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    settled(page)
