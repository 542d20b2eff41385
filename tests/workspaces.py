"""Workspaces for tests: made once, then copied."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from cai_core.store import models
from cai_core.store.workspace import Workspace, open_workspace

GOOD = """format: cai-constitution/1
name: mine
principles:
  - id: kind
    title: Be kind
    critique_request: What is unkind?
    revision_request: Make it kind.
"""
"""The file of a small constitution in which nothing is wrong."""


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="workspace-template-"))
    open_workspace(folder).close()
    return folder


def fresh(folder: Path) -> Workspace:
    """A fresh workspace with all that ships, at `folder`."""
    shutil.copytree(_template(), folder, dirs_exist_ok=True)
    return open_workspace(folder)


@pytest.fixture
def opened(workspace: Path) -> Iterator[Workspace]:
    """The workspace that commands find by default, fresh, with the scripted model."""
    with closing(fresh(workspace)) as found:
        with found.writing() as session:
            models.add(session, name="scripted", base="scripted")
        yield found
