"""Compares the licences of the same users on two nights: kept, new, reclaimed, and lapsed with the account."""

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


class Counts(Struct):
    """Counts of holders by SKU, summed over partitions."""

    users: int = 0
    blocked: int = 0
    licensed: int = 0
    holders: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    """Have it on both nights."""
    new: Counter[str] = field(default_factory=Counter)
    """Have it now and did not have it then."""
    reclaimed: Counter[str] = field(default_factory=Counter)
    """Had it then; the account exists, without the licence."""
    lapsed: Counter[str] = field(default_factory=Counter)
    """Had it then; the account was deleted."""
    gaps: set[str] = field(default_factory=set)
    """Properties that could not be read for some user among those counted."""
    doubtful: bool = False
    """Whether the licences of some compared user could not be read."""

    def add(self, partition: UserPartition) -> None:
        """Count the users of one partition."""
        self.users += partition.users.num_rows
        self.gaps |= gaps_of(partition)
        if BLOCKED in partition.users.column_names:
            self.blocked += pc.sum(pc.invert(partition.users.column(BLOCKED))).as_py() or 0
        owners, skus, names = _assigned(partition)
        self.licensed += len(np.unique(owners))
        self._count(self.holders, skus, names)

    def compare(self, old: UserPartition, new: UserPartition) -> None:
        """Count what became of the holders of an earlier night."""
        self.doubtful = self.doubtful or ASSIGNED in gaps_of(old) | gaps_of(new)
        old_owner, old_sku, old_names = _assigned(old)
        new_owner, new_sku, new_names = _assigned(new)
        names = sorted({*old_names, *new_names})
        code = {name: number for number, name in enumerate(names)}
        old_sku = np.array([code[name] for name in old_names], dtype=np.int64)[old_sku]
        new_sku = np.array([code[name] for name in new_names], dtype=np.int64)[new_sku]
        now = (
            pc.fill_null(pc.index_in(plain(old.users.column("id")), value_set=plain(new.users.column("id"))), -1)
            .to_numpy(zero_copy_only=False)
            .astype(np.int64)
        )
        moved = now[old_owner]
        is_deleted = moved < 0
        self._count(self.lapsed, old_sku[is_deleted], names)
        size = max(1, len(names))
        before = moved[~is_deleted] * size + old_sku[~is_deleted]
        after = new_owner * size + new_sku
        stays = np.isin(before, after)
        self._count(self.kept, before[stays] % size, names)
        self._count(self.reclaimed, before[~stays] % size, names)
        self._count(self.new, after[~np.isin(after, before)] % size, names)

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
    """Return whether a property was read for all users; what was not requested is unknown, not absent."""
    coverage = manifest.coverage(Source.USERS)
    return coverage.status is SourceStatus.COMPLETE and name in coverage.asked


def gaps_of(partition: UserPartition) -> set[str]:
    """Return the properties that could not be read for some user."""
    if "notCollected" not in partition.users.column_names:
        return set()
    return set(pc.unique(pc.list_flatten(plain(partition.users.column("notCollected")))).to_pylist())


def _assigned(partition: UserPartition) -> tuple[Indices, Indices, list[str]]:
    """Return (user, SKU) of each seat, once for all its paths, and the names of the SKUs."""
    held = partition.links.column("held").to_numpy() if partition.links.num_rows else np.empty(0, dtype=bool)
    skus = plain(partition.links.column("skuId")).filter(pa.array(held)).dictionary_encode()
    names: list[str] = skus.dictionary.to_pylist()
    codes = skus.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    seats = np.unique(partition.owners[held] * max(1, len(names)) + codes)
    return seats // max(1, len(names)), seats % max(1, len(names)), names
