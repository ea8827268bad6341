"""Counts the open findings that are new since the previous run, for `--fail-on new:SEVERITY`."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from auditor.app.locations import store_at
from auditor.domain.enums import Severity, Status
from auditor.domain.result.model import Result
from auditor.history.result_log import ResultLog
from auditor.store.store import Store


def new_findings(result: Result, store: Path | str | None) -> Mapping[Severity, int]:
    """Return the number of open findings by severity that are new or reopened.

    They are new since the run that the result was compared with, or else since the last earlier night in a store.
    Without either, every open finding is new, as it is for a tenant without an earlier night, and for the fleet, which
    is not stored. Raises AuditorError if the store cannot be read.
    """
    counts: Counter[Severity] = Counter()
    night_store = None if store is None or result.run.previous is not None else store_at(store)
    is_stored = night_store is not None and night_store.exists
    if night_store is not None and is_stored:
        for tenant in result.tenants:
            open_before = _open_fingerprints(night_store, tenant.name, result)
            new = (f for f in tenant.findings if f.status is Status.OPEN and f.fingerprint not in open_before)
            counts.update(finding.severity for finding in new)
    for findings in (*(() if is_stored else (tenant.findings for tenant in result.tenants)), result.fleet.findings):
        for policy in findings.stats.policies.values():
            counts[policy.severity] += policy.open if result.run.previous is None else policy.new + policy.reopened
    return counts


def _open_fingerprints(store: Store, tenant: str, result: Result) -> frozenset[str]:
    """Return the fingerprints that were open in the last night before this run; empty if this is not known."""
    result_log = ResultLog(store.backend, tenant)
    earlier = [entry for entry in result_log.entries() if entry.as_of < result.run.as_of]
    rows = result_log.findings_at(earlier[-1]) if earlier else None
    return frozenset(fingerprint for fingerprint, row in (rows or {}).items() if row["status"] == Status.OPEN.value)
