"""Shortens guidance that several actions of a document share: later actions refer to the first one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_FEWEST: Final = 2
"""Lines that are worth a link to where they stand; how long they are differs from language to language."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GuidancePart:
    """A part of the guidance, without what an earlier action shows in the same l10n."""

    like: tuple[str, str] | None
    """Anchor and title of that action."""
    lines: tuple[tuple[str, bool], ...]
    """The text, and whether the step cannot be undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _GuidanceSource:
    """A part of the guidance that is shown in full, and the action that shows it."""

    part: str
    lines: tuple[tuple[str, bool], ...]
    target: tuple[str, str]


@dataclass(frozen=True, slots=True)
class GuidanceParts:
    """The guidance that a document shows so far."""

    earlier: list[_GuidanceSource] = field(default_factory=list)

    def add(self, part: str, lines: Sequence[tuple[str, bool]], target: tuple[str, str]) -> GuidancePart:
        """Return a part of the guidance without the lines that one earlier action shows; steps have no `part`.

        `target` is the anchor and title of the action. Steps have an order, so only all of them can be those of another
        action.
        """
        wanted = set(lines)
        known = [
            each
            for each in self.earlier
            if each.part == part and (each.lines == tuple(lines) if not part else wanted.issuperset(each.lines))
        ]
        best = max(known, key=lambda each: len(each.lines), default=None)
        if best is None or len(best.lines) < _FEWEST:
            if lines:
                self.earlier.append(_GuidanceSource(part=part, lines=tuple(lines), target=target))
            return GuidancePart(like=None, lines=tuple(lines))
        return GuidancePart(like=best.target, lines=tuple(line for line in lines if line not in best.lines))
