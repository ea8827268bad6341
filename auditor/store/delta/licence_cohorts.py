"""Compares the licences of users on two nights: kept, new, reclaimed, and lapsed with a deleted account."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from auditor.domain.enums import Source, SourceStatus
from auditor.snapshot.model import Manifest
from auditor.store.delta.column_diff import Indices, plain
from auditor.store.delta.user_delta import UserPartition

ASSIGNED: Final = "assignedLicenses"
BLOCKED: Final = "accountEnabled"


class HolderCounts(Struct):
    """Counts of holders by SKU, summed over partitions."""

    users: int = 0
    blocked: int = 0
    licensed: int = 0
    holders: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    """Holders on both nights."""
    new: Counter[str] = field(default_factory=Counter)
    """Holders now, but not on the earlier night."""
    reclaimed: Counter[str] = field(default_factory=Counter)
    """Holders on the earlier night whose account still exists, without the licence."""
    lapsed: Counter[str] = field(default_factory=Counter)
    """Holders on the earlier night whose account was deleted."""
    gaps: set[str] = field(default_factory=set)
    """Properties that could not be read for at least one counted user."""
    doubtful: bool = False
    """Whether the licences of at least one compared user could not be read."""

    def add(self, partition: UserPartition) -> None:
        """Count the users of one partition."""
        self.users += partition.users.num_rows
        self.gaps |= gaps_of(partition)
        if BLOCKED in partition.users.column_names:
            self.blocked += pc.sum(pc.invert(partition.users.column(BLOCKED))).as_py() or 0
        owners, skus, names = _seats(partition)
        self.licensed += len(np.unique(owners))
        self._count(self.holders, skus, names)

    def compare(self, old: UserPartition, new: UserPartition) -> None:
        """Compare the holders of an earlier night with those of a new one, and count them."""
        self.doubtful = self.doubtful or ASSIGNED in gaps_of(old) | gaps_of(new)
        old_owner, old_sku, old_names = _seats(old)
        new_owner, new_sku, new_names = _seats(new)
        names = sorted({*old_names, *new_names})
        code = {name: number for number, name in enumerate(names)}
        old_sku = np.array([code[name] for name in old_names], dtype=np.int64)[old_sku]
        new_sku = np.array([code[name] for name in new_names], dtype=np.int64)[new_sku]
        new_index = (
            pc.fill_null(pc.index_in(plain(old.users.column("id")), value_set=plain(new.users.column("id"))), -1)
            .to_numpy(zero_copy_only=False)
            .astype(np.int64)
        )
        new_user = new_index[old_owner]
        is_deleted = new_user < 0
        self._count(self.lapsed, old_sku[is_deleted], names)
        size = max(1, len(names))
        old_keys = new_user[~is_deleted] * size + old_sku[~is_deleted]
        new_keys = new_owner * size + new_sku
        is_kept = np.isin(old_keys, new_keys)
        self._count(self.kept, old_keys[is_kept] % size, names)
        self._count(self.reclaimed, old_keys[~is_kept] % size, names)
        self._count(self.new, new_keys[~np.isin(new_keys, old_keys)] % size, names)

    def by_sku(self) -> Mapping[str, Any]:
        """Return the comparison by SKU."""
        skus = sorted({*self.kept, *self.new, *self.reclaimed, *self.lapsed})
        return {
            sku: {name: getattr(self, name)[sku] for name in ("kept", "new", "reclaimed", "lapsed")} for sku in skus
        }

    @staticmethod
    def _count(counter: Counter[str], skus: Indices, names: list[str]) -> None:
        for number, count in enumerate(np.bincount(skus, minlength=len(names)).tolist()):
            if count:
                counter[names[number]] += count


def was_read(manifest: Manifest, name: str) -> bool:
    """Return whether a property was requested and read for all users."""
    coverage = manifest.coverage(Source.USERS)
    return coverage.status is SourceStatus.COMPLETE and name in coverage.asked


def gaps_of(partition: UserPartition) -> set[str]:
    """Return the properties that could not be read for at least one user."""
    if "notCollected" not in partition.users.column_names:
        return set()
    return set(pc.unique(pc.list_flatten(plain(partition.users.column("notCollected")))).to_pylist())


def _seats(partition: UserPartition) -> tuple[Indices, Indices, list[str]]:
    """Return the user and the SKU of each seat, without duplicates from several paths, and the names of the SKUs."""
    held = partition.links.column("held").to_numpy() if partition.links.num_rows else np.empty(0, dtype=bool)
    skus = plain(partition.links.column("skuId")).filter(pa.array(held)).dictionary_encode()
    names: list[str] = skus.dictionary.to_pylist()
    codes = skus.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    seats = np.unique(partition.owners[held] * max(1, len(names)) + codes)
    return seats // max(1, len(names)), seats % max(1, len(names)), names
