"""The import rules of pyproject.toml: that breaking one is caught, and that the app process stays light."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")

BROKEN = [
    ("db/schema.py", "import cai_core.types", "app calls cai_core, cai_core calls db, never back"),
    ("cai_core/types/runs.py", "import app", "app calls cai_core, cai_core calls db, never back"),
    ("cai_core/types/runs.py", "import cai_core.config", "inside cai_core, each part knows only the parts before it"),
    (
        "cai_core/chains/templates.py",
        "import cai_core.training",
        "inside cai_core, each part knows only the parts before it",
    ),
    ("cai_core/chains/templates.py", "import db.schema", "only store, runs and cli touch the database"),
    ("cai_core/config/checks.py", "import streamlit", "streamlit stays in app"),
    ("app/__init__.py", "import torch", "the app process never loads torch"),
    ("app/__init__.py", "def later():\n    import transformers", "the app process never loads torch"),
    ("app/__init__.py", "import cai_core.training.sft", "the app process never loads torch"),
    ("db/schema.py", "import torch", "the database and the store are torch-free"),
]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Import-linter's verdict on the packages in `folder`."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The three packages and their rules, to be broken."""
    for package in ("app", "cai_core", "db"):
        shutil.copytree(ROOT / package, tmp_path / "copy" / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "copy")
    return tmp_path / "copy"


def test_the_rules_hold(copy: Path) -> None:
    result = lint_imports(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("file", "line", "contract"), BROKEN)
def test_breaking_a_rule_is_caught(copy: Path, file: str, line: str, contract: str) -> None:
    with (copy / file).open("a") as source:
        source.write(f"\n{line}\n")
    result = lint_imports(copy)
    assert result.returncode != 0
    broken = [row for row in result.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(contract in row for row in broken), result.stdout


def test_a_new_part_of_cai_core_needs_a_place_in_the_layers(copy: Path) -> None:
    (copy / "cai_core" / "helpers.py").write_text("")
    result = lint_imports(copy)
    assert result.returncode != 0
    assert "helpers" in result.stdout


def imports_of_the_app() -> set[str]:
    """Every module of ours that some file of the app imports, at its top or inside a function."""
    found: set[str] = set()
    for file in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.split(".")[0] in ("cai_core", "db") and is_module(name)}


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def test_the_app_process_stays_light() -> None:
    """What the pages import is imported for real: import-linter cannot see an import made by name."""
    modules = sorted(imports_of_the_app())
    code = (
        "import importlib, sys\n"
        f"for name in {['streamlit', 'plotly.graph_objects', 'pandas', *modules]}: importlib.import_module(name)\n"
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
