"""The objects of a night, step by step, into its buckets and the digests of what they say."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from auditor.snapshot.schema import SMALL_TABLES
from auditor.store.delta.column_diff import digest
from auditor.store.delta.pack import StoredObject
from auditor.store.delta.user_delta import Restoring, UserPartition


def replayed(parts: Sequence[StoredObject]) -> Iterator[Restoring]:
    """Yield the buckets of a night, each with the steps of all its objects applied."""
    columns = parts[0].head.columns
    for together in zip(*(part.people() for part in parts), strict=True):
        made = Restoring(columns)
        for part, steps in zip(parts, together, strict=True):
            made.apply(steps, second=part.head.second)
        yield made


@dataclass(slots=True)
class Digests:
    """Takes digests of what passes by."""

    users: Any = None
    links: Any = None

    def people(self, buckets: Iterable[UserPartition]) -> Iterator[UserPartition]:
        """Pass buckets on."""
        self.users, self.links = hashlib.sha256(), hashlib.sha256()
        for bucket in buckets:
            users, links = bucket.tables()
            self.users.update(digest([users]).encode())
            self.links.update(digest([links]).encode())
            yield bucket

    def told(self, tables: Mapping[str, pa.Table]) -> dict[str, str]:
        """Return a digest for every table."""
        small = {name: digest([tables[name]]) for name in SMALL_TABLES}
        return {"users": self.users.hexdigest(), "assignments": self.links.hexdigest(), **small}
