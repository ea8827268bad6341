"""Keeps the valid parts of a document with structural mistakes, so that errors of meaning are reported as well."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct, field

from auditor.policy.nodes import BROKEN, Path
from auditor.policy.schema.check import fits

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
    """What the broken parts may have defined, so that it is not reported as unknown."""

    anything: bool = False
    """Whether an unreadable part may define any policy."""
    sections: bool = False
    """Whether a whole section has another form or another name."""
    policies: set[str] = field(default_factory=set)
    populations: set[str] = field(default_factory=set)


def recover(value: object, mistakes: Iterable[Path], gaps: Gaps) -> dict[str, Any] | None:
    """Return the document with its broken parts marked; None if no part is valid.

    A part is a name, or a key of a policy or waiver, whose other keys are still read. What a broken part may have
    defined is recorded in `gaps`.
    """
    if not isinstance(value, dict):
        gaps.anything = True
        return None
    parts: dict[str, Any] = {**value, "version": 1}
    for path in mistakes:
        _mark(parts, path, gaps)
    valid = {key: _valid(part) for key, part in parts.items()}
    whole = {key: part for key, part in valid.items() if part or key == "version"}
    if whole.keys() <= {"version"}:
        return None
    if not fits(whole, "policy"):
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
            repaired = _repaired(section, item)
            parts[section] = [repaired if number == index else each for number, each in enumerate(parts[section])]
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


def _repaired(section: str, item: object) -> object:
    """Return an item with its valid keys and placeholders; BROKEN if too little is valid."""
    if not isinstance(item, Mapping):
        return BROKEN
    placeholders = _PLACEHOLDERS[section]
    bare = {key: value for key, value in placeholders.items() if key != _CONSTRAINT}
    whole = {
        key: value
        for key, value in item.items()
        if any(_fits(section, {**o, key: value}) for o in (placeholders, bare))
    }
    if any(key not in whole for key in _REQUIRED[section]):
        return BROKEN
    candidates = ({**bare, **whole}, {**placeholders, **whole})
    return next((candidate for candidate in candidates if _fits(section, candidate)), BROKEN)


def _fits(section: str, item: Mapping[str, Any]) -> bool:
    return fits({"version": 1, section: [item]}, "policy")


def _valid(part: Any) -> Any:
    if isinstance(part, list):
        return [item for item in part if item is not BROKEN]
    if isinstance(part, dict):
        return {key: item for key, item in part.items() if item is not BROKEN}
    return part
