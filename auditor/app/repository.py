"""The repository of a team, to which the paths of policies in reports refer."""

from collections.abc import Iterable, Mapping
from pathlib import Path


def repository_of(folder: Path) -> Path | None:
    """Return the root of the repository that contains a resolved folder; None if there is none."""
    return next((ancestor for ancestor in (folder, *folder.parents) if _exists(ancestor / ".git")), None)


def repository_paths(files: Iterable[str]) -> Mapping[str, str]:
    """Return the paths of existing files by their names in results: relative to the repository, or else absolute.

    Without a repository, paths are relative to the current folder.
    """
    folder = Path.cwd()
    root = repository_of(folder) or folder
    paths: dict[str, str] = {}
    for name in files:
        try:
            path = Path(name).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):  # a file of the library, of another machine, or a cycle of links
            continue
        paths[name] = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
    return paths


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
