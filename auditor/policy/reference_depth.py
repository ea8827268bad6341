"""Tracks how deep definitions nest, to detect cycles and limit recursion."""

from typing import Final

from msgspec import Struct, field

from auditor.domain.message import Message
from auditor.policy.nodes import Diagnostics, Node

MAX_LEVELS: Final = 256
"""Nesting levels of selectors, and of sets, however many names lie between.

Reading and evaluating them recurses once per level, and Python limits recursion.
"""


class Levels(Struct):
    """Detects definitions that contain themselves or nest too deeply, wherever their parts are defined."""

    diagnostics: Diagnostics
    _open: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Names being read: the level of each, and the depth reached before it."""
    _known: dict[str, int] = field(default_factory=dict)
    """Levels that each name already read takes."""
    _level: int = 0
    _reached: int = 0

    def open(self, name: str, definition: Node, where: Node) -> bool:
        """Begin reading a definition; reports one that contains itself or nests too deeply, and returns False."""
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
        """Use a definition that was read before; reports one that nests too deeply from here."""
        return self._reach(self._level + self._known[name], where)

    def descend(self, where: Node) -> bool:
        """Go down one level; reports, and returns False, if that is too deep."""
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
        self._reached = max(self._reached, level)
        return True
