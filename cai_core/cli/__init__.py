"""The command line: `cai-studio`. As thin as a page: it reads, asks the core, and prints."""

import os
import sys
from collections.abc import Sequence

from cai_core.cli.root import app
from cai_core.errors import CAIError


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 a run failed, 2 something the user can mend, 130 interrupted."""
    words = sys.argv[1:] if argv is None else list(argv)
    # Before anything loads OpenMP: two processes whose threads wait busily take each other's cores, and hardly move.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        for word in words:
            _check_text(word)
        app(args=words)
    except CAIError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename!r} cannot be used: {error.strerror}. Name another.", file=sys.stderr)
        sys.exit(2)


def _check_text(word: str) -> None:
    """Bytes that are no text would be refused far inside, by the database."""
    try:
        word.encode()
    except UnicodeEncodeError:
        raise CAIError(
            f"{word!r} on the command line is not UTF-8 text. Write it, or rename the file, in UTF-8."
        ) from None


__all__ = ["app", "main"]
