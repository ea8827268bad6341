"""Tells writers that objects of a tenant are being deleted, and deletions which objects no writer needs any more."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from auditor.store.commit import SCHEMA, sealed
from auditor.store.objects.backends import Backend

IN_FLIGHT: Final = timedelta(days=2)
"""An object or a temporary file that was written later than this may belong to a writer that has not committed yet."""


def is_pruned(place: Backend, tenant: str) -> bool:
    """Whether somebody deletes objects of a tenant now, or was killed while doing so and not followed by another."""
    return bool(place.names(f"{tenant}/prunes"))


@contextmanager
def announced(place: Backend, tenant: str) -> Iterator[datetime | None]:
    """Announce to writers that objects of a tenant are deleted; yields the place's own time, None where unknown.

    Announcements of killed deletions are removed.
    """
    folder = f"{tenant}/prunes"
    mark = f"{folder}/{secrets.token_hex(8)}.json"
    place.create(mark, sealed({"schema": SCHEMA, "kind": "prune"}))
    try:
        marks = place.written(folder)
        present = marks.get(mark)
        for name in old_files(marks, present):
            place.remove(name)
        yield present
    finally:
        place.remove(mark)


def of_tenant(written: Mapping[str, datetime | None], tenant: str) -> dict[str, datetime | None]:
    """Return what lies under the name of a tenant."""
    return {name: at for name, at in written.items() if name.startswith(f"{tenant}/")}


def old_files(written: Mapping[str, datetime | None], present: datetime | None) -> tuple[str, ...]:
    """Return the names of what no writer can still be writing, by the clock of the place that keeps it."""
    if present is None:
        return ()
    return tuple(name for name, at in written.items() if at is not None and present - at > IN_FLIGHT)
