"""Tests JUnit output: counts, and the maximum number of findings listed for each policy."""

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import Outcome, Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import PolicyOutcome, Result, TenantResult
from auditor.findings.table import FindingTable
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import BY_ID, person, result

TENANT = result().tenants[0]
LEAVER = next(finding for finding in TENANT.findings if finding.policy == "leavers")


def case(of: Result, policy: str) -> Element:
    testcase = fromstring(rendered_bytes(of, "junit")).find(f"testsuite/testcase[@name='{policy}']")  # trusted input
    assert testcase is not None
    return testcase


def result_of(*findings: Finding, status: Outcome = Outcome.FAIL) -> Result:
    """Return a result with one tenant and one policy, `leavers`, with these findings."""
    outcome = PolicyOutcome(id="leavers", status=status, findings=len(findings))
    tenant: TenantResult = replace(TENANT, policies=(outcome,), findings=FindingTable.of(findings), actions=())
    return replace(
        result(), tenants=(tenant,), fleet=replace(result().fleet, policies=(), findings=FindingTable.of(()))
    )


def leavers(count: int, **more: object) -> tuple[Finding, ...]:
    return tuple(replace(LEAVER, subject=person(row)[0], fingerprint=f"{row:032x}", **more) for row in range(count))


@pytest.fixture
def limit_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit reports to three findings per policy."""
    monkeypatch.setattr("auditor.result.aggregate.MAX_LISTED_FINDINGS_OF_ONE_TENANT", 3)
    monkeypatch.setattr("auditor.result.aggregate.MAX_LISTED_FINDINGS", 3)


@pytest.mark.slow
@pytest.mark.usefixtures("limit_of_three")
def test_failure_counts_the_findings_that_it_does_not_list() -> None:
    large = leavers(5000)
    of = result_of(*large)
    failure = case(of, "leavers").find("failure")
    assert failure is not None
    assert failure.get("message") == f"{BY_ID['leavers'].title}: 5,000 open"
    assert failure.get("type") == "high"
    lines = str(failure.text).split("\n")
    assert [line.split(" — ")[0] for line in lines[:3]] == [finding.subject.name for finding in large[:3]]
    assert lines[3:] == ["4,997 more in findings.csv"]
    assert len(rendered_bytes(of, "junit")) < 2000


def test_test_case_lists_at_most_a_hundred_findings() -> None:
    lines = str(case(result_of(*leavers(1000)), "leavers")[0].text).split("\n")
    assert (len(lines), lines[-1]) == (101, "and 900 more")


@pytest.mark.usefixtures("limit_of_three")
def test_case_fails_if_only_unlisted_findings_are_open() -> None:
    waived = leavers(3, status=Status.WAIVED, waiver="W-1")
    failure = case(result_of(*waived, *leavers(4)), "leavers").find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.text) == ("high", "4 more in findings.csv")


@pytest.mark.usefixtures("limit_of_three")
def test_policy_with_only_waived_findings_names_every_waiver() -> None:
    waived = [replace(finding, waiver=f"W-{row // 3}") for row, finding in enumerate(leavers(9, status=Status.WAIVED))]
    of = result_of(*waived, status=Outcome.WAIVED)
    assert case(of, "leavers")[0].get("message") == "waived: W-0, W-1, W-2"


def with_statuses(statuses: list[Status | None]) -> Result:
    """Return the sample with these statuses for the findings of its first tenant; None removes a finding."""
    changed = tuple(
        replace(finding, status=status, waiver=f"W-{row % 5}" if status is Status.WAIVED else None)
        for row, (finding, status) in enumerate(zip(TENANT.findings, statuses, strict=False))
        if status is not None
    )
    outcomes = []
    for outcome in TENANT.policies:
        policy_statuses = {finding.status for finding in changed if finding.policy == outcome.id}
        status = (
            Outcome.WAIVED if policy_statuses == {Status.WAIVED} else Outcome.FAIL if policy_statuses else Outcome.PASS
        )
        evaluated = outcome.status is not Outcome.NOT_EVALUATED
        outcomes.append(replace(outcome, status=status) if evaluated else outcome)
    tenant = replace(TENANT, policies=tuple(outcomes), findings=FindingTable.of(changed), actions=())
    return replace(result(), tenants=(tenant, *result().tenants[1:]))


@pytest.mark.slow
@given(st.lists(st.sampled_from([None, *Status]), max_size=len(TENANT.findings)))
def test_totals_are_the_sums_of_all_suites(statuses: list[Status | None]) -> None:
    root = fromstring(rendered_bytes(with_statuses(statuses), "junit"))
    for kind in ("tests", "failures", "errors"):
        assert root.get(kind) == str(sum(int(suite.get(kind, "")) for suite in root))


def test_empty_result_is_a_valid_document() -> None:
    sample = result()
    xml = rendered_bytes(
        replace(sample, tenants=(), fleet=replace(sample.fleet, policies=(), findings=FindingTable.of(()))), "junit"
    )
    root = fromstring(xml)
    assert (root.tag, len(root), root.get("tests")) == ("testsuites", 0, "0")
    assert xml.endswith(b"/>\n")
