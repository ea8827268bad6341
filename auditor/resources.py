"""Gives access to packaged data: policies, reports, schemas."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def policies() -> "Traversable":
    """Return the folder of the starter library."""
    return folder("auditor.policies")


def reports() -> "Traversable":
    """Return the folder of templates, styles, message catalogues and guidance articles."""
    return folder("auditor.reports")


def report_text(path: str) -> str:
    """Return the text of a file of `reports`."""
    return _text(reports().joinpath(path))


def demo_text(name: str) -> str:
    """Return the text of a file of the demo."""
    return _text(folder("auditor.demo").joinpath(name))


def _text(file: "Traversable") -> str:
    """Return the text of a file, always with LF line ends, because digests are computed from it."""
    return file.read_text(encoding="utf-8").replace("\r\n", "\n")


def schemas() -> "Traversable":
    """Return the folder of JSON Schemas."""
    return folder("auditor.schemas")


def folder(package: str) -> "Traversable":
    """Return the folder of a package."""
    location = import_module(package).__file__
    path = None if location is None else Path(location).parent
    if path is not None and path.is_dir():
        return path
    # Only needed in a zip archive, because it imports zipfile, tempfile and random.
    from importlib.resources import files  # noqa: PLC0415

    return files(package)


def schema(name: str) -> str:
    """Return the text of a JSON Schema by its name without version, such as `policy`; KeyError for an unknown name."""
    for entry in sorted(schemas().iterdir(), key=lambda item: item.name):
        if entry.name.startswith(f"{name}.v") and entry.name.endswith(".json"):
            return entry.read_text(encoding="utf-8")
    raise KeyError(name)


def schema_names() -> tuple[str, ...]:
    """Return the names of all schemas, sorted."""
    return tuple(sorted(entry.name.split(".")[0] for entry in schemas().iterdir() if entry.name.endswith(".json")))
