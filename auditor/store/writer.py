"""Encodes one snapshot as a commit and the object that it adds to the store."""

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
from auditor.store.delta.licence_cohorts import ASSIGNED, BLOCKED, Counts, was_read
from auditor.store.delta.pack import Head, ObjectKind, StoredObject, pack, small_files, small_tables
from auditor.store.delta.partitions import Layout, NotInOrderError, layout_of, partitions_of
from auditor.store.delta.replay import Digests, replay
from auditor.store.delta.user_delta import Delta, PartitionBuilder, UserPartition, difference

ReadObjects = Callable[[Sequence[PartEntry]], list[StoredObject]]
"""Reads objects of the store, each checked against its digest."""
_MAX_FULL_AGE: Final = timedelta(days=400)
"""How long later nights may refer to one complete night."""


class _InexactError(Exception):
    """A delta did not reproduce the snapshot that it was made of."""


class NightWriter:
    """Encodes one snapshot: as a delta of the night before, else complete, else as its own files."""

    def __init__(
        self,
        read_objects: ReadObjects,
        snapshot: Snapshot,
        text: str,
        nights: tuple[Night, ...],
        *,
        complete: bool = False,
    ) -> None:
        self._read_objects = read_objects
        self._snapshot = snapshot
        self._text = text
        self._complete = complete
        earlier = [night for night in nights if night.instant < snapshot.manifest.instant]
        self._previous = max(earlier, key=lambda night: night.instant, default=None)
        self._counts = Counts()
        self._compared = False

    def write(self, folder: Path) -> tuple[Night, bytes]:
        """Return the commit and the object that it adds."""
        try:
            layout = layout_of(self._snapshot)
            return self._delta(layout) or self._encode(layout, ())
        except (NotInOrderError, OverflowError, _InexactError, pa.ArrowInvalid):
            return self._verbatim(folder)

    def _delta(self, layout: Layout) -> tuple[Night, bytes] | None:
        """Return the night as a delta, if there is a complete night to build on and the delta is smaller than it."""
        try:
            base = self._base(layout)
            encoded = self._encode(layout, base) if base else None
        except SnapshotError as error:
            # A damaged earlier night must not prevent storing tonight's: store it complete.
            if error.slug != "store-damaged":
                raise
            return None
        return encoded if encoded is not None and len(encoded[1]) < base[0].size else None

    def _base(self, layout: Layout) -> tuple[PartEntry, ...]:
        """Return the objects to build on: those of the night before, or in a new month only the complete one."""
        previous = self._previous
        if self._complete or previous is None or previous.parts[0].kind != ObjectKind.FULL:
            return ()
        first = self._read_objects(previous.parts[:1])[0].head
        now = self._snapshot.manifest.instant
        if first.columns != layout.columns or now - datetime.fromtimestamp(first.second, UTC) > _MAX_FULL_AGE:
            return ()
        same_month = (previous.instant.year, previous.instant.month) == (now.year, now.month)
        return previous.parts if same_month else previous.parts[:1]

    def _encode(self, layout: Layout, base: tuple[PartEntry, ...]) -> tuple[Night, bytes]:
        manifest = self._snapshot.manifest
        second = int(manifest.instant.timestamp())
        parts = self._read_objects(base)
        bounds = parts[0].head.bounds if parts else layout.bounds
        tables = {name: self._snapshot.table(name) for name in SMALL_TABLES}
        self._counts = Counts()
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
        """Count changes against the night before if the new night is not built on it."""
        previous = self._previous
        if previous is None or previous.parts[0].kind != ObjectKind.FULL:
            return
        try:
            before = self._read_objects(previous.parts)
        except SnapshotError as error:
            if error.slug != "store-damaged":
                raise
            return
        columns = [name for name in ("id", "notCollected") if name in layout.columns]
        after = partitions_of(self._snapshot, columns, before[0].head.bounds)
        for old, new in zip(replay(before), after, strict=True):
            self._counts.compare(old.build(), new)
        self._compared = True

    def _steps(
        self, new: Iterable[UserPartition], parts: Sequence[StoredObject], columns: tuple[str, ...], second: int
    ) -> Iterator[Delta]:
        """Yield the delta of each partition, after checking that applying it reproduces the partition."""
        before = replay(parts) if parts else iter(())
        # The night before has the same partitions if it is built on the same complete night.
        self._compared = self._previous is not None and bool(parts)
        previous = replay(self._read_objects(self._previous.parts)) if self._previous and parts else None
        for partition in new:
            builder = next(before) if parts else PartitionBuilder(columns)
            steps = difference(builder.build(), partition, second=second)
            builder.apply(steps, second=second)
            if [digest([t]) for t in builder.build().tables()] != [digest([t]) for t in partition.tables()]:
                raise _InexactError
            self._counts.add(partition)
            if previous is not None:
                self._counts.compare(next(previous).build(), partition)
            yield steps

    def _verbatim(self, folder: Path) -> tuple[Night, bytes]:
        self._compared = False  # counts so far do not cover all users
        listed = decode(self._text.encode(), where="manifest.json")[1]
        names = [*FILES, *(name for name in OPTIONAL_TABLES if f"{name}.parquet" in listed)]
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
        _, files, identity = decode(self._text.encode(), where="manifest.json")
        return Night(
            manifest_text=self._text,
            parts=(*base, PartEntry(name=name, kind=kind.value, size=len(body), sha256=digest)),
            content=content,
            row_groups=sizes,
            summary=summary_of(
                self._snapshot, self._counts if kind is not ObjectKind.VERBATIM else None, self._cohorts()
            ),
            manifest=manifest,
            files=files,
            identity=identity,
        )

    def _cohorts(self) -> Mapping[str, Any] | None:
        previous = self._previous
        if previous is None or not self._compared or self._counts.doubtful:
            return None
        if not was_read(previous.manifest, ASSIGNED) or not was_read(self._snapshot.manifest, ASSIGNED):
            return None
        return {"since": previous.instant.isoformat(), "skus": self._counts.by_sku()}


def has_same_content(snapshot: Snapshot, night: Night, first: Head) -> bool:
    """Return whether a snapshot has the content of a night whose first object has that head."""
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


def summary_of(snapshot: Snapshot, counts: Counts | None, cohorts: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the counts for trends: seats by Graph's numbers, and users; None stands for unknown."""
    whole = snapshot.manifest.coverage(Source.USERS).status is SourceStatus.COMPLETE
    people = counts if whole else None
    blocked, held = (
        people if people is not None and was_read(snapshot.manifest, name) and name not in people.gaps else None
        for name in (BLOCKED, ASSIGNED)
    )
    return {
        "users": None if people is None else people.users,
        "blocked": None if blocked is None else blocked.blocked,
        "licensed": None if held is None else held.licensed,
        "complete": snapshot.manifest.complete,
        "seats": seats_of(snapshot.table("products"), None if held is None else held.holders),
        "cohorts": cohorts,
    }


def seats_of(products: pa.Table, holders: Mapping[str, int] | None) -> list[dict[str, Any]]:
    """Return the numbers of every SKU; `holders` are the users with an assignment of it."""
    names = ("skuId", "skuPartNumber", "appliesTo", "enabled", "warning", "suspended", "lockedOut", "consumed")
    return [
        {**row, "holders": None if holders is None else holders.get(row["skuId"], 0)}
        for row in products.select(names).to_pylist()
    ]
