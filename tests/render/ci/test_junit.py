"""JUnit of findings that nobody holds: the same counts, and of each policy no more than is shown."""

from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import Outcome, Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import PolicyOutcome, Result, TenantResult
from auditor.findings.table import FindingTable
from auditor.render import render
from tests.builders.result.results import BY_ID, person, result

HERE = result().tenants[0]
LEAVER = next(finding for finding in HERE.findings if finding.policy == "leavers")


def junit(of: Result, locale: str = "en") -> bytes:
    return b"".join(render(of, "junit", locale=locale).chunks())


def case(of: Result, policy: str) -> Element:
    found = fromstring(junit(of)).find(f"testsuite/testcase[@name='{policy}']")  # the file is ours
    assert found is not None
    return found


def one(*findings: Finding, status: Outcome = Outcome.FAIL) -> Result:
    """Return a result of one tenant and of one policy, about leavers, with such findings."""
    outcome = PolicyOutcome(id="leavers", status=status, findings=len(findings))
    tenant: TenantResult = replace(HERE, policies=(outcome,), findings=FindingTable.of(findings), actions=())
    return replace(
        result(), tenants=(tenant,), fleet=replace(result().fleet, policies=(), findings=FindingTable.of(()))
    )


def leavers(count: int, **more: object) -> tuple[Finding, ...]:
    return tuple(replace(LEAVER, subject=person(row)[0], fingerprint=f"{row:032x}", **more) for row in range(count))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reports list three findings."""
    monkeypatch.setattr("auditor.result.aggregate.ALONE", 3)
    monkeypatch.setattr("auditor.result.aggregate.SHOWN", 3)


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_what_is_not_listed_is_counted_and_reported_to_stand_elsewhere() -> None:
    large = leavers(5000)
    of = one(*large)
    failure = case(of, "leavers").find("failure")
    assert failure is not None
    assert failure.get("message") == f"{BY_ID['leavers'].title}: 5,000 open"
    assert failure.get("type") == "high"
    lines = str(failure.text).split("\n")
    assert [line.split(" — ")[0] for line in lines[:3]] == [each.subject.name for each in large[:3]]
    assert lines[3:] == ["4,997 more in findings.csv"]
    assert len(junit(of)) < 2000


def test_a_case_lists_a_hundred_findings() -> None:
    lines = str(case(one(*leavers(1000)), "leavers")[0].text).split("\n")
    assert (len(lines), lines[-1]) == (101, "and 900 more")


@pytest.mark.usefixtures("few")
def test_open_ones_of_which_none_is_listed_are_a_failure() -> None:
    waived = leavers(3, status=Status.WAIVED, waiver="W-1")
    failure = case(one(*waived, *leavers(4)), "leavers").find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.text) == ("high", "4 more in findings.csv")


@pytest.mark.usefixtures("few")
def test_a_policy_that_is_wholly_waived_names_every_waiver() -> None:
    waived = [replace(each, waiver=f"W-{row // 3}") for row, each in enumerate(leavers(9, status=Status.WAIVED))]
    of = one(*waived, status=Outcome.WAIVED)
    assert case(of, "leavers")[0].get("message") == "waived: W-0, W-1, W-2"


def drawn(statuses: list[Status | None]) -> Result:
    """Return the sample with these statuses of its first tenant's findings, None for one that is not there."""
    own = tuple(
        replace(finding, status=status, waiver=f"W-{row % 5}" if status is Status.WAIVED else None)
        for row, (finding, status) in enumerate(zip(HERE.findings, statuses, strict=False))
        if status is not None
    )
    outcomes = []
    for outcome in HERE.policies:
        there = {finding.status for finding in own if finding.policy == outcome.id}
        status = Outcome.WAIVED if there == {Status.WAIVED} else Outcome.FAIL if there else Outcome.PASS
        known = outcome.status is not Outcome.NOT_EVALUATED
        outcomes.append(replace(outcome, status=status) if known else outcome)
    tenant = replace(HERE, policies=tuple(outcomes), findings=FindingTable.of(own), actions=())
    return replace(result(), tenants=(tenant, *result().tenants[1:]))


@pytest.mark.slow
@given(st.lists(st.sampled_from([None, *Status]), max_size=len(HERE.findings)))
def test_numbers_of_all_suites_add_up(statuses: list[Status | None]) -> None:
    root = fromstring(junit(drawn(statuses)))
    for kind in ("tests", "failures", "errors"):
        assert root.get(kind) == str(sum(int(suite.get(kind, "")) for suite in root))


def test_a_result_of_nothing_is_a_document_all_the_same() -> None:
    whole = result()
    made = junit(replace(whole, tenants=(), fleet=replace(whole.fleet, policies=(), findings=FindingTable.of(()))))
    root = fromstring(made)
    assert (root.tag, len(root), root.get("tests")) == ("testsuites", 0, "0")
    assert made.endswith(b"/>\n")
