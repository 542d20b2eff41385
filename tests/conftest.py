"""What every test stands on: a workspace of its own, no network, and the quick tests first."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.workspaces import opened as opened

if "PYTEST_XDIST_WORKER" in os.environ:
    # Read as torch is imported: two processes with two threads each fight for two cores, at a quarter of the pace.
    os.environ |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}

BROWSER_TESTS = Path(__file__).parent / "browser"

# A property does not fail because the machine was busy; pytest-timeout ends what hangs.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in tests/browser, and order: quick, then slow, then browser (stable within each)."""
    for item in items:
        if item.path.is_relative_to(BROWSER_TESTS):
            item.add_marker("browser")
    items.sort(key=lambda item: 2 if item.get_closest_marker("browser") else bool(item.get_closest_marker("slow")))


@pytest.fixture(autouse=True)
def isolated_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the developer's workspace, asks a hub for a model, or fights another for the cores."""
    monkeypatch.setenv("CAI_STUDIO_HOME", str(tmp_path / "workspace"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    for name in ("WANDB_API_KEY", "OPENAI_API_KEY", "HF_TOKEN", "STREAMLIT_SERVER_PORT", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """The folder of this test's workspace, not yet created; `CAI_STUDIO_HOME` names it."""
    return tmp_path / "workspace"


@pytest.fixture(autouse=True)
def fresh_streamlit_caches() -> Iterator[None]:
    """What one test's page cached (an engine, say) is gone in the next, where Streamlit is loaded at all."""
    yield
    if "streamlit" in sys.modules:
        import streamlit

        streamlit.cache_data.clear()
        streamlit.cache_resource.clear()
