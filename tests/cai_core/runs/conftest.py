"""An open workspace with the scripted model."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from cai_core.runs import launchers, queue
from cai_core.store.workspace import Workspace
from db.schema import RunRow
from tests.cai_core.runs.helpers import add_scripted
from tests.cai_core.runs.warming import warmed as warmed
from tests.workspaces import fresh


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Workspace]:
    workspace = fresh(tmp_path / "workspace")
    add_scripted(workspace)
    yield workspace
    with workspace.reading() as session:
        left = [row for row in session.scalars(select(RunRow)) if queue.is_alive(row)]
    for row in left:
        if row.pid is not None and row.pid != os.getpid():
            os.kill(row.pid, signal.SIGKILL)
    launchers.reap()
    workspace.close()
