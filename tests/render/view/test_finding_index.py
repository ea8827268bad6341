"""Tests the index of a tenant's findings: counts, sums of money, and the people that actions list."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding, ProductReference, Subject
from auditor.findings.stats import monthly_cost
from auditor.findings.table import FindingTable
from auditor.render.html.action_sets import action_sets
from auditor.render.html.table_columns import table_columns
from auditor.render.text.labels import Labels
from auditor.render.view.actions import ranked_actions
from auditor.render.view.finding_index import FindingIndex, finding_indexes
from auditor.render.view.rows import Context
from benchmarks.report import large
from tests.builders.result.results import contoso

EN = Labels("en")
FIRST = contoso().findings[0]
CONTEXT = Context.of_tenant(contoso(), {}, EN)
SEVERITY = {"a": Severity.HIGH, "b": Severity.LOW, "c": Severity.HIGH}
PRICES = st.sampled_from(["0", "-1", "3.50", "3.5", "7", "7.505"]).map(Decimal)
FINDINGS = st.lists(
    st.builds(
        replace,
        st.just(FIRST),
        policy=st.sampled_from(["a", "b", "c"]),
        check=st.sampled_from(["assignment.denied", "assignment.redundant", "budget.exceeded"]),
        status=st.sampled_from(list(Status)),
        change=st.none() | st.sampled_from(list(Change)),
        subject=st.builds(
            Subject,
            type=st.sampled_from([SubjectType.USER, SubjectType.USER, SubjectType.GROUP]),
            id=st.sampled_from(["1", "2", "3"]),
            name=st.just("Anna"),
        ),
        product=st.none()
        | st.builds(ProductReference, sku_id=st.sampled_from([None, "x", "y"]), sku_part_number=st.just("P")),
        money=st.none() | st.builds(Money, currency=st.sampled_from(["EUR", "USD"]), per_month=PRICES),
    ),
    max_size=14,
)


@pytest.mark.slow
@settings(deadline=None)
@given(FINDINGS)
def test_index_counts_and_sums_match_a_loop_over_all_findings(findings: list[Finding]) -> None:
    findings = [replace(finding, severity=SEVERITY[finding.policy]) for finding in findings]
    index = FindingIndex.build(replace(contoso(), findings=FindingTable.of(findings), actions=()), findings, CONTEXT)
    parts = index.by_policy()
    assert index.stats.money == monthly_cost(findings)
    assert [part.policy for part in parts] == list(dict.fromkeys(finding.policy for finding in findings))
    for part in parts:
        of_policy = [finding for finding in findings if finding.policy == part.policy]
        waived = [finding for finding in of_policy if finding.status is Status.WAIVED]
        open_ = [finding for finding in of_policy if finding.status is Status.OPEN]
        report_only = [finding for finding in of_policy if finding.status is Status.REPORT_ONLY]
        assert part.stats.money == monthly_cost(of_policy)
        assert (part.stats.waived, part.stats.report_only) == (len(waived), len(report_only))
        assert part.stats.new + part.stats.reopened == sum(
            finding.change in {Change.NEW, Change.REOPENED} for finding in open_
        )
        assert part.first(index, 3) == (open_ + waived + report_only)[:3]
    for severity, count in index.counts():
        assert count == sum(finding.severity is severity and finding.status is Status.OPEN for finding in findings)
    assert sum(count for _, count in index.counts()) == sum(finding.status is Status.OPEN for finding in findings)


def _finding_about(name: str, address: str | None) -> Finding:
    evidence = {} if address is None else {"userPrincipalName": address}
    return replace(
        FIRST, fingerprint=name, subject=Subject(type=SubjectType.USER, id=name, name=name), evidence=evidence
    )


@pytest.mark.parametrize("extra", [0, 900])
def test_action_lists_the_first_people_in_alphabetical_order(extra: int) -> None:
    names = [
        "Anna",
        "Anna !",
        "Anna (",
        "Ann",
        "Anna B",
        "B",
        "Zoë",
        "a",
        *(f"M {number:04}" for number in range(extra)),
    ]
    findings = [_finding_about(name, None if index % 3 else f"{index}@x") for index, name in enumerate(reversed(names))]
    action = replace(contoso().actions[0], findings=tuple(finding.fingerprint for finding in findings))
    tenant = replace(contoso(), findings=FindingTable.of(findings), actions=(action,))
    index = FindingIndex.build(tenant, findings, CONTEXT)
    (action_set,) = action_sets(ranked_actions("t", index, contoso().as_of, EN), index, EN).sets
    people = action_set.guides[0].actions[0].who
    labels = sorted(_labels(findings))
    listed = 5 if extra else 12
    others = f" and {len(labels) - listed} others" if extra else ""
    assert people == ", ".join(labels[:listed]) + others


def _labels(findings: Sequence[Finding]) -> list[str]:
    principals = [finding.evidence.get("userPrincipalName") for finding in findings]
    return [
        f"{finding.subject.name} ({principal})" if principal else finding.subject.name
        for finding, principal in zip(findings, principals, strict=True)
    ]


def test_duplicate_finding_of_a_saved_result_has_its_action_both_times() -> None:
    sample = large(40)
    tenant = sample.tenants[0]
    action = next(action for action in tenant.actions if action.findings)
    twice = [finding for finding in tenant.findings if finding.fingerprint == action.findings[0]] * 2
    repeated = replace(sample, tenants=(replace(tenant, findings=FindingTable.of(tuple(twice)), actions=(action,)),))
    table = table_columns(repeated, EN, finding_indexes(repeated, EN))
    column = [number for part in table.codes["action"] for number in part]
    assert column == [1, 1]


def test_index_of_a_sample_lists_the_most_important_actions_in_the_order_of_the_result() -> None:
    first, *_ = contoso().actions
    actions = tuple(replace(first, id=f"a{rank}", rank=rank) for rank in (4, 1, 3, 2))
    tenant = replace(contoso(), actions=actions)
    sample = tenant.findings.sample(1)
    assert len(sample) < len(tenant.findings)
    assert [action.id for action in FindingIndex.build(tenant, sample, CONTEXT, 2).actions] == ["a1", "a2"]
    every = tuple(tenant.findings)
    assert len(FindingIndex.build(tenant, every, CONTEXT, 2).actions) == len(actions), "all findings are listed"
