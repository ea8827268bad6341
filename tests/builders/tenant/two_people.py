"""A tenant for tests of stores: Ann holds E3, Bob E3 and E5; a policy reports Bob once he is blocked."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from auditor.snapshot.schema import FILES
from auditor.store.objects.backends import FolderBackend
from auditor.store.store import Store
from tests.builders.tenant.nights import SKUS, START

ANN: dict[str, Any] = {
    "id": "ann",
    "displayName": "Ann",
    "accountEnabled": True,
    "assignedLicenses": [{"skuId": SKUS[0]}],
}
BOB: dict[str, Any] = {**ANN, "id": "bob", "assignedLicenses": [{"skuId": SKUS[0]}, {"skuId": SKUS[1]}]}
HOSTILE = {"userPrincipalName": "bob@contoso.example", "displayName": "=cmd|' /C calc'!A0 \x1b[31m<script>"}
BLOCKED_BOB = {**BOB, **HOSTILE, "accountEnabled": False}
TWO_PEOPLE: dict[str, Any] = {
    "users": [ANN, BOB],
    "subscribedSkus": [
        {"skuId": SKUS[0], "skuPartNumber": "SPE_E3", "consumedUnits": 2, "prepaidUnits": {"enabled": 5, "warning": 0}}
    ],
}
"""The state of one night, in the form of Graph."""

BLOCKED_POLICY = (
    "version: 1\npolicies:\n- {id: blocked, severity: high, users: {accountEnabled: false}, assignments: {allow: []}}\n"
)
ASKED = ("id", "displayName", "userPrincipalName", "accountEnabled", "assignedLicenses")
"""The properties that a collection of this tenant requests."""


def instant(day: int, hours: int = 1) -> str:
    """Return the instant some hours after the night of a day."""
    return (START + timedelta(days=day, hours=hours)).isoformat().replace("+00:00", "Z")


def store_in(folder: Path) -> Store:
    return Store(FolderBackend(folder / "store")).create()


def assert_same_tables(first: Path, second: Path) -> None:
    """Compare two snapshot folders: schemas, row groups and rows of every table."""
    for name in FILES:
        left, right = pq.ParquetFile(first / f"{name}.parquet"), pq.ParquetFile(second / f"{name}.parquet")
        assert left.schema_arrow == right.schema_arrow, name
        assert left.num_row_groups == right.num_row_groups, name
        for group in range(left.num_row_groups):
            assert left.read_row_group(group).to_pylist() == right.read_row_group(group).to_pylist(), name
