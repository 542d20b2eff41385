"""An open workspace for the store's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cai_core.store.workspace import Workspace
from tests.workspaces import fresh


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Workspace]:
    workspace = fresh(tmp_path / "workspace")
    yield workspace
    workspace.close()
