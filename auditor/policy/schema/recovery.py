"""Keeps the valid parts of a document with structural mistakes, so that errors of meaning are reported as well."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct, field

from auditor.policy.nodes import BROKEN
from auditor.policy.schema.check import fits
from auditor.policy.yaml.reader import Path

_LISTS = ("policies", "waivers", "contracts")
_MAPPINGS = ("populations", "products")
_CONSTRAINT: Final = "health"
_PLACEHOLDERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "policies": {"id": "x", "severity": "info", _CONSTRAINT: {"errors": "deny"}},
    "waivers": {"id": "x", "policies": ["x"], "reason": "-", "owner": "-", "expires": "1970-01-01"},
    "contracts": {"id": "x", "products": [], "term": "P3Y", "ends": "1970-01-01", "renews": "by-decision"},
}
"""Placeholders for wrong or missing keys of an item; they cause no errors of meaning."""
_REQUIRED: Final = {"policies": ("id",), "waivers": ("id", "policies"), "contracts": ("id",)}
"""Keys that have no placeholder."""


class Gaps(Struct):
    """Names that the broken parts may have defined, so that they are not reported as unknown."""

    anything: bool = False
    """Whether an unreadable part may define any policy."""
    sections: bool = False
    """Whether a complete section is malformed or has an unknown name."""
    policies: set[str] = field(default_factory=set)
    populations: set[str] = field(default_factory=set)


def recover(value: object, mistakes: Iterable[Path], gaps: Gaps) -> dict[str, Any] | None:
    """Return the document with its broken parts replaced by `BROKEN`; None if no part is valid.

    A part is a named definition, or a key of a policy or waiver, whose other keys are still read. The names that
    broken parts may have defined are recorded in `gaps`.
    """
    if not isinstance(value, dict):
        gaps.anything = True
        return None
    parts: dict[str, Any] = {**value, "version": 1}
    for path in mistakes:
        _mark(parts, path, gaps)
    valid = {key: _valid(part) for key, part in parts.items()}
    nonempty = {key: part for key, part in valid.items() if part or key == "version"}
    if nonempty.keys() <= {"version"}:
        return None
    if not fits(nonempty, "policy"):
        gaps.anything = True
        return None
    return parts


def _mark(parts: dict[str, Any], path: Path, gaps: Gaps) -> None:
    match path:
        case ("version", *_):
            return
        case (str(section), int(index), *_) if section in _LISTS and isinstance(parts.get(section), list):
            item = parts[section][index]
            if section == "policies" and isinstance(item, Mapping):
                gaps.policies.add(str(item.get("id")))
            repaired = _repair(section, item)
            parts[section] = [*parts[section][:index], repaired, *parts[section][index + 1 :]]
        case (str(section), str(name), *_) if section in _MAPPINGS and isinstance(parts.get(section), dict):
            if section == "populations":
                gaps.populations.add(name)
            parts[section] = {**parts[section], name: BROKEN}
        case (section, *_):
            gaps.sections = gaps.sections or section not in {"prices", "contracts", "defaults"}
            gaps.anything = gaps.anything or gaps.sections
            parts.pop(str(section), None)
        case _:
            return


def _repair(section: str, item: object) -> object:
    """Return an item with its valid keys, and placeholders for the others; BROKEN if too little is valid."""
    if not isinstance(item, Mapping):
        return BROKEN
    placeholders = _PLACEHOLDERS[section]
    without_constraint = {key: value for key, value in placeholders.items() if key != _CONSTRAINT}
    valid = {
        key: value
        for key, value in item.items()
        if any(_fits(section, {**others, key: value}) for others in (placeholders, without_constraint))
    }
    if any(key not in valid for key in _REQUIRED[section]):
        return BROKEN
    candidates = ({**without_constraint, **valid}, {**placeholders, **valid})
    return next((candidate for candidate in candidates if _fits(section, candidate)), BROKEN)


def _fits(section: str, item: Mapping[str, Any]) -> bool:
    return fits({"version": 1, section: [item]}, "policy")


def _valid(part: Any) -> Any:
    if isinstance(part, list):
        return [item for item in part if item is not BROKEN]
    if isinstance(part, dict):
        return {key: item for key, item in part.items() if item is not BROKEN}
    return part
