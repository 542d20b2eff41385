"""The app's process stays light: no page imports a training library, directly or through others."""

import subprocess
import sys
from pathlib import Path

from cai_core.store.workspace import Workspace
from tests.app.conftest import MAIN, VIEWS

HEAVY = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
SCRIPT = f"""
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(MAIN)!r}, default_timeout=60).run()
for view in {VIEWS!r}:
    assert not app.switch_page(f"views/{{view}}.py").run().exception, view
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_no_page_imports_a_training_library(loop: Workspace) -> None:
    """After drawing every page, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, cwd=Path(MAIN).parents[1]
    )

    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr
