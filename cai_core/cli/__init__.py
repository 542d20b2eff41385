"""The command line: `cai-studio`. As thin as a page: it reads, asks the core, and prints."""

import sys
from collections.abc import Sequence

from cai_core.cli.root import app
from cai_core.errors import CAIError


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 a run failed, 2 something the user can mend, 130 interrupted."""
    try:
        app(args=None if argv is None else list(argv))
    except CAIError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


__all__ = ["app", "main"]
