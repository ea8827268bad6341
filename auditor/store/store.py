"""The store: adds snapshot folders as nights, and restores any night to a folder."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.files.names import name_of_instant
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.writer import SnapshotWriter, folder_name
from auditor.store import MARKER
from auditor.store.commit import (
    SCHEMA,
    Night,
    NightCounts,
    PartEntry,
    another_name,
    check_directory,
    check_tenant,
    checked_document,
    damaged,
    decode_counts,
    decode_night,
    encode,
    instant_name,
    with_digest,
)
from auditor.store.objects.backends import Backend, bodies
from auditor.store.removal import is_pruned, old_files
from auditor.store.retention import Pruning

if TYPE_CHECKING:
    from auditor.store.delta.pack import StoredObject


class Store:
    """The nights of tenants in one backend; objects are added, and removed by retention, but never changed."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    @property
    def address(self) -> str:
        """The address of the store."""
        return self.backend.address

    @property
    def exists(self) -> bool:
        """Whether the backend holds a store. Raises SnapshotError for one of a newer version."""
        marker = self.backend.read(MARKER)
        if marker is None:
            return False
        checked_document(marker, f"{self.address}/{MARKER}", SCHEMA)
        return True

    def require(self) -> "Store":
        """Return this store. Raises SnapshotError if there is none."""
        if not self.exists:
            raise SnapshotError(
                "store-missing",
                Message("{address} is not a store: it has no {mark}", address=self.address, mark=MARKER),
                hint=Message("check the name of the folder or container; `auditor store put` creates a store"),
            )
        return self

    def create(self) -> "Store":
        """Return this store, creating it if there is none."""
        if not self.exists:
            # Another writer may create it concurrently, with equal content.
            self.backend.create(MARKER, with_digest({"schema": SCHEMA, "kind": "auditor store"}))
        return self.require()

    def nights(self, tenant: str | None = None) -> tuple[Night, ...]:
        """Return the nights of one tenant or all, by tenant and instant."""
        nights = []
        for _, night in self.commits(tenant):
            if isinstance(night, SnapshotError):
                raise night
            nights.append(night)
        return tuple(sorted(nights, key=lambda night: (night.tenant, night.instant)))

    def commits(self, tenant: str | None = None) -> Iterator[tuple[str, Night | SnapshotError]]:
        """Yield (commit name, night or error) of one tenant or all; a damaged commit does not end the iteration."""
        for name, body in self._commits(self.backend.names(f"{tenant}/nights" if tenant else "")):
            where = f"{self.address}/{name}"
            try:
                night = decode_night(self._readable(name, body), where)
                check_tenant(night.tenant, name.partition("/")[0], where)
                if commit_name(night) != name:
                    raise damaged(where, Message("is the commit of {night}", night=commit_name(night)))
            except SnapshotError as error:
                yield name, error
            else:
                yield name, night

    def counts(self, names: Sequence[str]) -> tuple[NightCounts, ...]:
        """Return the counts of the nights among the named objects; faster than decoding whole nights."""
        return tuple(
            decode_counts(self._readable(name, body), f"{self.address}/{name}", tenant=name.partition("/")[0])
            for name, body in self._commits(names)
        )

    def _commits(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield the name and the bytes of each commit; None if it is listed and cannot be read."""
        names = [name for name in names if instant_name(name)]
        contents = self.backend.read_many(names)
        # All were read: a missing one was deleted since it was listed, unless it is listed now.
        listed = cache(lambda folder: frozenset(self.backend.names(folder)))
        for name, body in zip(names, contents, strict=True):
            if body is not None or name in listed(name.rpartition("/")[0]):
                yield name, body

    def _readable(self, name: str, body: bytes | None) -> bytes:
        if body is None:
            raise damaged(f"{self.address}/{name}", Message("is listed and cannot be read"))
        return body

    def put(self, folder: Path) -> tuple[Night, bool]:
        """Store a snapshot folder; returns the night, and False if this snapshot was stored already.

        Raises SnapshotError if the snapshot cannot be read, if another snapshot of this instant is stored, or if the
        directory (tenant id) of the tenant's name has changed.
        """
        # Imported here because trends do not need the modules that read users.
        from auditor.snapshot.reader import manifest_of  # noqa: PLC0415

        manifest = manifest_of(folder)
        name = _commit_name(manifest.tenant, manifest.instant)
        stored = self.backend.read(name)
        if stored is not None:
            return self._check_same(decode_night(stored, f"{self.address}/{name}"), folder), False
        earlier = self._earlier(manifest.tenant)
        if earlier:
            check_directory(self.address, manifest.tenant, earlier[-1].manifest.tenant_id, manifest.tenant_id)
        complete = is_pruned(self.backend, manifest.tenant)
        while True:
            night, body = self._write_object(folder, earlier, complete=complete)
            if not self.backend.create(commit_name(night), encode(night)):
                self.backend.remove(night.parts[-1].name)
                return self._check_same(self.night(night.tenant, night.instant), folder), False
            if self._is_intact(night, body):
                return night, True
            # An object that the night is built on was, or may be, deleted: store the night as a complete one instead.
            self.backend.remove(commit_name(night))
            self.backend.remove(night.parts[-1].name)
            complete = True

    def _write_object(self, folder: Path, earlier: tuple[Night, ...], *, complete: bool) -> tuple[Night, bytes]:
        """Write the object of a night; returns its commit, not yet written, and the object's bytes."""
        from auditor.snapshot.reader import manifest_text, read  # noqa: PLC0415  as in put
        from auditor.store.writer import NightWriter  # noqa: PLC0415

        text = manifest_text(folder)
        writer = NightWriter(self.objects, read(folder), text.decode(), earlier, complete=complete)
        night, body = writer.write(folder)
        *base_objects, new_object = night.parts
        while not self.backend.create(new_object.name, body):
            # Do not rely on the existing object: without a commit, it belongs to a concurrent writer of this night or
            # to a killed one, and may be deleted soon.
            new_object = replace(new_object, name=another_name(new_object.name))
        return replace(night, parts=(*base_objects, new_object)), body

    def _is_intact(self, night: Night, body: bytes) -> bool:
        """Return whether all objects of a newly committed night exist; if its own was deleted, it is written again.

        A deletion announces itself before it reads the commits. If none is announced now, after the commit was written,
        every deletion has either ended or will read the commit.
        """
        *base_objects, new_object = night.parts
        if base_objects and is_pruned(self.backend, night.tenant):
            return False
        names = self.backend.names(f"{night.tenant}/parts")
        if new_object.name not in names:
            self.backend.create(new_object.name, body)
        return all(entry.name in names for entry in base_objects)

    def _earlier(self, tenant: str) -> tuple[Night, ...]:
        """Return the nights that a new one can build on; none if a commit is damaged, so that the new one is stored."""
        try:
            return self.nights(tenant)
        except SnapshotError as error:
            if error.slug != "store-damaged":
                raise
            return ()

    def _check_same(self, stored: Night, folder: Path) -> Night:
        """Return the stored night if it has the content of the folder. Raises SnapshotError otherwise."""
        from auditor.snapshot.reader import identity_of, read  # noqa: PLC0415  as in put
        from auditor.store.writer import has_same_content  # noqa: PLC0415

        # A snapshot restored from a store may have different bytes for equal content.
        if stored.identity != identity_of(folder) and not has_same_content(
            read(folder), stored, self.objects(stored.parts)[0].head
        ):
            raise SnapshotError(
                "store-exists",
                Message(
                    "{address} has another snapshot of {tenant} at {instant}",
                    address=self.address,
                    tenant=stored.tenant,
                    instant=format_instant(stored.instant),
                ),
                hint=Message("nothing was changed; collect again, and store the new snapshot under its own instant"),
            )
        return stored

    def night(self, tenant: str, instant: datetime) -> Night:
        """Return the night of an instant. Raises SnapshotError if there is none."""
        name = _commit_name(tenant, instant)
        body = self.backend.read(name)
        if body is not None:
            return decode_night(body, f"{self.address}/{name}")
        raise SnapshotError(
            "store-missing",
            Message(
                "{address} has no night of {tenant} at {instant}",
                address=self.address,
                tenant=tenant,
                instant=format_instant(instant),
            ),
            hint=Message("`auditor store list` lists them all"),
        )

    def restore(self, night: Night, root: Path) -> Path:
        """Write a night to `root/<tenant>/<instant>/`. Raises SnapshotError if it differs from the stored content."""
        from auditor.store.delta.pack import ObjectKind, small_tables  # noqa: PLC0415
        from auditor.store.delta.partitions import row_groups  # noqa: PLC0415  as in put
        from auditor.store.delta.replay import Digests, replay  # noqa: PLC0415  as in put

        parts = self.objects(night.parts)
        with SnapshotWriter(root, night.tenant, folder_name(night.manifest)) as writer:
            if parts[0].head.kind is ObjectKind.VERBATIM:
                return writer.publish_files(parts[0].files(), night.manifest_text.encode())
            digests = Digests()
            for batch in row_groups(digests.people(partition.build() for partition in replay(parts)), night.row_groups):
                writer.write_users(batch.users, batch.assignments)
            tables = small_tables(parts)
            for name, table in tables.items():
                writer.write_table(name, table)
            if digests.by_table(tables) != dict(night.content):
                raise damaged(
                    f"{self.address}: {commit_name(night)}", Message("does not restore the tables that were stored")
                )
            return writer.commit(night.manifest)

    def check_restorable(self, nights: Sequence[Night], *, content: bool) -> None:
        """Raise SnapshotError if an object of a night is missing or, with `content`, differs from its digest.

        This is called before a deletion, to ensure that every kept night can be restored afterwards. Objects are listed
        first: if one is missing, none is read.
        """
        names = {
            name for tenant in {night.tenant for night in nights} for name in self.backend.names(f"{tenant}/parts")
        }
        night_of_entry = {entry: night for night in reversed(nights) for entry in night.parts}
        for entry, night in night_of_entry.items():
            if entry.name not in names:
                raise self._not_restorable(
                    night,
                    Message(
                        "{address}/{name} is missing: the night of {tenant} at {instant}, which is kept, "
                        "cannot be restored; nothing was deleted",
                        address=self.address,
                        name=entry.name,
                        tenant=night.tenant,
                        instant=format_instant(night.instant),
                    ),
                )
        entries = list(night_of_entry.items()) if content else []
        for (entry, night), body in zip(entries, bodies(self.backend, [e.name for e, _ in entries]), strict=True):
            try:
                self._undamaged(entry, body)
            except SnapshotError as error:
                raise self._not_restorable(
                    night,
                    Message(
                        "{error}: the night of {tenant} at {instant}, which is kept, cannot be restored; "
                        "nothing was deleted",
                        error=error.message,
                        tenant=night.tenant,
                        instant=format_instant(night.instant),
                    ),
                ) from error

    def _not_restorable(self, night: Night, message: Message) -> SnapshotError:
        return SnapshotError(
            "store-damaged",
            message,
            hint=Message(
                "restore it from a copy, or delete the commits of the nights that are "
                "lost, such as {night}; `auditor store check` lists them",
                night=commit_name(night),
            ),
        )

    def remove(self, pruning: Pruning, now: datetime | None) -> None:
        """Carry out a pruning, and delete objects that no commit needs and that are older than IN_FLIGHT.

        Objects are listed before the commits are read, so that an object that is committed in between counts as needed.
        Commits are deleted first, so that no commit refers to a deleted object. The caller must announce the deletion.
        """
        objects = self.backend.modified_times(f"{pruning.tenant}/parts")
        for night in pruning.deleted:
            self.backend.remove(commit_name(night))
        needed = {entry.name for night in self.nights(pruning.tenant) for entry in night.parts}
        removed = {entry.name for entry in pruning.removed}
        for name in sorted(removed.union(old_files(objects, now)) - needed):
            self.backend.remove(name)

    def objects(self, entries: Sequence[PartEntry]) -> "list[StoredObject]":
        """Return objects of nights, each checked against its digest."""
        from auditor.store.delta.pack import StoredObject  # noqa: PLC0415  as in put

        return [
            StoredObject(self._undamaged(entry, self.backend.read(entry.name)), f"{self.address}/{entry.name}")
            for entry in entries
        ]

    def check(self, entry: PartEntry) -> None:
        """Read one object from the store, not from a local copy. Raises SnapshotError if it is missing or damaged."""
        self._undamaged(entry, self.backend.read_many([entry.name])[0])

    def _undamaged(self, entry: PartEntry, body: bytes | None) -> bytes:
        where = f"{self.address}/{entry.name}"
        if body is None:
            raise damaged(where, Message("is missing: nights that depend on it cannot be restored"))
        if hashlib.sha256(body).hexdigest() != entry.sha256:
            raise damaged(where, Message("is not the object that the commit describes"))
        return body


def commit_name(night: Night) -> str:
    """Return the name of a night's commit."""
    return _commit_name(night.tenant, night.instant)


def _commit_name(tenant: str, instant: datetime) -> str:
    return f"{tenant}/nights/{name_of_instant(instant)}.json"
