"""What leaves the machine and what may come in: nothing, but for this machine's browser."""

import http.client
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from cai_core.store.workspace import Workspace, open_workspace
from db.schema_asks import AskPartRow
from db.schema_chains import ChainRow
from tests.app.seed import seeded
from tests.browser.conftest import Server, Tab, settled

Serve = Callable[[Path], Server]
VIEWS = ("", "constitutions", "chains?chain=1", "comparisons", "launch", "runs?run=6", "models", "ratings")
VIEWS += ("playground?ask=1",)
HOSTILE = "![x](http://tracker.example/q) <img src='http://tracker.example/i'> <script>document.title='owned'</script>"


@pytest.fixture
def hostile(workspace: Path) -> Workspace:
    """A finished loop with hostile text in its first chain."""
    loop = seeded(workspace, rows=10)
    with loop.writing() as session:
        session.get_one(ChainRow, 1).response = HOSTILE
        session.get_one(AskPartRow, (1, 0)).text = HOSTILE
    return loop


def test_every_page_asks_only_this_server(serve: Serve, tab: Tab, hostile: Workspace) -> None:
    """No request to another host, no breach of the policy, and hostile text is text."""
    server = serve(hostile.folder)
    for view in VIEWS:
        tab.page.goto(f"{server.url}/{view}")
        tab.page.wait_for_selector("h1")
        settled(tab.page)
        if "chain=" in view or "ask=" in view:
            assert tab.page.get_by_text(HOSTILE, exact=True).count() >= 1
    hosts = {urlsplit(url).hostname for url in tab.requests if not url.startswith(("data:", "blob:"))}

    assert hosts == {"127.0.0.1"}
    assert tab.violations == []
    assert "owned" not in tab.page.title()


def test_the_headers_are_strict(serve: Serve, workspace: Path) -> None:
    """On the page and on what it loads."""
    server = serve(workspace)
    for path in ("/", "/_stcore/health"):
        with urllib.request.urlopen(f"{server.url}{path}") as reply:
            policy = reply.headers["Content-Security-Policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe-eval" not in policy
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert reply.headers["X-Frame-Options"] == "DENY"
            assert reply.headers["Referrer-Policy"] == "no-referrer"


def test_it_listens_on_this_machine_alone(serve: Serve, workspace: Path) -> None:
    """Started from another folder, where no configuration file of the repository is read."""
    server = serve(workspace)
    listening = {
        c.laddr.ip for c in psutil.Process(server.process.pid).net_connections() if c.status == psutil.CONN_LISTEN
    }

    assert listening == {"127.0.0.1"}


def test_a_foreign_host_is_refused(serve: Serve, workspace: Path) -> None:
    """A name that someone points at this machine opens no session."""
    server = serve(workspace)
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    answers = {}
    for host in (f"127.0.0.1:{server.port}", "evil.example"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        names = {"Host": host, "Origin": f"http://{host}"}
        connection.request("GET", "/_stcore/stream", headers={**handshake, **names})
        answers[host] = connection.getresponse().status
        connection.close()

    assert list(answers.values()) == [101, 403]


def test_the_theme_comes_along(serve: Serve, tab: Tab, workspace: Path) -> None:
    """The app looks the same from wherever it is started."""
    server = serve(open_workspace(workspace).folder)
    tab.page.goto(server.url)
    button = tab.page.get_by_role("button", name="Run the whole loop")
    button.wait_for()

    assert button.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(59, 91, 219)"
