"""How deep definitions refer to each other: the names that are being read, and how far below them others reach."""

from dataclasses import dataclass, field
from typing import Final

from auditor.domain.message import Message
from auditor.policy.nodes import Diagnostics, Node

DEEPEST: Final = 256
"""Levels of selectors within selectors, and of sets within sets, however many names they have on the way.

What reads and judges them calls itself for every level, and Python bounds such calls.
"""


@dataclass(slots=True)
class Levels:
    """Tells whether a definition contains itself, or reaches too deep, wherever its parts are defined."""

    diagnostics: Diagnostics
    _open: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The names that are being read: the level of each, and how deep was reached before it."""
    _known: dict[str, int] = field(default_factory=dict)
    """How many levels each name takes that was read."""
    _level: int = 0
    _reached: int = 0

    def open(self, name: str, definition: Node, where: Node) -> bool:
        """Begin a definition that is used somewhere; one that contains itself or lies too deep is noted, not begun."""
        if name in self._open:
            names = list(self._open)
            chain = " → ".join([*names[names.index(name) :], name])
            self.diagnostics.error(
                "policy-circular-name",
                Message("a definition contains itself: {chain}", chain=chain),
                definition,
                Message("break the circle"),
            )
            return False
        before = self._reached
        if not self.descend(where):
            return False
        self._open[name] = (self._level - 1, before)
        self._reached = self._level
        return True

    def close(self, name: str) -> None:
        """End a definition."""
        level, before = self._open.pop(name)
        self._known[name] = self._reached - level
        self._level = level
        self._reached = max(before, self._reached)

    def reuse(self, name: str, where: Node) -> bool:
        """Use a definition that was read before; one that reaches too deep from here is noted."""
        return self._reach(self._level + self._known[name], where)

    def descend(self, where: Node) -> bool:
        """Go one level down; noted where that is too deep, and not done."""
        if not self._reach(self._level + 1, where):
            return False
        self._level += 1
        return True

    def ascend(self) -> None:
        """Go one level up."""
        self._level -= 1

    def _reach(self, level: int, where: Node) -> bool:
        if level > DEEPEST:
            self.diagnostics.error(
                "policy-too-deep",
                Message("definitions refer to each other more than {deepest} levels deep", deepest=DEEPEST),
                where,
                Message("let this name what the lowest of them names"),
            )
            return False
        self._reached = max(self._reached, level)
        return True
