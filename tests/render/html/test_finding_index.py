"""What the page counts, sums and lists of a tenant's findings."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.actions.money import Money
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.result.finding import Finding, ProductReference, Subject
from auditor.findings.stats import sums
from auditor.findings.table import FindingTable
from auditor.render.html.action_sets import action_sets
from auditor.render.html.actions import steps
from auditor.render.html.finding_index import FindingIndex
from auditor.render.html.rows import Context
from auditor.render.html.table_columns import table_columns
from auditor.render.text.labels import Labels
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
def test_the_index_counts_and_sums_as_one_finding_after_the_other_does(findings: list[Finding]) -> None:
    findings = [replace(each, severity=SEVERITY[each.policy]) for each in findings]
    index = FindingIndex.build(replace(contoso(), findings=FindingTable.of(findings), actions=()), findings, CONTEXT)
    parts = index.by_policy()
    assert index.stats.money == sums(findings)
    assert [part.policy for part in parts] == list(dict.fromkeys(each.policy for each in findings))
    for part in parts:
        mine = [each for each in findings if each.policy == part.policy]
        waived = [each for each in mine if each.status is Status.WAIVED]
        opened = [each for each in mine if each.status is Status.OPEN]
        shown = [each for each in mine if each.status is Status.REPORT_ONLY]
        assert part.stats.money == sums(mine)
        assert (part.stats.waived, part.stats.report_only) == (len(waived), len(shown))
        assert part.stats.new + part.stats.reopened == sum(
            each.change in {Change.NEW, Change.REOPENED} for each in opened
        )
        assert part.first(index, 3) == (opened + waived + shown)[:3]
    for severity, count in index.counts():
        assert count == sum(each.severity is severity and each.status is Status.OPEN for each in findings)
    assert sum(count for _, count in index.counts()) == sum(each.status is Status.OPEN for each in findings)


def _about(name: str, principal: str | None) -> Finding:
    evidence = {} if principal is None else {"userPrincipalName": principal}
    return replace(
        FIRST, fingerprint=name, subject=Subject(type=SubjectType.USER, id=name, name=name), evidence=evidence
    )


@pytest.mark.parametrize("more", [0, 900])
def test_the_first_people_of_an_action_are_those_of_the_alphabet(more: int) -> None:
    names = [
        "Anna",
        "Anna !",
        "Anna (",
        "Ann",
        "Anna B",
        "B",
        "Zoë",
        "a",
        *(f"M {number:04}" for number in range(more)),
    ]
    findings = [_about(name, None if index % 3 else f"{index}@x") for index, name in enumerate(reversed(names))]
    action = replace(contoso().actions[0], findings=tuple(each.fingerprint for each in findings))
    tenant = replace(contoso(), findings=FindingTable.of(findings), actions=(action,))
    index = FindingIndex.build(tenant, findings, CONTEXT)
    (shown,) = action_sets(steps("t", index, contoso().as_of, EN), index, EN).sets
    people = shown.guides[0].actions[0].who
    labels = sorted(_labels(findings))
    named = 5 if more else 12
    assert people.split(", ")[:named] == labels[:named]
    assert people.endswith(f"{len(labels) - named} more") is (more > 0)


def _labels(findings: Sequence[Finding]) -> list[str]:
    principals = [each.evidence.get("userPrincipalName") for each in findings]
    return [
        f"{each.subject.name} ({principal})" if principal else each.subject.name
        for each, principal in zip(findings, principals, strict=True)
    ]


def test_a_finding_that_a_saved_result_has_twice_is_corrected_both_times() -> None:
    whole = large(40)
    tenant = whole.tenants[0]
    action = next(each for each in tenant.actions if each.findings)
    twice = [each for each in tenant.findings if each.fingerprint == action.findings[0]] * 2
    repeated = replace(whole, tenants=(replace(tenant, findings=FindingTable.of(tuple(twice)), actions=(action,)),))
    column = [number for part in table_columns(repeated, EN).codes["action"] for number in part]
    assert column == [1, 1]
