"""Compares the findings of each tenant with those of its last night in a store."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from msgspec.structs import replace

from auditor.app.audit.failed_tenants import map_tenants
from auditor.app.locations import store_at
from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding, ProductReference, Subject, report_order
from auditor.domain.result.model import PolicyHeader, Result, TenantResult
from auditor.failures import TenantBoundary
from auditor.history.logged_result import since_checkpoint
from auditor.history.result_log import CURRENT_EVENTS, ResultLog
from auditor.result.diff import EarlierFindings, compared_tenant, with_reopened
from auditor.store.store import Store


def with_stored_changes(result: Result, location: Path | str) -> Result:
    """Return a result with the changes of each tenant since its last earlier night in a store.

    Findings across tenants are not stored and have no change, nor have those of a tenant whose night cannot be read;
    storing the result reports that. Without any earlier night, the result is returned unchanged.
    """
    with TenantBoundary(str(location)) as boundary:
        store = store_at(location)
        exists = store.exists
    if boundary.failure is not None or not exists:
        return result
    policies = {policy.id: policy for policy in result.run.policies}
    instants: list[datetime] = []

    def change(tenant: TenantResult) -> TenantResult:
        with TenantBoundary(tenant.name) as boundary:
            instant, findings = _last_night(store, tenant, result, policies)
        if boundary.failure is not None:
            return tenant
        instants.extend([] if instant is None else [instant])
        return with_reopened(compared_tenant(tenant, findings, policies))

    compared = map_tenants(result, change)
    return replace(compared, run=replace(compared.run, previous=max(instants))) if instants else result


def _last_night(
    store: Store, tenant: TenantResult, result: Result, policies: Mapping[str, PolicyHeader]
) -> tuple[datetime | None, EarlierFindings]:
    """Return the instant of the last night of a tenant before a result, and its findings; None if there is none.

    `closed` contains the findings that were fixed since the checkpoint of that night, so that no more events are read
    than storing the result needs. Raises SnapshotError if the night cannot be read, or has other pseudonyms.
    """
    log = ResultLog(store.backend, tenant.name)
    entries = [entry for entry in log.entries() if entry.as_of < result.run.as_of]
    if not entries or entries[-1].summary.get("tenantId", "").casefold() not in {"", tenant.tenant_id.casefold()}:
        return None, EarlierFindings()
    log.check_key(entries[-1], result)
    table = log.events(since_checkpoint(entries))
    events, statuses, names = (table[name].to_pylist() for name in ("event", "status", "policy"))
    last_rows = {fingerprint: row for row, fingerprint in enumerate(table["fingerprint"].to_pylist())}
    current = {f: row for f, row in last_rows.items() if events[row] in CURRENT_EVENTS and names[row] in policies}
    sku_ids = {seat.sku_part_number: seat.sku_id for seat in tenant.seats}

    def missing(present: Collection[str]) -> list[Finding]:
        rows = pa.array([row for fingerprint, row in current.items() if fingerprint not in present], pa.int64())
        findings = (_finding(row, policies[row["policy"]], sku_ids) for row in table.take(rows).to_pylist())
        return sorted(findings, key=lambda f: (f.severity.rank, f.policy, f.check, report_order(f)))

    return entries[-1].as_of, EarlierFindings(
        statuses={fingerprint: statuses[row] for fingerprint, row in current.items()},
        closed={fingerprint for fingerprint, row in last_rows.items() if events[row] == "closed"},
        missing=missing,
    )


def _finding(row: Mapping[str, Any], policy: PolicyHeader, sku_ids: Mapping[str, str]) -> Finding:
    """Return a stored finding, without the evidence, which is not stored."""
    name, amount = row["product"], row["per_month"]
    return Finding(
        fingerprint=row["fingerprint"],
        policy=row["policy"],
        check=row["check"],
        severity=Severity(row["severity"]),
        status=Status(row["status"]),
        waiver=row["waiver"],
        subject=Subject(type=SubjectType(row["subject_type"]), id=row["subject_id"], name=row["subject_name"]),
        product=None if name is None else ProductReference(sku_id=sku_ids.get(name), sku_part_number=name),
        detail=row["detail"],
        evidence={} if row["person"] is None else {"userPrincipalName": row["person"]},
        money=None if amount is None else Money(currency=row["currency"], per_month=Decimal(amount)),
        source=policy.source,
    )
