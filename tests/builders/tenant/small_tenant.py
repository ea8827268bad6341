"""Writes snapshots of small tenants by docs/snapshot.md with PyArrow alone, and audits them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct, field

from tests.builders.service.command_line import AS_OF, Ran, call

E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
E5 = "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
F1 = "66b55226-6b4f-492c-910c-a3b7a3c9d993"
FLOW = "f30db892-07e9-47e9-837c-80727f46fd3d"
VISIO = "c5928f49-12ba-48f7-ada3-0d743a3601d5"
OWN = "aaaaaaaa-0000-4000-8000-000000000001"
"""A SKU that is in no catalogue."""
NAMES = {E3: "SPE_E3", E5: "SPE_E5", F1: "SPE_F1", FLOW: "FLOW_FREE", VISIO: "VISIOCLIENT", OWN: "CONTOSO_OWN"}

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
        "skuId": sku_id, "skuPartNumber": NAMES.get(sku_id), "appliesTo": "User", "capabilityStatus": "Enabled",
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
    status: Mapping[str, str] = field(default_factory=dict)
    asked: Sequence[str] = ASKED
    instant: str = "2026-11-20T02:17:00Z"

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

    def write(self, root: Path) -> Path:
        """Write the snapshot below `root`, and return its folder."""
        return write(root, self.tables(), self.manifest(), self.name)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest without its files and digest."""
        sources = [
            {"name": name, "status": self.status.get(name, "complete"), "count": 0, "readAt": self.instant,
             "reason": None, "asked": list(self.asked) if name == "users" else []}
            for name in SOURCES
        ]  # fmt: skip
        return {
            "schema": "auditor/snapshot/v1",
            "tool": {"name": "a script of ours", "version": "1"},
            "tenant": {
                "name": self.name, "tenantId": "11111111-2222-3333-4444-555555555555", "displayName": self.name,
                "cloud": "worldwide", "agreement": "unknown", "locale": None,
            },
            "instant": self.instant,
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
    canonical = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    sealed = {**manifest, "digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(sealed, ensure_ascii=False), encoding="utf-8")


class Audited(Struct, frozen=True, kw_only=True):
    """An audit's exit code and result.json."""

    ran: Ran
    result: dict[str, Any]

    def findings(self, tenant: int = 0) -> list[dict[str, Any]]:
        """Return the findings of a tenant."""
        findings: list[dict[str, Any]] = self.result["tenants"][tenant]["findings"]
        return findings

    def short(self, tenant: int = 0) -> list[tuple[str, ...]]:
        """Return (policy, check, subject, product, detail, status) of every finding, with '' for null."""
        return [
            (
                finding["policy"], finding["check"], finding["subject"]["id"],
                (finding["product"] or {}).get("skuPartNumber") or "", finding["detail"] or "", finding["status"],
            )
            for finding in self.findings(tenant)
        ]  # fmt: skip

    def who(self, policy: str, tenant: int = 0) -> str:
        """Return the ids of the subjects of the findings of a policy, separated by spaces."""
        findings = self.findings(tenant)
        return " ".join(sorted({finding["subject"]["id"] for finding in findings if finding["policy"] == policy}))

    def outcomes(self, tenant: int = 0) -> dict[str, str]:
        """Return the status of every policy."""
        return {outcome["id"]: outcome["status"] for outcome in self.result["tenants"][tenant]["policies"]}

    def notices(self, tenant: int = 0) -> list[tuple[str, str]]:
        """Return code and subject of every notice of the tenant."""
        return [(notice["code"], notice["subject"]) for notice in self.result["tenants"][tenant]["notices"]]


def audit(folder: Path, policy: str, *tenants: Tenant, as_of: str = AS_OF, arguments: Iterable[str] = ()) -> Audited:
    """Audit tenants against one policy file."""
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.iterdir()))
    snapshot_folder = folder / f"{number}"
    snapshot_folder.mkdir()
    (snapshot_folder / "policy.yaml").write_text(policy, encoding="utf-8")
    for tenant in tenants:
        tenant.write(snapshot_folder / "snapshots")
    ran = call(
        "audit",
        "policy.yaml",
        "--snapshot",
        "snapshots",
        "--as-of",
        as_of,
        "-f",
        "json",
        "-q",
        *arguments,
        cwd=snapshot_folder,
    )
    saved = snapshot_folder / "out" / "result.json"
    assert saved.exists(), ran.err
    return Audited(ran=ran, result=json.loads(saved.read_text(encoding="utf-8")))


def who(folder: Path, selectors: Mapping[str, str], *users: Mapping[str, Any], **more: Any) -> dict[str, str]:
    """Return for each selector the users who certainly match, followed by `?` if the policy was not evaluated."""
    as_of = more.pop("as_of", AS_OF)
    body = "version: 1\npolicies:\n" + "".join(
        f"  - id: {name}\n    severity: low\n    users: {selector}\n    assignments: {{require: [SPE_F1]}}\n"
        for name, selector in selectors.items()
    )
    audited = audit(folder, body, Tenant(users=users, products=[sku(F1)], **more), as_of=as_of)
    return {
        name: audited.who(name) + (" ?" if audited.outcomes()[name] == "not-evaluated" else "") for name in selectors
    }


def selected(
    folder: Path, cases: Sequence[tuple[str, str]], *users: Mapping[str, Any], **more: Any
) -> list[tuple[str, str]]:
    """Return the selectors of some cases with the users who match, from one audit."""
    matches = who(folder, {f"p{number}": selector for number, (selector, _) in enumerate(cases)}, *users, **more)
    return [(selector, matches[f"p{number}"]) for number, (selector, _) in enumerate(cases)]
