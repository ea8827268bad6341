"""A document with mistakes in its structure into what is whole of it, so that its meaning is told in the same go."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.policy.reading import BROKEN, Path
from auditor.policy.structure import fits

_LISTS = ("policies", "waivers")
_MAPPINGS = ("populations", "products")


@dataclass(slots=True)
class Gaps:
    """What the parts with mistakes may have defined, so that nobody is told that it does not exist."""

    anything: bool = False
    """Whether any policy may stand where it cannot be read."""
    sections: bool = False
    """Whether a whole section has another form, or another name."""
    policies: set[str] = field(default_factory=set)
    populations: set[str] = field(default_factory=set)


def salvage(value: object, mistakes: Iterable[Path], gaps: Gaps) -> dict[str, Any] | None:
    """Return the document with its broken parts marked, each policy, waiver and name a part; None where none is whole.

    What a broken part would have defined is noted in `gaps`.
    """
    if not isinstance(value, dict):
        gaps.anything = True
        return None
    kept: dict[str, Any] = {**value, "version": 1}
    for path in mistakes:
        _mark(kept, path, gaps)
    whole = {key: part for key, part in ((key, _whole(part)) for key, part in kept.items()) if part or key == "version"}
    if whole.keys() <= {"version"}:
        return None
    if not fits(whole, "policy"):
        gaps.anything = True
        return None
    return kept


def _mark(kept: dict[str, Any], path: Path, gaps: Gaps) -> None:
    match path:
        case ("version", *_):
            return
        case (str(section), int(place), *_) if section in _LISTS and isinstance(kept.get(section), list):
            item = kept[section][place]
            if section == "policies" and isinstance(item, Mapping):
                gaps.policies.add(str(item.get("id")))
            kept[section] = [BROKEN if number == place else each for number, each in enumerate(kept[section])]
        case (str(section), str(name), *_) if section in _MAPPINGS and isinstance(kept.get(section), dict):
            if section == "populations":
                gaps.populations.add(name)
            kept[section] = {**kept[section], name: BROKEN}
        case (section, *_):
            gaps.sections = gaps.sections or section not in {"prices", "defaults"}
            gaps.anything = gaps.anything or gaps.sections
            kept.pop(str(section), None)
        case _:
            return


def _whole(part: Any) -> Any:
    if isinstance(part, list):
        return [item for item in part if item is not BROKEN]
    if isinstance(part, dict):
        return {key: item for key, item in part.items() if item is not BROKEN}
    return part
