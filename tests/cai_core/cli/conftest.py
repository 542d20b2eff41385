"""A workspace that commands find by default, and what they print."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cai_core.cli import main
from cai_core.runs import queue
from cai_core.store.workspace import Workspace
from tests.cai_core.runs.helpers import add_scripted
from tests.workspaces import fresh

Call = Callable[..., tuple[str, str]]


@pytest.fixture
def opened(workspace: Path) -> Iterator[Workspace]:
    found = fresh(workspace)
    add_scripted(found)
    yield found
    found.close()


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command; what it printed on standard output and standard error."""

    def run(*argv: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as exited:
            main(argv)
        said = capsys.readouterr()
        assert (exited.value.code or 0) == code, said.err or said.out
        assert "Traceback" not in said.err
        return said.out, " ".join(said.err.split())

    return run


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is launched."""
    monkeypatch.setattr(queue, "kick", lambda _workspace: [])
