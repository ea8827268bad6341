"""What a collection tells about itself while it runs."""

from typing import Protocol

from auditor.domain.enums import Source


class Progress(Protocol):
    """Somebody who wants to know how far a tenant's collection is; called from one thread, and not to fail."""

    def expect(self, tenant: str, source: Source, total: int | None) -> None:
        """Hear that a source is being read, and how many objects it may have."""

    def advance(self, tenant: str, source: Source, count: int) -> None:
        """Hear that so many more objects were read."""

    def finish(self, tenant: str, source: Source, status: str) -> None:
        """Hear that a source is done, and with which status."""


class Silent:
    """Somebody who does not want to know."""

    def expect(self, tenant: str, source: Source, total: int | None) -> None:
        """Say nothing."""

    def advance(self, tenant: str, source: Source, count: int) -> None:
        """Say nothing."""

    def finish(self, tenant: str, source: Source, status: str) -> None:
        """Say nothing."""
