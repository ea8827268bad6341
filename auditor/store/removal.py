"""Coordinates deletions with concurrent writers: announces deletions, and finds objects that no writer can need."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from auditor.store.commit import SCHEMA, with_digest
from auditor.store.objects.backends import Backend

IN_FLIGHT: Final = timedelta(days=2)
"""Age below which an object or temporary file may belong to a writer that has not committed yet."""


def is_pruned(backend: Backend, tenant: str) -> bool:
    """Return whether objects of a tenant are being deleted, or the last deletion was killed."""
    return bool(backend.names(f"{tenant}/prunes"))


@contextmanager
def announced(backend: Backend, tenant: str) -> Iterator[datetime | None]:
    """Announce a deletion to writers; yields the current time of the backend's clock, None if unknown.

    Also removes the announcements of killed deletions.
    """
    folder = f"{tenant}/prunes"
    announcement = f"{folder}/{secrets.token_hex(8)}.json"
    backend.create(announcement, with_digest({"schema": SCHEMA, "kind": "prune"}))
    try:
        announcements = backend.modified_times(folder)
        now = announcements.get(announcement)
        for name in old_files(announcements, now):
            backend.remove(name)
        yield now
    finally:
        backend.remove(announcement)


def of_tenant(written: Mapping[str, datetime | None], tenant: str) -> dict[str, datetime | None]:
    """Return the entries of one tenant."""
    return {name: at for name, at in written.items() if name.startswith(f"{tenant}/")}


def old_files(written: Mapping[str, datetime | None], now: datetime | None) -> tuple[str, ...]:
    """Return the names of objects that no writer can still be writing, by the backend's clock."""
    if now is None:
        return ()
    return tuple(name for name, at in written.items() if at is not None and now - at > IN_FLIGHT)
