"""Shortens guidance that several actions of a document share: later actions refer to the first one."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

from msgspec import Struct, field

_FEWEST: Final = 2
"""Lines that are worth a link to where they stand; how long they are differs from language to language."""


class GuidancePart(Struct, frozen=True, kw_only=True, eq=False):
    """A part of the guidance, without what an earlier action shows in the same l10n."""

    like: tuple[str, str] | None
    """Anchor and title of that action."""
    lines: tuple[tuple[str, bool], ...]
    """The text, and whether the step cannot be undone."""


class _GuidanceSource(Struct, frozen=True, kw_only=True):
    """A part of the guidance that is shown in full, and the action that shows it."""

    number: int
    lines: tuple[tuple[str, bool], ...]
    target: tuple[str, str]


class GuidanceParts(Struct, frozen=True):
    """The guidance that a document shows so far."""

    earlier: dict[tuple[str, tuple[str, bool]], list[_GuidanceSource]] = field(default_factory=dict)
    """By part and first line: of a source whose first line is missing, other lines need no comparison."""
    numbers: Iterator[int] = field(default_factory=count)
    """Of sources of equal length the first is referred to."""

    def add(self, part: str, lines: Sequence[tuple[str, bool]], target: tuple[str, str]) -> GuidancePart:
        """Return a part of the guidance without the lines that one earlier action shows; steps have no `part`.

        `target` is the anchor and title of the action. Steps have an order, so only all of them can be those of another
        action.
        """
        wanted = set(lines)
        candidates = [
            each
            for line in dict.fromkeys(lines if part else lines[:1])
            for each in self.earlier.get((part, line), ())
            if (wanted.issuperset(each.lines) if part else each.lines == tuple(lines))
        ]
        best = max(candidates, key=lambda each: (len(each.lines), -each.number), default=None)
        if best is None or len(best.lines) < _FEWEST:
            if lines:
                source = _GuidanceSource(number=next(self.numbers), lines=tuple(lines), target=target)
                self.earlier.setdefault((part, lines[0]), []).append(source)
            return GuidancePart(like=None, lines=tuple(lines))
        return GuidancePart(like=best.target, lines=tuple(line for line in lines if line not in best.lines))
