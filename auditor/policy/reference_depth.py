"""Tracks how deeply definitions nest, to detect cycles and limit recursion."""

from typing import Final

from msgspec import Struct, field

from auditor.domain.message import Message
from auditor.policy.nodes import Diagnostics, Node

MAX_LEVELS: Final = 256
"""Maximum nesting levels of selectors and of sets, across all names that they refer to.

Reading and evaluating them recurses once per level, and Python limits recursion.
"""


class ReferenceDepth(Struct):
    """Detects definitions that contain themselves or nest too deeply, wherever their parts are defined."""

    diagnostics: Diagnostics
    _open: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Names being read → their level, and the deepest level reached before them."""
    _heights: dict[str, int] = field(default_factory=dict)
    """Names already read → the number of levels of their definition."""
    _level: int = 0
    _deepest: int = 0

    def open(self, name: str, definition: Node, where: Node) -> bool:
        """Begin a definition; one that contains itself or nests too deeply is reported, and False is returned."""
        if name in self._open:
            names = list(self._open)
            chain = " → ".join([*names[names.index(name) :], name])
            self.diagnostics.error(
                "policy-circular-name",
                Message("a definition contains itself: {chain}", chain=chain),
                definition,
                Message("remove one of the references"),
            )
            return False
        before = self._deepest
        if not self.descend(where):
            return False
        self._open[name] = (self._level - 1, before)
        self._deepest = self._level
        return True

    def close(self, name: str) -> None:
        """End a definition."""
        level, before = self._open.pop(name)
        self._heights[name] = self._deepest - level
        self._level = level
        self._deepest = max(before, self._deepest)

    def reuse(self, name: str, where: Node) -> bool:
        """Use a definition that was already read; returns False and reports it if it nests too deeply from here."""
        return self._reach(self._level + self._heights[name], where)

    def descend(self, where: Node) -> bool:
        """Go down one level; returns False and reports it if that is too deep."""
        if not self._reach(self._level + 1, where):
            return False
        self._level += 1
        return True

    def ascend(self) -> None:
        """Go up one level."""
        self._level -= 1

    def _reach(self, level: int, where: Node) -> bool:
        if level > MAX_LEVELS:
            self.diagnostics.error(
                "policy-too-deep",
                Message("definitions refer to each other more than {deepest} levels deep", deepest=MAX_LEVELS),
                where,
                Message("refer directly to the innermost of these definitions"),
            )
            return False
        self._deepest = max(self._deepest, level)
        return True
