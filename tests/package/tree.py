"""Lists the files of the project as git sees them, and parses its code."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAPPED = {"policies": "auditor.policies", "reports": "auditor.reports"}
"""Folders beside the package that are packages of it, and their names."""


@cache
def files(*folders: str) -> tuple[Path, ...]:
    """Return the files of the folders that are tracked, or would be: whatever .gitignore leaves, sorted.

    In a source archive without git, all files count except hidden ones and those that Python creates.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        found = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    else:
        found = (path for folder in folders or (".",) for path in (ROOT / folder).rglob("*") if _counts(path))
    return tuple(sorted(path for path in found if path.is_file()))


def _counts(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return not any(part.startswith(".") or part in {"__pycache__", "build", "dist", "out"} for part in parts)


@cache
def modules(folder: str = "auditor") -> tuple[tuple[str, ast.Module], ...]:
    """Return each Python file of a folder, by its path from the root, with its syntax tree; it is parsed once."""
    return tuple(
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_bytes()))
        for path in files(folder)
        if path.suffix == ".py"
    )


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Return every node of a tree."""
    return tuple(ast.walk(tree))


def packed_names() -> list[str]:
    """Return the names of the files that a wheel of the tree contains, its metadata aside."""
    tree = {
        path.relative_to(ROOT).as_posix() if folder == "auditor" else f"auditor/{path.relative_to(ROOT).as_posix()}"
        for folder in ("auditor", *MAPPED)
        for path in files(folder)
        if path.suffix != ".pot"
    }
    return sorted(f"{name.removesuffix('.po')}.mo" if name.endswith(".po") else name for name in tree)
