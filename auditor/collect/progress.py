"""The interface by which a collection reports its progress."""

from collections.abc import Callable
from typing import Protocol

from auditor.domain.enums import Source
from auditor.domain.message import Message


class Progress(Protocol):
    """A listener for the progress of a tenant's collection; called from one thread, and must not raise."""

    @property
    def ask(self) -> Callable[[Message], None] | None:
        """What shows a request to the person at the terminal, from any thread; None if nobody is there."""

    def expect(self, tenant: str, source: Source, total: int | None) -> None:
        """Receive that a source is being read; `total` is the expected number of objects, if known."""

    def advance(self, tenant: str, source: Source, count: int) -> None:
        """Receive that `count` more objects were read."""

    def finish(self, tenant: str, source: Source, status: str) -> None:
        """Receive that a source is done, with its final status."""


class NoProgress:
    """A listener that ignores everything."""

    ask = None

    def expect(self, tenant: str, source: Source, total: int | None) -> None:
        """Do nothing."""

    def advance(self, tenant: str, source: Source, count: int) -> None:
        """Do nothing."""

    def finish(self, tenant: str, source: Source, status: str) -> None:
        """Do nothing."""
