"""The one door to the data that ships with the package: policies, reports, schemas."""

from importlib.resources import files
from importlib.resources.abc import Traversable


def policies() -> Traversable:
    """Return the starter library's folder."""
    return files("auditor.policies")


def reports() -> Traversable:
    """Return the folder of templates, styles, message catalogues and guidance articles."""
    return files("auditor.reports")


def schemas() -> Traversable:
    """Return the folder of JSON Schemas."""
    return files("auditor.schemas")


def schema(name: str) -> str:
    """Return the text of a JSON Schema by its name without version, such as `policy`; KeyError where there is none."""
    for entry in sorted(schemas().iterdir(), key=lambda item: item.name):
        if entry.name.startswith(f"{name}.v") and entry.name.endswith(".json"):
            return entry.read_text(encoding="utf-8")
    raise KeyError(name)


def schema_names() -> tuple[str, ...]:
    """Return the names that `schema` knows, sorted."""
    return tuple(sorted(entry.name.split(".")[0] for entry in schemas().iterdir() if entry.name.endswith(".json")))
