"""Encodes a snapshot as a commit and an object, which are added to the store."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.errors import SnapshotError
from auditor.snapshot.manifest import decode
from auditor.snapshot.model import Snapshot
from auditor.snapshot.reader import content_of
from auditor.snapshot.schema import FILES, OPTIONAL_TABLES, SMALL_TABLES
from auditor.snapshot.writer import folder_name
from auditor.store.commit import Night, PartEntry
from auditor.store.delta.column_diff import digest
from auditor.store.delta.licence_cohorts import ASSIGNED, BLOCKED, HolderCounts, was_read
from auditor.store.delta.pack import Head, ObjectKind, StoredObject, pack, small_files, small_tables
from auditor.store.delta.partitions import Layout, NotInOrderError, layout_of, partitions_of
from auditor.store.delta.replay import Digests, replay
from auditor.store.delta.user_delta import Delta, PartitionBuilder, UserPartition, difference

ReadObjects = Callable[[Sequence[PartEntry]], list[StoredObject]]
"""Reads objects of the store, each checked against its digest."""
_MAX_FULL_AGE: Final = timedelta(days=400)
"""How long later nights may be built on one complete night."""


class _InexactError(Exception):
    """A delta did not reproduce the snapshot that it was computed from."""


class NightWriter:
    """Encodes a snapshot: as a delta to the previous night, else as a complete night, else verbatim as its files."""

    def __init__(
        self, read_objects: ReadObjects, snapshot: Snapshot, text: str, nights: tuple[Night, ...], *, complete: bool
    ) -> None:
        self._read_objects = read_objects
        self._snapshot = snapshot
        self._text = text
        self._complete = complete
        earlier = [night for night in nights if night.instant < snapshot.manifest.instant]
        self._previous = max(earlier, key=lambda night: night.instant, default=None)
        self._counts = HolderCounts()
        self._compared = False

    def write(self, folder: Path) -> tuple[Night, bytes]:
        """Return the commit and the bytes of its new object."""
        try:
            layout = layout_of(self._snapshot)
            return self._delta(layout) or self._encode(layout, ())
        except (NotInOrderError, OverflowError, _InexactError, pa.ArrowInvalid):
            return self._verbatim(folder)

    def _delta(self, layout: Layout) -> tuple[Night, bytes] | None:
        """Return the night as a delta; None if there is no complete night to build on, or the delta is not smaller."""
        try:
            base = self._base(layout)
            encoded = self._encode(layout, base) if base else None
        except SnapshotError as error:
            # A damaged earlier night must not prevent storing the new one: store it as a complete night.
            if error.slug != "store-damaged":
                raise
            return None
        return encoded if encoded is not None and len(encoded[1]) < base[0].size else None

    def _base(self, layout: Layout) -> tuple[PartEntry, ...]:
        """Return the objects to build on: those of the previous night, or in a new month only the complete one."""
        previous = self._previous
        if self._complete or previous is None or previous.parts[0].kind != ObjectKind.FULL:
            return ()
        head = self._read_objects(previous.parts[:1])[0].head
        instant = self._snapshot.manifest.instant
        if head.columns != layout.columns or instant - datetime.fromtimestamp(head.second, UTC) > _MAX_FULL_AGE:
            return ()
        same_month = (previous.instant.year, previous.instant.month) == (instant.year, instant.month)
        return previous.parts if same_month else previous.parts[:1]

    def _encode(self, layout: Layout, base: tuple[PartEntry, ...]) -> tuple[Night, bytes]:
        manifest = self._snapshot.manifest
        second = int(manifest.instant.timestamp())
        parts = self._read_objects(base)
        bounds = parts[0].head.bounds if parts else layout.bounds
        tables = {name: self._snapshot.table(name) for name in SMALL_TABLES}
        self._counts = HolderCounts()
        digests = Digests()
        new = digests.people(partitions_of(self._snapshot, layout.columns, bounds))
        kind = ObjectKind.STEPS if parts else ObjectKind.FULL
        head = Head(kind=kind, columns=layout.columns, bounds=() if parts else bounds, second=second)
        body = pack(
            head,
            self._steps(new, parts, layout.columns, second),
            small_files(small_tables(parts) if parts else None, tables),
        )
        if not parts:
            self._compare(layout)
        return self._night(base, kind, body, digests.by_table(tables), layout.row_groups), body

    def _compare(self, layout: Layout) -> None:
        """Count the changes since the previous night if the new night is not built on it."""
        previous = self._previous
        if previous is None or previous.parts[0].kind != ObjectKind.FULL:
            return
        try:
            previous_objects = self._read_objects(previous.parts)
        except SnapshotError as error:
            if error.slug != "store-damaged":
                raise
            return
        columns = [name for name in ("id", "notCollected") if name in layout.columns]
        new_partitions = partitions_of(self._snapshot, columns, previous_objects[0].head.bounds)
        for old, new in zip(replay(previous_objects), new_partitions, strict=True):
            self._counts.compare(old.build(), new)
        self._compared = True

    def _steps(
        self, new: Iterable[UserPartition], parts: Sequence[StoredObject], columns: tuple[str, ...], second: int
    ) -> Iterator[Delta]:
        """Yield the delta of each partition, after checking that applying it reproduces the partition."""
        base_partitions = replay(parts) if parts else iter(())
        # The previous night has the same partitions if it is built on the same complete night.
        self._compared = self._previous is not None and bool(parts)
        previous_partitions = replay(self._read_objects(self._previous.parts)) if self._previous and parts else None
        for partition in new:
            builder = next(base_partitions) if parts else PartitionBuilder(columns)
            steps = difference(builder.build(), partition, second=second)
            builder.apply(steps, second=second)
            if [digest([t]) for t in builder.build().tables()] != [digest([t]) for t in partition.tables()]:
                raise _InexactError
            self._counts.add(partition)
            if previous_partitions is not None:
                self._counts.compare(next(previous_partitions).build(), partition)
            yield steps

    def _verbatim(self, folder: Path) -> tuple[Night, bytes]:
        self._compared = False  # the counts do not cover all users
        manifest_files = decode(self._text.encode(), where="manifest.json")[1]
        names = [*FILES, *(name for name in OPTIONAL_TABLES if f"{name}.parquet" in manifest_files)]
        files = {f"{name}.parquet": content_of(folder / f"{name}.parquet") for name in names}
        body = pack(Head(kind=ObjectKind.VERBATIM), (), files)
        content = {name: hashlib.sha256(files[f"{name}.parquet"]).hexdigest() for name in names}
        return self._night((), ObjectKind.VERBATIM, body, content, ()), body

    def _night(
        self,
        base: tuple[PartEntry, ...],
        kind: ObjectKind,
        body: bytes,
        content: Mapping[str, str],
        sizes: tuple[int, ...],
    ) -> Night:
        manifest = self._snapshot.manifest
        digest = hashlib.sha256(body).hexdigest()
        name = f"{manifest.tenant}/parts/{folder_name(manifest)}-{digest[:16]}.zip"
        return Night(
            manifest_text=self._text,
            parts=(*base, PartEntry(name=name, kind=kind.value, size=len(body), sha256=digest)),
            content=content,
            row_groups=sizes,
            summary=summary_of(
                self._snapshot, self._counts if kind is not ObjectKind.VERBATIM else None, self._cohorts()
            ),
            manifest=manifest,
            identity=decode(self._text.encode(), where="manifest.json")[2],
        )

    def _cohorts(self) -> Mapping[str, Any] | None:
        previous = self._previous
        if previous is None or not self._compared or self._counts.doubtful:
            return None
        if not was_read(previous.manifest, ASSIGNED) or not was_read(self._snapshot.manifest, ASSIGNED):
            return None
        return {"since": previous.instant.isoformat(), "skus": self._counts.by_sku()}


def has_same_content(snapshot: Snapshot, night: Night, first: Head) -> bool:
    """Return whether a snapshot has the content of a night; `first` is the head of the night's first object."""
    if first.kind is ObjectKind.VERBATIM or snapshot.manifest != night.manifest:
        return False
    try:
        layout = layout_of(snapshot)
        if (layout.columns, layout.row_groups) != (first.columns, night.row_groups):
            return False
        digests = Digests()
        for _ in digests.people(partitions_of(snapshot, layout.columns, first.bounds)):
            pass
    except (NotInOrderError, OverflowError, pa.ArrowInvalid):
        return False
    return digests.by_table({name: snapshot.table(name) for name in SMALL_TABLES}) == dict(night.content)


def summary_of(snapshot: Snapshot, counts: HolderCounts | None, cohorts: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the counts for trends: seats as Graph counts them, and users; None if unknown."""
    is_complete = snapshot.manifest.coverage(Source.USERS).status is SourceStatus.COMPLETE
    people = counts if is_complete else None
    blocked, licensed = (
        people if people is not None and was_read(snapshot.manifest, name) and name not in people.gaps else None
        for name in (BLOCKED, ASSIGNED)
    )
    return {
        "displayName": snapshot.manifest.display_name,
        "users": None if people is None else people.users,
        "blocked": None if blocked is None else blocked.blocked,
        "licensed": None if licensed is None else licensed.licensed,
        "complete": snapshot.manifest.complete,
        "seats": seats_of(snapshot.table("products"), None if licensed is None else licensed.holders),
        "cohorts": cohorts,
    }


def seats_of(products: pa.Table, holders: Mapping[str, int] | None) -> list[dict[str, Any]]:
    """Return the seat counts of every SKU; `holders` is the number of users with an assignment, by SKU."""
    names = ("skuId", "skuPartNumber", "appliesTo", "enabled", "warning", "suspended", "lockedOut", "consumed")
    return [
        {**row, "holders": None if holders is None else holders.get(row["skuId"], 0)}
        for row in products.select(names).to_pylist()
    ]
