"""The repository of a team, to which the paths of policies in reports refer."""

from pathlib import Path


def repository_of(folder: Path) -> Path | None:
    """Return the root of the repository that contains a resolved folder; None if there is none."""
    return next((ancestor for ancestor in (folder, *folder.parents) if _exists(ancestor / ".git")), None)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
