"""Collects the products that groups assign to the people with findings."""

import pyarrow as pa
from msgspec import Struct, field

from auditor.arrays.equal_rows import equal_rows
from auditor.arrays.rows import arrow_rows
from auditor.domain.result.model import GroupProducts
from auditor.engine.tenant_facts import TenantFacts

_PATH = ("assignedByGroup", "skuId")


class GroupProductCollector(Struct):
    """Collects over record batches of assignments, in any order."""

    _sku_ids: dict[str, set[str]] = field(default_factory=dict)
    """Id of a group → skuIds."""

    def add(self, facts: TenantFacts, assignments: pa.RecordBatch) -> None:
        """Add the products of a record batch with the columns `assignedByGroup` and `skuId`."""
        paths = assignments.select(_PATH)
        for path in paths.take(arrow_rows(equal_rows(paths, _PATH)[0])).to_pylist():
            if path["assignedByGroup"] is not None:
                sku = facts.skus[facts.index[path["skuId"].lower()]]
                self._sku_ids.setdefault(path["assignedByGroup"], set()).add(sku.sku_id)

    def products(self) -> tuple[GroupProducts, ...] | None:
        """Return the products of each group, in order of group; None if no group assigns any."""
        groups = sorted(self._sku_ids.items())
        return tuple(GroupProducts(group=group, sku_ids=tuple(sorted(sku_ids))) for group, sku_ids in groups) or None
