"""Finds the findings that a plan fixed and that were reopened since an earlier run."""

from dataclasses import replace

from auditor.domain.enums import Change
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.result.verification import FindingState


def with_reopened(result: Result) -> Result:
    """Return a compared result in which open findings of a plan that were reopened are findings that came back."""
    return replace(result, tenants=tuple(map(_with_reopened, result.tenants)))


def _with_reopened(tenant: TenantResult) -> TenantResult:
    verification = tenant.verification
    if verification is None or not verification.count(FindingState.OPEN):
        return tenant
    again = {finding.fingerprint for finding in tenant.findings if finding.change is Change.REOPENED}
    findings = tuple(
        replace(each, state=FindingState.CAME_BACK)
        if each.state is FindingState.OPEN and each.fingerprint in again
        else each
        for each in verification.findings
    )
    return replace(tenant, verification=replace(verification, findings=findings))
