"""What commands print."""

from collections.abc import Callable

import pytest

from cai_core.cli import main
from cai_core.runs import queue
from tests.cai_core.runs.warming import warmed as warmed

Call = Callable[..., tuple[str, str]]


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
