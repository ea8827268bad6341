"""A report lists a sample of many findings, which is divided among the tenants."""

import pytest
from msgspec.structs import replace

from auditor.domain.result.model import TenantResult
from auditor.findings.table import FindingTable
from auditor.result.aggregate import listed_findings
from tests.builders.result.results import person, result


def tenant_with(name: str, count: int) -> TenantResult:
    (first,) = result().tenants[0].findings.sample(1)[:1]
    findings = [replace(first, subject=person(row)[0], fingerprint=f"{row:032x}") for row in range(count)]
    return replace(result().tenants[0], name=name, findings=FindingTable.of(findings))


@pytest.mark.parametrize(
    ("findings", "listed"), [((6, 3), (2, 1)), ((3, 0), (3, 0)), ((3, 1), (2, 1)), ((8,), (8,)), ((9,), (3,))]
)
def test_sample_is_divided_among_the_tenants(
    findings: tuple[int, ...], listed: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.result.aggregate.MAX_LISTED_FINDINGS", 3)
    monkeypatch.setattr("auditor.result.aggregate.MAX_LISTED_FINDINGS_OF_ONE_TENANT", 8)
    tenants = [tenant_with(f"t{number}", count) for number, count in enumerate(findings)]
    rows = listed_findings(replace(result(), tenants=tuple(tenants)), tenants)
    assert [len(rows[tenant.name]) for tenant in tenants] == list(listed)
