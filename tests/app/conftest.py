"""The app under test: its pages drawn by AppTest on an empty workspace or on a seeded one."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cai_core.store.workspace import Workspace, open_workspace
from db.schema import RunRow
from tests.app.seed import seeded
from tests.workspaces import fresh

MAIN = Path(__file__).parents[2] / "app" / "main.py"
VIEWS = (
    "home",
    "constitutions",
    "chains",
    "datasets",
    "comparisons",
    "launch",
    "runs",
    "models",
    "ratings",
    "playground",
    "cases",
    "compare",
    "principles",
    "rounds",
    "prompts",
    "storage",
    "files",
)

Visit = Callable[..., AppTest]


@pytest.fixture(scope="session")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished loop, written once and copied by each test that wants it."""
    folder = tmp_path_factory.mktemp("seeded") / "workspace"
    seeded(folder, rows=60).close()
    return folder


@pytest.fixture
def loop(seeded_folder: Path, workspace: Path) -> Workspace:
    """The seeded workspace, this test's own copy."""
    shutil.copytree(seeded_folder, workspace)
    return open_workspace(workspace)


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Runs that would have been started; no process is."""
    started: list[int] = []
    monkeypatch.setattr("cai_core.runs.launchers.start", lambda folder, run_id, *_: started.append(run_id) or 0)
    return started


@pytest.fixture
def visit(workspace: Path) -> Visit:
    """Open a view, perhaps with an address like `chain="3"`; where no fixture made a workspace, of one as it ships."""

    def open_view(view: str, **query: str) -> AppTest:
        if not workspace.exists():
            fresh(workspace).close()
        app = AppTest.from_file(MAIN, default_timeout=30).run()
        for name, value in query.items():
            app.query_params[name] = value
        return app.switch_page(f"views/{view}.py").run()

    return open_view


def drawn_html(app: AppTest) -> str:
    """All HTML on the page."""
    return "\n".join(element.value for element in app.html)


def words(app: AppTest) -> str:
    """All that the page says: HTML, captions, titles, metrics."""
    parts = [element.value for kind in (app.html, app.caption, app.title, app.subheader) for element in kind]
    return "\n".join(map(str, parts))


def press(app: AppTest, label: str) -> None:
    """Press a button by its label."""
    next(b for b in app.button if b.label == label).click().run()


def set_state(workspace: Workspace, run_id: int, **values: object) -> None:
    """Change a run's row."""
    with workspace.writing() as session:
        run = session.get_one(RunRow, run_id)
        for name, value in values.items():
            setattr(run, name, value)


def links(app: AppTest) -> set[str]:
    """The labels of the page's links."""
    return {element.proto.label for element in app.get("page_link")}
