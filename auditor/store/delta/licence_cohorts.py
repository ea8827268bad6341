"""Two nights of the same people into who kept, got, gave back and lost a licence with the account."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.enums import Source, SourceStatus
from auditor.snapshot.model import Manifest
from auditor.store.delta.column_diff import Places, plain
from auditor.store.delta.user_delta import UserPartition

HELD: Final = "assignedLicenses"
BLOCKED: Final = "accountEnabled"


@dataclass(slots=True)
class Counts:
    """Counts that are summed up bucket by bucket; what is counted are holders, by SKU."""

    users: int = 0
    blocked: int = 0
    licensed: int = 0
    holders: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    """Hold it now as they did then."""
    new: Counter[str] = field(default_factory=Counter)
    """Hold it now and did not then."""
    reclaimed: Counter[str] = field(default_factory=Counter)
    """Held it then; the account is there, the licence is not."""
    lapsed: Counter[str] = field(default_factory=Counter)
    """Held it then; the account is gone."""
    gaps: set[str] = field(default_factory=set)
    """Facts that could not be read of somebody among those counted."""
    doubtful: bool = False
    """Whether it could not be read what somebody held, of those who were compared."""

    def add(self, bucket: UserPartition) -> None:
        """Count one night."""
        self.users += bucket.users.num_rows
        self.gaps |= gaps_of(bucket)
        if BLOCKED in bucket.users.column_names:
            self.blocked += pc.sum(pc.invert(bucket.users.column(BLOCKED))).as_py() or 0
        owners, skus, names = _held(bucket)
        self.licensed += len(np.unique(owners))
        self._tell(self.holders, skus, names)

    def compare(self, old: UserPartition, new: UserPartition) -> None:
        """Count what became of the holders of an earlier night."""
        self.doubtful = self.doubtful or HELD in gaps_of(old) | gaps_of(new)
        there_owner, there_sku, there_names = _held(old)
        here_owner, here_sku, here_names = _held(new)
        names = sorted({*there_names, *here_names})
        code = {name: number for number, name in enumerate(names)}
        there_sku = np.array([code[name] for name in there_names], dtype=np.int64)[there_sku]
        here_sku = np.array([code[name] for name in here_names], dtype=np.int64)[here_sku]
        now = (
            pc.fill_null(pc.index_in(plain(old.users.column("id")), value_set=plain(new.users.column("id"))), -1)
            .to_numpy(zero_copy_only=False)
            .astype(np.int64)
        )
        moved = now[there_owner]
        gone = moved < 0
        self._tell(self.lapsed, there_sku[gone], names)
        size = max(1, len(names))
        before = moved[~gone] * size + there_sku[~gone]
        after = here_owner * size + here_sku
        stays = np.isin(before, after)
        self._tell(self.kept, before[stays] % size, names)
        self._tell(self.reclaimed, before[~stays] % size, names)
        self._tell(self.new, after[~np.isin(after, before)] % size, names)

    def told(self) -> Mapping[str, Any]:
        """Return the comparison by SKU."""
        skus = sorted({*self.kept, *self.new, *self.reclaimed, *self.lapsed})
        return {
            sku: {name: getattr(self, name)[sku] for name in ("kept", "new", "reclaimed", "lapsed")} for sku in skus
        }

    @staticmethod
    def _tell(counter: Counter[str], skus: Places, names: list[str]) -> None:
        for number, count in enumerate(np.bincount(skus, minlength=len(names)).tolist()):
            if count:
                counter[names[number]] += count


def asked(manifest: Manifest, name: str) -> bool:
    """Whether a property of everybody was read: what nobody asked for is not known, and never none."""
    coverage = manifest.coverage(Source.USERS)
    return coverage.status is SourceStatus.COMPLETE and name in coverage.asked


def gaps_of(bucket: UserPartition) -> set[str]:
    """Return the facts that could not be read of somebody."""
    if "notCollected" not in bucket.users.column_names:
        return set()
    return set(pc.unique(pc.list_flatten(plain(bucket.users.column("notCollected")))).to_pylist())


def _held(bucket: UserPartition) -> tuple[Places, Places, list[str]]:
    """Return (user, SKU) of each seat taken, once for all paths that lead to it, and the names of the SKUs."""
    held = bucket.links.column("held").to_numpy() if bucket.links.num_rows else np.empty(0, dtype=bool)
    skus = plain(bucket.links.column("skuId")).filter(pa.array(held)).dictionary_encode()
    names: list[str] = skus.dictionary.to_pylist()
    codes = skus.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    seats = np.unique(bucket.owners[held] * max(1, len(names)) + codes)
    return seats // max(1, len(names)), seats % max(1, len(names)), names
