"""Counts the open findings that the run before did not have: what `--fail-on new:SEVERITY` looks at."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from auditor.app.locations import store_at
from auditor.domain.enums import Severity, Status
from auditor.domain.result.model import Result
from auditor.history.result_log import Ledger
from auditor.store.store import Store


def new_findings(result: Result, store: Path | str | None) -> Mapping[Severity, int]:
    """Return the number of open findings by severity that are new or reopened.

    Since the run that the result was compared with, else since the last earlier night of a store. Without either, for a
    tenant without an earlier night, and for the fleet, which a store does not keep, every open finding is new. Raises
    AuditorError for a store that cannot be read.
    """
    counts: Counter[Severity] = Counter()
    night_store = None if store is None or result.run.previous is not None else store_at(store)
    stored = night_store is not None and night_store.exists
    if night_store is not None and stored:
        for tenant in result.tenants:
            opened = _opened(night_store, tenant.name, result)
            new = (f for f in tenant.findings if f.status is Status.OPEN and f.fingerprint not in opened)
            counts.update(finding.severity for finding in new)
    for findings in (*(() if stored else (tenant.findings for tenant in result.tenants)), result.fleet.findings):
        for policy in findings.stats.policies.values():
            counts[policy.severity] += policy.open if result.run.previous is None else policy.new + policy.reopened
    return counts


def _opened(store: Store, tenant: str, result: Result) -> frozenset[str]:
    """Return the fingerprints that were open after the last night before this run; empty where that is not known."""
    ledger = Ledger(store.backend, tenant)
    earlier = [entry for entry in ledger.entries() if entry.as_of < result.run.as_of]
    rows = ledger.held_at(earlier[-1]) if earlier else None
    return frozenset(fingerprint for fingerprint, row in (rows or {}).items() if row["status"] == Status.OPEN.value)
