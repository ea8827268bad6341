"""Effects of requests that reach people some requests later, as they do in Graph."""

from collections.abc import Callable

from msgspec import Struct, field


class LateEffects(Struct, kw_only=True):
    """What changes of members and of groups' licences do to people, now or later."""

    lag: int = 0
    """How many requests pass before a change takes effect."""
    pending: list[tuple[int, Callable[[], None]]] = field(default_factory=list)

    def add(self, effect: Callable[[], None]) -> None:
        """Takes effect now, or after some more requests."""
        if self.lag:
            self.pending.append((self.lag, effect))
        else:
            effect()

    def count_request(self) -> None:
        """Lets what is due take effect, in the order in which it was asked for."""
        self.pending = [(left - 1, effect) for left, effect in self.pending]
        while self.pending and self.pending[0][0] <= 0:
            self.pending.pop(0)[1]()
