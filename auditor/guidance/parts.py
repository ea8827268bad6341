"""Deduplicates guidance that several actions of a document share: later actions refer to the first one."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

from msgspec import Struct, field

_MIN_LINES: Final = 2
"""Minimum number of shared lines for a reference; their length depends on the language."""


class GuidancePart(Struct, frozen=True, kw_only=True, eq=False):
    """A part of the guidance, without the lines that an earlier action shows."""

    like: tuple[str, str] | None
    """Anchor and title of that earlier action; None if there is none."""
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
    """By part and first line, so that only sources whose first line occurs are compared."""
    numbers: Iterator[int] = field(default_factory=count)
    """Numbers of the sources; if several have equal length, the first is used."""

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
