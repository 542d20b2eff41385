"""README and docs against the disk: the tree, the links, the commands."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "constitutions").glob("*.md"))]


def tree_on_disk() -> set[str]:
    """Files and folders of the repository, two levels deep: 'app/', 'app/views/', 'app/main.py'."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found: set[str] = set()
    for name in filter(None, listed.split("\0")):
        path = Path(name)
        if (ROOT / path).exists():
            found |= {f"{parent}/" for parent in path.parents if 0 < len(parent.parts) <= 2}
            found |= {name} if len(path.parts) <= 2 and path.name != "__init__.py" else set()
    return found


def tree_in_readme() -> set[str]:
    """The entries of the README's tree; several may share a line: 'schema.py, session.py   tables'."""
    block = re.search(r"<!-- tree.*?```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block, "README.md has no tree"
    found: set[str] = set()
    folder = ""
    for line in block[1].splitlines():
        names = re.split(r"\s{2,}", line.strip())[0].split(", ")
        folder = folder if line.startswith("  ") else names[0]
        found |= {f"{folder}{name}" for name in names} if line.startswith("  ") else set(names)
    return found


def test_the_tree_in_the_readme_is_the_tree_on_disk() -> None:
    missing = sorted(tree_on_disk() - tree_in_readme())
    gone = sorted(tree_in_readme() - tree_on_disk())
    assert not missing, f"add to the tree in README.md: {missing}"
    assert not gone, f"in the tree in README.md, and not on disk: {gone}"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    broken = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not broken


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_in_the_docs_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= targets


def commands() -> dict[str, Any]:
    """Every command of the command line by its words: 'demo', 'runs', 'runs list'."""
    from cai_core.cli import app

    found: dict[str, Any] = {}
    todo: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while todo:
        prefix, command = todo.pop()
        for name, child in getattr(command, "commands", {}).items():
            found[f"{prefix}{name}"] = child
            todo.append((f"{prefix}{name} ", child))
    return found


def code_in(page: Path) -> str:
    """What the page sets as code: fenced blocks and inline spans."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", page.read_text(), re.DOTALL))


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_docs_exist(page: Path) -> None:
    known = commands()
    wrong = []
    for first, second in re.findall(r"cai-studio ([a-z][a-z-]*)(?: ([a-z][a-z-]*)\b)?", code_in(page)):
        has_children = bool(getattr(known.get(first), "commands", None))
        if first not in known or (has_children and second and f"{first} {second}" not in known):
            wrong.append(f"{first} {second}".strip())
    assert wrong == []


def test_every_command_has_help() -> None:
    assert [name for name, command in commands().items() if not command.help] == []


def test_scripts_are_executable() -> None:
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100
    assert "Apache License" in (ROOT / "LICENSE").read_text()
