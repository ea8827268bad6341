"""The interface with which a collection reports its progress."""

from collections.abc import Callable

from auditor.domain.enums import Source
from auditor.domain.message import Message


class Progress:
    """A listener for the progress of a tenant's collection; this one ignores everything, subclasses show it.

    Its methods are called from one thread, and must not raise.
    """

    @property
    def ask(self) -> Callable[[Message], None] | None:
        """Shows a request to the user at the terminal, from any thread; None if the run is not interactive."""
        return None

    def expect(self, tenant: str, source: Source, total: int | None) -> None:
        """Report that a source is being read; `total` is the expected number of objects, if known."""

    def advance(self, tenant: str, source: Source, count: int) -> None:
        """Report that `count` more objects were read."""

    def finish(self, tenant: str, source: Source, status: str) -> None:
        """Report that a source is done, with its final status."""
