"""Lists the files of the project as git sees them, and parses its code."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAPPED = {"policies": "auditor.policies", "reports": "auditor.reports"}
"""Folder next to `auditor` → the subpackage of `auditor` that it is installed as."""


@cache
def files(*folders: str) -> tuple[Path, ...]:
    """Return the files of the folders that git tracks or would track (not ignored by .gitignore), sorted.

    In a source archive without git, these are all files except hidden ones and those that Python creates.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        candidates = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    else:
        candidates = (path for folder in folders or (".",) for path in (ROOT / folder).rglob("*") if _is_source(path))
    return tuple(sorted(path for path in candidates if path.is_file()))


def _is_source(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return not any(part.startswith(".") or part in {"__pycache__", "build", "dist", "out"} for part in parts)


@cache
def modules(folder: str = "auditor") -> tuple[tuple[str, ast.Module], ...]:
    """Return path from the root and syntax tree of each Python file of a folder. Every file is parsed only once."""
    return tuple(
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_bytes()))
        for path in files(folder)
        if path.suffix == ".py"
    )


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Return all nodes of a tree; cached, because many rules walk over the same trees."""
    return tuple(ast.walk(tree))


def packed_names() -> list[str]:
    """Return the names of the files that a wheel of the tree contains, except its metadata."""
    tree = {
        path.relative_to(ROOT).as_posix() if folder == "auditor" else f"auditor/{path.relative_to(ROOT).as_posix()}"
        for folder in ("auditor", *MAPPED)
        for path in files(folder)
        if path.suffix != ".pot"
    }
    return sorted(f"{name.removesuffix('.po')}.mo" if name.endswith(".po") else name for name in tree)
