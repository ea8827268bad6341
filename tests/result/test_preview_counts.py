"""Counts of a preview by policy and by department."""

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.domain.preview import ChangedFinding, Difference, PolicyChange, Preview, Side
from auditor.domain.result.finding import Finding
from auditor.result import preview_counts
from auditor.result.preview_counts import by_department, by_policy, department
from tests.builders.result.results import AS_OF, result

FINDINGS = result().tenants[0].findings
PERSON = replace(next(finding for finding in FINDINGS if finding.policy == "leavers"), evidence={})
PRODUCT = replace(next(finding for finding in FINDINGS if finding.subject.type == "product"), evidence={})
SALES = replace(PERSON, evidence={"department": "Sales"})
SIDE = Side(name="policies", commit=None, policy_digest="0" * 64, policies=2)


def policy(name: str, *, edited: bool = False) -> PolicyChange:
    return PolicyChange(id=name, title=name, before=Severity.LOW, after=Severity.LOW, edited=edited)


def preview(*policies: PolicyChange, changed: tuple[Finding, ...] = (), **findings: tuple[Finding, ...]) -> Preview:
    pairs = tuple(ChangedFinding(before=finding, after=finding) for finding in changed)
    return Preview(
        tool_version="1",
        as_of=AS_OF,
        base=SIDE,
        head=SIDE,
        tenants=(Difference(name="t", changed=pairs, **findings),),  # type: ignore[arg-type]
        fleet=Difference(name=""),
        policies=policies,
        unknown=(),
        complete=True,
    )


def test_policies_are_counted_if_they_were_edited_or_their_findings_differ() -> None:
    policies = (policy("leavers"), policy("edited", edited=True), policy("same"))
    counts = by_policy(preview(*policies, added=(PERSON, SALES), removed=(PERSON,)))
    assert [(change.id, count.added, count.removed) for change, count in counts] == [
        ("leavers", 2, 1),
        ("edited", 0, 0),
    ]


@pytest.mark.parametrize("kind", ["added", "removed", "unconfirmed", "changed"])
def test_departments_count_findings_about_people_and_the_last_row_those_without_department(kind: str) -> None:
    blank = replace(PERSON, evidence={"department": ""})
    counts = by_department(preview(**{kind: (PERSON, blank, SALES, PRODUCT)}))
    assert [(name, getattr(count, kind)) for name, count in counts] == [("Sales", 1), (None, 2)]


def test_findings_about_products_have_no_row_of_departments() -> None:
    assert by_department(preview(added=(PRODUCT,))) == ()


def test_each_finding_is_assigned_to_its_department_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large tenant has thousands of departments, and a change may concern everybody."""
    people = tuple(replace(PERSON, fingerprint=f"{i:032x}", evidence={"department": f"D{i:02}"}) for i in range(40))
    assigned: list[Finding] = []

    def counted(finding: Finding) -> str | None:
        assigned.append(finding)
        return department(finding)

    monkeypatch.setattr(preview_counts, "department", counted)
    assert [(name, count.added) for name, count in by_department(preview(added=people))] == [
        (f"D{i:02}", 1) for i in range(40)
    ]
    assert len(assigned) == len(people)
