"""Tests SARIF output with more findings than code scanning accepts: the most severe ones are kept."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import Severity, Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.render.ci.sarif import LIMIT
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import POLICIES, result

pytestmark = pytest.mark.slow
FINDING = result().tenants[0].findings[0]


def fleet(*parts: Sequence[Finding]) -> Result:
    """Return a result with a tenant for each list of findings; the last list holds the findings of the fleet."""
    sample = result()
    *tenant_findings, fleet_findings = map(tuple, parts)
    tenants = tuple(
        replace(sample.tenants[0], name=f"t{index}", findings=FindingTable.of(findings), actions=())
        for index, findings in enumerate(tenant_findings)
    )
    return replace(
        sample, tenants=tenants, fleet=replace(sample.fleet, findings=FindingTable.of(fleet_findings), actions=())
    )


@st.composite
def findings(draw: st.DrawFn) -> list[Finding]:
    """Draw findings of a few policies, each with its own severity; fingerprints identify the findings."""
    kinds = st.tuples(st.integers(0, 4), st.sampled_from(Status))
    return [
        replace(
            FINDING,
            policy=POLICIES[index].id,
            severity=tuple(Severity)[index],
            status=status,
            waiver="W-1" if status is Status.WAIVED else None,
            fingerprint=f"{draw(st.integers(0, 2**64)):032x}",
        )
        for index, status in draw(st.lists(kinds, max_size=9))
    ]


@st.composite
def fleets(draw: st.DrawFn) -> Result:
    tenants = draw(st.sampled_from([1, 2, 3, 24]))
    lists = draw(st.lists(findings(), min_size=1, max_size=3))
    return fleet(*(lists[index % len(lists)] for index in range(tenants)), draw(findings()))


def expected_findings(of: Result, limit: int) -> list[tuple[Finding, ...]]:
    """Return the findings of each part that should be written, by sorting a list of all findings."""
    parts = [*(tenant.findings for tenant in of.tenants), of.fleet.findings]
    all_findings = [(part, finding) for part, findings in enumerate(parts) for finding in findings]
    order = sorted(
        range(len(all_findings)),
        key=lambda row: (all_findings[row][1].status is not Status.OPEN, all_findings[row][1].severity.rank),
    )
    chosen = [all_findings[row] for row in sorted(order[:limit])]
    return [tuple(finding for owner, finding in chosen if owner == part) for part in range(len(parts))]


def results(body: bytes) -> list[Any]:
    return [run["results"] for run in json.loads(body)["runs"]]


def left_out(body: bytes) -> list[int]:
    """Return the number of omitted findings that each run reports."""
    runs = json.loads(body)["runs"]
    notes = [
        [notice["message"]["text"] for notice in run["invocations"][0]["toolExecutionNotifications"]] for run in runs
    ]
    return [sum(int(text.split()[0]) for text in texts if "in the other reports" in text) for texts in notes]


@given(fleets(), st.integers(0, 40))
def test_written_findings_equal_the_first_of_a_sorted_list_of_all(of: Result, limit: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.render.ci.sarif.LIMIT", limit)
        body = rendered_bytes(of, "sarif")
    expected = expected_findings(of, limit)
    assert results(body) == results(rendered_bytes(fleet(*expected), "sarif"))
    omitted = [len(findings) - len(written) for findings, written in zip(_lists(of), expected, strict=True)]
    assert left_out(body) == (omitted if len(omitted) <= 20 else [sum(omitted)])


def _lists(of: Result) -> Iterator[Sequence[Finding]]:
    yield from (tenant.findings for tenant in of.tenants)
    yield of.fleet.findings


def _many(severities: str) -> tuple[Finding, ...]:
    """Return a finding for each letter: c = critical, h = high, w = low and waived."""
    kinds = {
        "c": (POLICIES[0].id, Severity.CRITICAL, Status.OPEN),
        "h": (POLICIES[1].id, Severity.HIGH, Status.OPEN),
        "w": (POLICIES[4].id, Severity.LOW, Status.WAIVED),
    }
    return tuple(
        replace(FINDING, policy=policy, severity=severity, status=status, fingerprint=f"{index:032x}")
        for index, (policy, severity, status) in enumerate(kinds[letter] for letter in severities)
    )


def test_at_most_limit_findings_are_written_and_the_critical_one_is_kept() -> None:
    of = fleet(_many("h" * LIMIT + "cw"), ())
    (written, _) = results(rendered_bytes(of, "sarif"))
    assert len(written) == LIMIT
    assert written[-1]["ruleId"] == POLICIES[0].id
