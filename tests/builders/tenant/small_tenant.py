"""Writes the snapshot of a small tenant by docs/snapshot.md with PyArrow alone."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct, field

from tests.builders.tenant.snapshot_damage import sealed_manifest

E5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
READ_AT = "2026-11-20T02:17:00Z"

TEXT, NUMBER, YES_NO, TEXTS = pa.string(), pa.int64(), pa.bool_(), pa.list_(pa.string())
INSTANT = pa.timestamp("us", tz="UTC")
SOURCES = (
    "organization", "subscribedSkus", "subscriptions", "users", "signInActivity", "mailboxes", "groups", "members",
)  # fmt: skip
ATTRIBUTES = tuple(f"extensionAttribute{number}" for number in range(1, 16))
PLAIN = (
    "userPrincipalName", "displayName", "mail", "userType", "department", "companyName", "jobTitle", "employeeType",
    "country", "city", "officeLocation", "usageLocation", "accountEnabled", "onPremisesSyncEnabled", "createdDateTime",
)  # fmt: skip
ASKED = ("id", *PLAIN, "onPremisesExtensionAttributes", "assignedLicenses", "licenseAssignmentStates")
COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "users": {
        **dict.fromkeys(("id", *PLAIN[:12], *ATTRIBUTES), TEXT),
        **dict.fromkeys(("accountEnabled", "onPremisesSyncEnabled"), YES_NO),
        **dict.fromkeys(
            (
                "createdDateTime", "lastSignInDateTime", "lastNonInteractiveSignInDateTime",
                "lastSuccessfulSignInDateTime",
            ),
            INSTANT,
        ),
        "mailboxType": TEXT,
        "notCollected": TEXTS,
    },
    "assignments": {
        "user": NUMBER, "skuId": TEXT, "held": YES_NO, "disabledPlans": TEXTS, "state": TEXT, "assignedByGroup": TEXT,
        "error": TEXT, "pathDisabledPlans": TEXTS, "lastUpdatedDateTime": INSTANT,
    },
    "products": {
        "skuId": TEXT, "skuPartNumber": TEXT, "appliesTo": TEXT, "capabilityStatus": TEXT, "enabled": NUMBER,
        "warning": NUMBER, "suspended": NUMBER, "lockedOut": NUMBER, "consumed": NUMBER, "subscriptionIds": TEXTS,
    },
    "service_plans": dict.fromkeys(
        ("skuId", "servicePlanId", "servicePlanName", "provisioningStatus", "appliesTo"), TEXT
    ),
    "subscriptions": {
        **dict.fromkeys(("id", "commerceSubscriptionId", "skuId", "skuPartNumber", "status"), TEXT),
        "isTrial": YES_NO, "totalLicenses": NUMBER, "createdDateTime": INSTANT, "nextLifecycleDateTime": INSTANT,
        "ownerTenantId": TEXT,
    },
    "groups": {
        "id": TEXT, "displayName": TEXT, "assignedLicenses": TEXTS, "licenseProcessingState": TEXT,
        "hasMembersWithLicenseErrors": YES_NO, "membersStatus": TEXT, "transitiveMembersStatus": TEXT,
    },
    "members": {"groupId": TEXT, "userId": TEXT, "transitive": YES_NO},
    "organization": dict.fromkeys(
        ("id", "displayName", "countryLetterCode", "defaultUsageLocation", "preferredLanguage", "tenantType"), TEXT
    ),
}  # fmt: skip
Rows = Sequence[Mapping[str, Any]]


def sku(sku_id: str, enabled: int | None = 10, consumed: int | None = 0, **more: Any) -> dict[str, Any]:
    """Return a row of products."""
    return {
        "skuId": sku_id, "skuPartNumber": "SPE_E5", "appliesTo": "User", "capabilityStatus": "Enabled",
        "enabled": enabled, "warning": 0, "suspended": 0, "lockedOut": 0, "consumed": consumed, **more,
    }  # fmt: skip


def path(sku_id: str, group: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an assignment of a SKU to a user over one path."""
    return {"skuId": sku_id, "held": True, "state": "Active", "assignedByGroup": group, **more}


class Tenant(Struct, kw_only=True):
    """The contents of a tenant; the key `licences` of a user has the assignments."""

    name: str = "contoso"
    users: Rows = ()
    products: Rows = ()
    plans: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """skuId → names of its service plans; the id of a plan is `plan:<name>`."""
    subscriptions: Rows = ()
    groups: Rows = ()
    members: Rows = ()

    def tables(self) -> dict[str, pa.Table]:
        """Return the eight tables by name."""
        users = sorted(self.users, key=lambda user: str(user["id"]))
        links = [{"user": number, **link} for number, user in enumerate(users) for link in user.get("licences", ())]
        plans = [
            {"skuId": sku_id, "servicePlanId": f"plan:{plan}".lower(), "servicePlanName": plan,
             "provisioningStatus": "Success", "appliesTo": "User"}
            for sku_id, names in self.plans.items() for plan in names
        ]  # fmt: skip
        rows: dict[str, Rows] = {
            "users": [{"accountEnabled": True, **user} for user in users],
            "assignments": links,
            "products": self.products,
            "service_plans": plans,
            "subscriptions": self.subscriptions,
            "groups": [{"membersStatus": "complete", "transitiveMembersStatus": "complete", **g} for g in self.groups],
            "members": self.members,
            "organization": [{"id": "11111111-2222-3333-4444-555555555555", "displayName": self.name}],
        }
        return {name: table(name, rows[name]) for name in COLUMNS}

    def manifest(self) -> dict[str, Any]:
        """Return the manifest without its files and digest."""
        sources = [
            {"name": name, "status": "complete", "count": 0, "readAt": READ_AT,
             "reason": None, "asked": list(ASKED) if name == "users" else []}
            for name in SOURCES
        ]  # fmt: skip
        return {
            "schema": "auditor/snapshot/v1",
            "tool": {"name": "a script of ours", "version": "1"},
            "tenant": {
                "name": self.name, "tenantId": "11111111-2222-3333-4444-555555555555", "displayName": self.name,
                "cloud": "worldwide", "agreement": "unknown", "locale": None,
            },
            "instant": READ_AT,
            "sources": sources,
        }  # fmt: skip


def table(name: str, rows: Rows) -> pa.Table:
    """Return rows as the table of that name, with null for missing values."""
    kinds = COLUMNS[name]
    return pa.Table.from_pylist([{key: row.get(key) for key in kinds} for row in rows], pa.schema(list(kinds.items())))


def write(root: Path, tables: Mapping[str, pa.Table], manifest: Mapping[str, Any], name: str, **options: Any) -> Path:
    """Write tables and manifest as specified in docs/snapshot.md; `options` are passed to PyArrow's writer."""
    folder = root / name / str(manifest["instant"]).replace(":", "")
    folder.mkdir(parents=True)
    files = {}
    for table_name, rows in tables.items():
        file = folder / f"{table_name}.parquet"
        pq.write_table(rows, file, **options)
        body = file.read_bytes()
        files[file.name] = {"rows": rows.num_rows, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    seal(folder, {**manifest, "files": files})
    return folder


def seal(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest with its digest."""
    (folder / "manifest.json").write_bytes(sealed_manifest(dict(manifest)))
