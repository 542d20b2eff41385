"""`python -m cai_core.cli` is `cai-studio`."""

from cai_core.cli import main

main()
