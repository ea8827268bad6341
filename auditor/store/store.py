"""Snapshot folders into nights of a store, and any night back into a folder."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.snapshot.writer import SnapshotWriter, folder_name
from auditor.store import MARK
from auditor.store.commit import (
    SCHEMA,
    Night,
    NightCounts,
    PartEntry,
    another_name,
    checked_document,
    damaged,
    decode_counts,
    decode_night,
    encode,
    instant_name,
    own_tenant,
    same_directory,
    sealed,
)
from auditor.store.objects.backends import Backend
from auditor.store.removal import is_pruned, old_files
from auditor.store.retention import Pruning

if TYPE_CHECKING:
    from auditor.store.delta.pack import StoredObject


class Store:
    """The nights of some tenants in one place; objects are only ever added or, by retention, removed."""

    def __init__(self, place: Backend) -> None:
        self.place = place

    @property
    def address(self) -> str:
        """Return where the store is."""
        return self.place.address

    @property
    def exists(self) -> bool:
        """Whether there is a store at the place; SnapshotError for one of a newer version."""
        mark = self.place.read(MARK)
        if mark is None:
            return False
        checked_document(mark, f"{self.address}/{MARK}", SCHEMA)
        return True

    def opened(self) -> "Store":
        """Return this store; SnapshotError where there is none."""
        if not self.exists:
            raise SnapshotError(
                "store-missing",
                Message("{address} is no store: it has no {mark}", address=self.address, mark=MARK),
                hint=Message("name a store that `auditor store put` made, or a folder of snapshots"),
            )
        return self

    def made(self) -> "Store":
        """Return this store; one that is not there yet comes to be."""
        if not self.exists:
            # Somebody else may make it at the same moment: it is the same object.
            self.place.create(MARK, sealed({"schema": SCHEMA, "kind": "auditor store"}))
        return self.opened()

    def nights(self, tenant: str | None = None) -> tuple[Night, ...]:
        """Return the nights of one tenant or all, by tenant and instant."""
        found = []
        for _, night in self.commits(tenant):
            if isinstance(night, SnapshotError):
                raise night
            found.append(night)
        return tuple(sorted(found, key=lambda night: (night.tenant, night.instant)))

    def commits(self, tenant: str | None = None) -> Iterator[tuple[str, Night | SnapshotError]]:
        """Yield the nights of one tenant or all by the names of their commits; what is wrong with one stops none."""
        for name, body in self._commits(self.place.names(f"{tenant}/nights" if tenant else "")):
            where = f"{self.address}/{name}"
            try:
                night = decode_night(body, where)
                own_tenant(night.tenant, name.partition("/")[0], where)
                if commit_name(night) != name:
                    raise damaged(where, Message("is the commit of {night}", night=commit_name(night)))
            except SnapshotError as error:
                yield name, error
            else:
                yield name, night

    def counts(self, names: Sequence[str]) -> tuple[NightCounts, ...]:
        """Return the counts of the nights among some objects: quicker than the nights themselves."""
        return tuple(
            decode_counts(body, f"{self.address}/{name}", tenant=name.partition("/")[0])
            for name, body in self._commits(names)
        )

    def _commits(self, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        names = [name for name in names if instant_name(name)]
        for name, body in zip(names, self.place.read_many(names), strict=True):
            if body is not None:
                yield name, body
            elif name in self.place.names(name.rpartition("/")[0]):  # else it was deleted since it was listed
                raise damaged(f"{self.address}/{name}", Message("is listed and cannot be read"))

    def put(self, folder: Path) -> tuple[Night, bool]:
        """Store a snapshot folder; returns the night, and whether it is new (False: the same was there already).

        Raises SnapshotError for a snapshot that cannot be read, and where another one of that instant is stored, or
        another directory under that name.
        """
        # Trends do not wait for what reads people.
        from auditor.snapshot.reader import manifest_of  # noqa: PLC0415

        manifest = manifest_of(folder)
        name = f"{manifest.tenant}/nights/{folder_name(manifest)}.json"
        there = self.place.read(name)
        if there is not None:
            return self._same(decode_night(there, f"{self.address}/{name}"), folder), False
        earlier = self._earlier(manifest.tenant)
        if earlier:
            same_directory(self.address, manifest.tenant, earlier[-1].manifest.tenant_id, manifest.tenant_id)
        whole = is_pruned(self.place, manifest.tenant)
        while True:
            night, body = self._made(folder, earlier, whole=whole)
            if not self.place.create(commit_name(night), encode(night)):
                self.place.remove(night.parts[-1].name)
                return self._same(self.night(night.tenant, night.instant), folder), False
            if self._holds(night, body):
                return night, True
            # What the night is built on is deleted, or about to be: it is stored whole instead.
            self.place.remove(commit_name(night))
            self.place.remove(night.parts[-1].name)
            whole = True

    def _made(self, folder: Path, earlier: tuple[Night, ...], *, whole: bool) -> tuple[Night, bytes]:
        """Write the object of a night; returns its commit, which is still to be written, and the object's bytes."""
        from auditor.snapshot.reader import manifest_text, read  # noqa: PLC0415  as in put
        from auditor.store.writer import Putting  # noqa: PLC0415

        text = manifest_text(folder)
        night, body = Putting(self._opened, read(folder), text.decode(), earlier, whole=whole).made(folder)
        *base, own = night.parts
        while not self.place.create(own.name, body):
            # An object without a commit: of a writer of the same night, or of one that was killed, which retention
            # may be about to delete. Neither is relied on.
            own = replace(own, name=another_name(own.name))
        return replace(night, parts=(*base, own)), body

    def _holds(self, night: Night, body: bytes) -> bool:
        """Whether a night that was just committed keeps its objects; its own one is written again where it is gone.

        A deletion announces itself before it reads the commits. One that is not announced here, after the commit was
        written, has ended, or will see the commit.
        """
        *base, own = night.parts
        if base and is_pruned(self.place, night.tenant):
            return False
        there = self.place.names(f"{night.tenant}/parts")
        if own.name not in there:
            self.place.create(own.name, body)
        return all(entry.name in there for entry in base)

    def _earlier(self, tenant: str) -> tuple[Night, ...]:
        """Return what a new night may build on: nothing where a commit is damaged, which must not cost tonight's."""
        try:
            return self.nights(tenant)
        except SnapshotError as error:
            if error.slug != "store-damaged":
                raise
            return ()

    def _same(self, there: Night, folder: Path) -> Night:
        """Return the night of that instant; SnapshotError where it is of another snapshot than the folder."""
        from auditor.snapshot.reader import identity_of, read  # noqa: PLC0415  as in put
        from auditor.store.writer import says_the_same  # noqa: PLC0415

        # A night that came out of a store may have other bytes than the files that went in, and says the same.
        if there.identity != identity_of(folder) and not says_the_same(read(folder), there, self.parts(there)[0].head):
            raise SnapshotError(
                "store-exists",
                Message(
                    "{address} has another snapshot of {tenant} at {instant}",
                    address=self.address,
                    tenant=there.tenant,
                    instant=there.instant.isoformat(),
                ),
                hint=Message("nothing was changed; collect again, and store the new snapshot under its own instant"),
            )
        return there

    def night(self, tenant: str, instant: datetime) -> Night:
        """Return the night of an instant; SnapshotError where there is none."""
        for night in self.nights(tenant):
            if night.instant == instant:
                return night
        raise SnapshotError(
            "store-missing",
            Message(
                "{address} has no night of {tenant} at {instant}",
                address=self.address,
                tenant=tenant,
                instant=instant.isoformat(),
            ),
            hint=Message("`auditor store list` tells which there are"),
        )

    def restore(self, night: Night, root: Path) -> Path:
        """Write a night under `root/<tenant>/<instant>/` again; SnapshotError where it is not exactly as it was."""
        from auditor.store.delta.pack import Kind, small_tables  # noqa: PLC0415
        from auditor.store.delta.partitions import row_groups  # noqa: PLC0415  as in put
        from auditor.store.delta.replay import Digests, replayed  # noqa: PLC0415  as in put

        parts = self.parts(night)
        with SnapshotWriter(root, night.tenant, folder_name(night.manifest)) as writer:
            if parts[0].head.kind is Kind.VERBATIM:
                return writer.publish_files(parts[0].files(), night.manifest_text.encode())
            seen = Digests()
            for batch in row_groups(seen.people(made.made() for made in replayed(parts)), night.row_groups):
                writer.write_users(batch.users, batch.assignments)
            tables = small_tables(parts)
            for name, table in tables.items():
                writer.write_table(name, table)
            if seen.told(tables) != dict(night.content):
                raise damaged(
                    f"{self.address}: {commit_name(night)}", Message("does not give the tables that were stored")
                )
            return writer.commit(night.manifest)

    def ensure(self, nights: Sequence[Night]) -> None:
        """Raise SnapshotError where a night lacks an object that it is made of; objects are listed, and not read.

        What is deleted for good must leave behind what can be restored.
        """
        there = {name for tenant in {night.tenant for night in nights} for name in self.place.names(f"{tenant}/parts")}
        for night in nights:
            for entry in night.parts:
                if entry.name not in there:
                    raise SnapshotError(
                        "store-damaged",
                        Message(
                            "{address}/{name} is missing: the night of {tenant} at {instant}, which is to stay, "
                            "cannot be restored; nothing was deleted",
                            address=self.address,
                            name=entry.name,
                            tenant=night.tenant,
                            instant=night.instant.isoformat(),
                        ),
                        hint=Message(
                            "restore it from a copy, or delete the commits of the nights that are lost, as "
                            "{night}; `auditor store check` lists them",
                            night=commit_name(night),
                        ),
                    )

    def remove(self, pruning: Pruning, present: datetime | None) -> None:
        """Carry out a pruning, and delete the objects that no commit needs and that were written long before `present`.

        Objects are listed before the commits are read: one that is committed meanwhile is known to be needed. Commits
        go first, so that a night is gone before an object that it needs is. The caller has announced the deletion.
        """
        objects = self.place.written(f"{pruning.tenant}/parts")
        for night in pruning.gone:
            self.place.remove(commit_name(night))
        needed = {entry.name for night in self.nights(pruning.tenant) for entry in night.parts}
        removed = {entry.name for entry in pruning.removed}
        for name in sorted(removed.union(old_files(objects, present)) - needed):
            self.place.remove(name)

    def parts(self, night: Night) -> "list[StoredObject]":
        """Return the objects of a night, each held against its digest."""
        return self._opened(night.parts)

    def check(self, entry: PartEntry) -> None:
        """Read one object; SnapshotError where it is missing or damaged."""
        self._body(entry)

    def _opened(self, entries: Sequence[PartEntry]) -> "list[StoredObject]":
        from auditor.store.delta.pack import StoredObject  # noqa: PLC0415  as in put

        return [StoredObject(self._body(entry), f"{self.address}/{entry.name}") for entry in entries]

    def _body(self, entry: PartEntry) -> bytes:
        body = self.place.read(entry.name)
        where = f"{self.address}/{entry.name}"
        if body is None:
            raise damaged(where, Message("is missing: nights that are built on it cannot be restored"))
        if hashlib.sha256(body).hexdigest() != entry.sha256:
            raise damaged(where, Message("is not the object that the commit describes"))
        return body


def commit_name(night: Night) -> str:
    """Return the name of a night's commit."""
    return f"{night.tenant}/nights/{folder_name(night.manifest)}.json"
