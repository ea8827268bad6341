"""Changes that take effect on users some requests later, as in Graph, which applies them asynchronously."""

from collections.abc import Callable

from msgspec import Struct, field


class LateEffects(Struct, kw_only=True):
    """Effects on users of changed members and group licences, applied at once or after a delay."""

    lag: int = 0
    """The number of requests after which a change takes effect; 0 means at once."""
    pending: list[tuple[int, Callable[[], None]]] = field(default_factory=list)

    def add(self, effect: Callable[[], None]) -> None:
        """Apply an effect now, or after `lag` requests."""
        if self.lag:
            self.pending.append((self.lag, effect))
        else:
            effect()

    def count_request(self) -> None:
        """Apply the effects that are due, in the order in which they were added."""
        self.pending = [(remaining - 1, effect) for remaining, effect in self.pending]
        while self.pending and self.pending[0][0] <= 0:
            self.pending.pop(0)[1]()
