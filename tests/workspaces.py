"""Workspaces for tests: made once, then copied."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from cai_core.store.workspace import Workspace, open_workspace


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="workspace-template-"))
    open_workspace(folder).close()
    return folder


def fresh(folder: Path) -> Workspace:
    """A fresh workspace with all that ships, at `folder`."""
    shutil.copytree(_template(), folder, dirs_exist_ok=True)
    return open_workspace(folder)
