"""Deduplicates guidance that several actions of a document share: later actions refer to the first one."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Final

from msgspec import Struct, field

from auditor.domain.actions.action import Action
from auditor.domain.translation import N_

HEADINGS: Final[Mapping[str, str]] = {
    "prerequisites": N_("Before you begin"),
    "warnings": N_("Warnings"),
    "steps": N_("Steps"),
    "next": N_("Then"),
}
"""The headings of the parts of the guidance."""
_MIN_LINES: Final = 2
"""Minimum number of shared lines for a reference; their length depends on the language."""


class GuidancePart(Struct, frozen=True, kw_only=True, eq=False):
    """A part of the guidance, without the lines that an earlier action shows."""

    like: tuple[str, str] | None
    """Anchor and title of that earlier action; None if there is none."""
    lines: tuple[tuple[str, bool], ...]
    """The text, and whether the step cannot be undone."""


class SharedGuidance(Struct, frozen=True, kw_only=True, eq=False):
    """The guidance of an action, with references to the earlier actions of the document that show parts of it."""

    repeated: tuple[tuple[tuple[str, str], tuple[str, ...]], ...]
    """Anchor and title of an earlier action, and the names of the parts that it already shows completely."""
    parts: tuple[tuple[str, GuidancePart], ...]
    """The other parts by name: `prerequisites`, `warnings`, `steps` and `next`; those without lines are left out."""


class _GuidanceSource(Struct, frozen=True, kw_only=True):
    """A part of the guidance that is shown in full, and the action that shows it."""

    number: int
    lines: tuple[tuple[str, bool], ...]
    target: tuple[str, str]


class GuidanceParts(Struct, frozen=True):
    """The guidance that a document shows so far."""

    earlier: dict[tuple[str, tuple[str, bool]], list[_GuidanceSource]] = field(default_factory=dict)
    """By part and first line, so that only sources whose first line occurs are compared."""
    numbers: Iterator[int] = field(default_factory=count)
    """Numbers of the sources; if several have equal length, the first is used."""

    def add_action(self, action: Action, target: tuple[str, str]) -> SharedGuidance:
        """Return the guidance of an action without what earlier actions show; `target` is as for `add`."""
        steps = [(text, number in action.irreversible) for number, text in enumerate(action.steps, start=1)]
        parts = {
            "prerequisites": self.add("prerequisites", [(text, False) for text in action.prerequisites], target),
            "warnings": self.add("warnings", [(text, False) for text in action.warnings], target),
            "steps": self.add("", steps, target),
            "next": self.add("next", [(text, False) for text in action.next], target),
        }
        repeated: dict[tuple[str, str], list[str]] = {}
        for name, part in parts.items():
            if part.like is not None and not part.lines:
                repeated.setdefault(part.like, []).append(name)
        return SharedGuidance(
            repeated=tuple((source, tuple(names)) for source, names in repeated.items()),
            parts=tuple((name, part) for name, part in parts.items() if part.lines),
        )

    def add(self, part: str, lines: Sequence[tuple[str, bool]], target: tuple[str, str]) -> GuidancePart:
        """Return a part of the guidance without the lines that one earlier action shows.

        `target` is the anchor and title of the action. For steps `part` is empty. Their order matters, so they refer to
        another action only if all steps are equal.
        """
        line_set = set(lines)
        candidates = [
            source
            for line in dict.fromkeys(lines if part else lines[:1])
            for source in self.earlier.get((part, line), ())
            if (line_set.issuperset(source.lines) if part else source.lines == tuple(lines))
        ]
        best = max(candidates, key=lambda source: (len(source.lines), -source.number), default=None)
        if best is None or len(best.lines) < _MIN_LINES:
            if lines:
                source = _GuidanceSource(number=next(self.numbers), lines=tuple(lines), target=target)
                self.earlier.setdefault((part, lines[0]), []).append(source)
            return GuidancePart(like=None, lines=tuple(lines))
        return GuidancePart(like=best.target, lines=tuple(line for line in lines if line not in best.lines))
