"""Finds the files of policies that a result names, for reports that refer to files of a repository."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from auditor.app.policy_files import COPY, DEFAULT, LIBRARY, library_files
from auditor.app.repository import repository_of
from auditor.files import input as files


def repository_paths(names: Iterable[str]) -> Mapping[str, str]:
    """Return the paths of existing files by their names in results: relative to the repository, or else absolute.

    A file of the starter library is its copy in `.starter` next to policies. Without a repository, paths are relative
    to the current folder.
    """
    all_names = sorted(names)
    library = {name for name in all_names if name.startswith(f"{LIBRARY}/")}
    folders = dict.fromkeys((DEFAULT, *(Path(name).parent for name in all_names if name not in library)))
    bodies = dict(library_files()) if library else {}
    folder = Path.cwd()
    root = repository_of(folder) or folder
    paths: dict[str, str] = {}
    for name in all_names:
        places = [folder / COPY / Path(name).name for folder in folders] if name in library else [Path(name)]
        path = next((found for place in places if (found := _existing(place, bodies.get(name))) is not None), None)
        if path is not None:
            paths[name] = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
    return paths


def _existing(path: Path, body: bytes | None) -> Path | None:
    """Return the resolved path of a file, which contains `body` if that is not None; None if there is no such file."""
    try:
        resolved = path.resolve(strict=True)
        return resolved if body is None or files.read(resolved, max_bytes=files.POLICY) == body else None
    except (OSError, RuntimeError, ValueError):  # a file of another machine, a folder, or a cycle of links
        return None
