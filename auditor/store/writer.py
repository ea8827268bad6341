"""One snapshot into the commit and the object that a store keeps of it."""

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
from auditor.snapshot.schema import FILES, SMALL_TABLES
from auditor.snapshot.writer import folder_name
from auditor.store.commit import Night, PartEntry
from auditor.store.delta.column_diff import digest
from auditor.store.delta.licence_cohorts import BLOCKED, HELD, Counts, asked
from auditor.store.delta.pack import Head, Kind, StoredObject, pack, small_files, small_tables
from auditor.store.delta.partitions import NotInOrderError, Shape, buckets_of, shape_of
from auditor.store.delta.replay import Digests, replayed
from auditor.store.delta.user_delta import Restoring, Steps, UserPartition, difference

Opened = Callable[[Sequence[PartEntry]], list[StoredObject]]
"""Reads objects of the store, each held against its digest."""
_FULL_FOR: Final = timedelta(days=400)
"""How long everything else may refer to one whole night."""


class _InexactError(Exception):
    """Steps did not lead to the snapshot they were made of."""


class Putting:
    """One snapshot on its way into the store: as steps from the night before, else whole, else as it is."""

    def __init__(
        self, opened: Opened, snapshot: Snapshot, text: str, known: tuple[Night, ...], *, whole: bool = False
    ) -> None:
        self._opened = opened
        self._snapshot = snapshot
        self._text = text
        self._whole = whole
        earlier = [night for night in known if night.instant < snapshot.manifest.instant]
        self._previous = max(earlier, key=lambda night: night.instant, default=None)
        self._counts = Counts()
        self._compared = False

    def made(self, folder: Path) -> tuple[Night, bytes]:
        """Return the commit and the object it adds."""
        try:
            shape = shape_of(self._snapshot)
            return self._steps_or_nothing(shape) or self._encoded(shape, ())
        except (NotInOrderError, OverflowError, _InexactError, pa.ArrowInvalid):
            return self._verbatim(folder)

    def _steps_or_nothing(self, shape: Shape) -> tuple[Night, bytes] | None:
        """Return the night as steps, where there is a whole night to build on and the steps take less than it does."""
        try:
            base = self._base(shape)
            made = self._encoded(shape, base) if base else None
        except SnapshotError as error:
            # A damaged night of the past must not cost tonight's: this one is stored whole.
            if error.slug != "store-damaged":
                raise
            return None
        return made if made is not None and len(made[1]) < base[0].size else None

    def _base(self, shape: Shape) -> tuple[PartEntry, ...]:
        """Return the objects to build on: those of the night before, or in a new month of the last whole night."""
        previous = self._previous
        if self._whole or previous is None or previous.parts[0].kind != Kind.FULL:
            return ()
        first = self._opened(previous.parts[:1])[0].head
        now = self._snapshot.manifest.instant
        if first.columns != shape.columns or now - datetime.fromtimestamp(first.second, UTC) > _FULL_FOR:
            return ()
        same_month = (previous.instant.year, previous.instant.month) == (now.year, now.month)
        return previous.parts if same_month else previous.parts[:1]

    def _encoded(self, shape: Shape, base: tuple[PartEntry, ...]) -> tuple[Night, bytes]:
        manifest = self._snapshot.manifest
        second = int(manifest.instant.timestamp())
        parts = self._opened(base)
        bounds = parts[0].head.bounds if parts else shape.bounds
        tables = {name: self._snapshot.table(name) for name in SMALL_TABLES}
        self._counts = Counts()
        seen = Digests()
        new = seen.people(buckets_of(self._snapshot, shape.columns, bounds))
        kind = Kind.STEPS if parts else Kind.FULL
        head = Head(kind=kind, columns=shape.columns, bounds=() if parts else bounds, second=second)
        body = pack(
            head,
            self._steps(new, parts, shape.columns, second),
            small_files(small_tables(parts) if parts else None, tables),
        )
        if not parts:
            self._compare(shape)
        return self._night(base, kind, body, seen.told(tables), shape.row_groups), body

    def _compare(self, shape: Shape) -> None:
        """Hold the people against the night before where none of it is built upon, as when a policy asks for more."""
        previous = self._previous
        if previous is None or previous.parts[0].kind != Kind.FULL:
            return
        try:
            before = self._opened(previous.parts)
        except SnapshotError as error:
            if error.slug != "store-damaged":
                raise
            return
        columns = [name for name in ("id", "notCollected") if name in shape.columns]
        after = buckets_of(self._snapshot, columns, before[0].head.bounds)
        for old, new in zip(replayed(before), after, strict=True):
            self._counts.compare(old.made(), new)
        self._compared = True

    def _steps(
        self, new: Iterable[UserPartition], parts: Sequence[StoredObject], columns: tuple[str, ...], second: int
    ) -> Iterator[Steps]:
        """Yield the steps of each bucket, each tried out before it is believed."""
        before = replayed(parts) if parts else iter(())
        # The night before is cut into the same buckets where it is built on the same whole night.
        self._compared = self._previous is not None and bool(parts)
        previous = replayed(self._opened(self._previous.parts)) if self._previous and parts else None
        for bucket in new:
            made = next(before) if parts else Restoring(columns)
            steps = difference(made.made(), bucket, second=second)
            made.apply(steps, second=second)
            if [digest([t]) for t in made.made().tables()] != [digest([t]) for t in bucket.tables()]:
                raise _InexactError
            self._counts.add(bucket)
            if previous is not None:
                self._counts.compare(next(previous).made(), bucket)
            yield steps

    def _verbatim(self, folder: Path) -> tuple[Night, bytes]:
        self._compared = False  # whatever was counted until then is not everybody
        files = {f"{name}.parquet": content_of(folder / f"{name}.parquet") for name in FILES}
        body = pack(Head(kind=Kind.VERBATIM), (), files)
        content = {name: hashlib.sha256(files[f"{name}.parquet"]).hexdigest() for name in FILES}
        return self._night((), Kind.VERBATIM, body, content, ()), body

    def _night(
        self,
        base: tuple[PartEntry, ...],
        kind: Kind,
        body: bytes,
        content: Mapping[str, str],
        sizes: tuple[int, ...],
    ) -> Night:
        manifest = self._snapshot.manifest
        mark = hashlib.sha256(body).hexdigest()
        name = f"{manifest.tenant}/parts/{folder_name(manifest)}-{mark[:16]}.zip"
        _, files, identity = decode(self._text.encode(), where="manifest.json")
        return Night(
            manifest_text=self._text,
            parts=(*base, PartEntry(name=name, kind=kind.value, size=len(body), sha256=mark)),
            content=content,
            row_groups=sizes,
            summary=summary_of(self._snapshot, self._counts if kind is not Kind.VERBATIM else None, self._cohorts()),
            manifest=manifest,
            files=files,
            identity=identity,
        )

    def _cohorts(self) -> Mapping[str, Any] | None:
        previous = self._previous
        if previous is None or not self._compared or self._counts.doubtful:
            return None
        if not asked(previous.manifest, HELD) or not asked(self._snapshot.manifest, HELD):
            return None
        return {"since": previous.instant.isoformat(), "skus": self._counts.told()}


def says_the_same(snapshot: Snapshot, night: Night, first: Head) -> bool:
    """Whether a snapshot says what a night says whose first object has that head, whatever the bytes of its files."""
    if first.kind is Kind.VERBATIM or snapshot.manifest != night.manifest:
        return False
    try:
        shape = shape_of(snapshot)
        if (shape.columns, shape.row_groups) != (first.columns, night.row_groups):
            return False
        seen = Digests()
        for _ in seen.people(buckets_of(snapshot, shape.columns, first.bounds)):
            pass
    except (NotInOrderError, OverflowError, pa.ArrowInvalid):
        return False
    return seen.told({name: snapshot.table(name) for name in SMALL_TABLES}) == dict(night.content)


def summary_of(snapshot: Snapshot, counts: Counts | None, cohorts: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what trends are made of: seats as Graph tells them, and counts of people; null is what is not known."""
    whole = snapshot.manifest.coverage(Source.USERS).status is SourceStatus.COMPLETE
    people = counts if whole else None
    blocked, held = (
        people if people is not None and asked(snapshot.manifest, name) and name not in people.gaps else None
        for name in (BLOCKED, HELD)
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
    """Return the numbers of every SKU; `holders` are the people seen to hold it."""
    names = ("skuId", "skuPartNumber", "appliesTo", "enabled", "warning", "suspended", "lockedOut", "consumed")
    return [
        {**row, "holders": None if holders is None else holders.get(row["skuId"], 0)}
        for row in products.select(names).to_pylist()
    ]
