"""Situations: a finding shares the cached situation of another finding only if all relevant facts are equal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import SubjectType
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.finding import Finding, ProductReference, Subject
from auditor.domain.result.model import TenantResult
from auditor.findings.table import FindingTable
from auditor.policy.loader import load
from auditor.remedy.actions.context import RemediationContext, RoutedFinding, context_of
from auditor.remedy.actions.guidance.routes import route_of
from tests.builders.result.audited_demo import AS_OF, contoso
from tests.builders.tenant.tenants import sku_id

_POLICIES = b"""
version: 1
policies:
  - {id: anybody, title: A, severity: low, rationale: r, users: {}, assignments: {deny: [SPE_E3]}}
  - {id: absent, title: B, severity: low, rationale: r, users: {inactiveFor: 90d}, assignments: {deny: [SPE_E3]}}
  - {id: newcomers, title: C, severity: low, rationale: r, users: {neverSignedIn: 30d}, assignments: {deny: [SPE_E3]}}
"""
_FACTS: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 1, 0, 1.0, "", "Guest", "guest", "shared", "True", ["shared"], {}]
)
_PATH = st.fixed_dictionaries(
    {
        "assignedByGroup": st.sampled_from([None, "g1"]),
        "state": st.sampled_from(["Active", "ActiveWithError", "Error", None]),
    }
)
_KEYS = ("accountEnabled", "userType", "mailboxType", "onPremisesSyncEnabled", "isTrial", "status", "paths")
_EVIDENCE = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(_KEYS[:5], _FACTS),
        "status": st.sampled_from([None, "Enabled", "Suspended", 1, ["Enabled"]]),
        "paths": st.lists(_PATH, max_size=3),
    },
)
_PRODUCTS = st.sampled_from(
    [
        (None, None),
        (sku_id("SPE_E3"), "SPE_E3"),
        (None, "SPE_E3"),
        ("s1", "SPE_E3"),
        (sku_id("SPE_E3"), "X_VIRAL"),
        (sku_id("SPE_E3"), "SPE_E3_DEPT"),
    ]
)


def policies() -> PolicySet:
    return load([("policies.yaml", _POLICIES)]).policies


def context(tenant: TenantResult) -> RemediationContext:
    return context_of(tenant, policies(), AS_OF.date())


_CHECKS = (
    *("assignment.missing", "assignment.denied", "assignment.not-allowed", "assignment.error", "attribute.missing"),
    *("purchase.trial", "subscription.state", "seats.above-maximum"),
)
_SUBJECTS = st.builds(
    Subject,
    type=st.sampled_from([SubjectType.USER, SubjectType.SUBSCRIPTION, SubjectType.PRODUCT]),
    id=st.sampled_from(["u1", "u2"]),
    name=st.just("n"),
)
_FIELD_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "policy": st.sampled_from(["anybody", "absent", "newcomers"]),
    "check": st.sampled_from(_CHECKS),
    "subject": _SUBJECTS,
    "product": st.none() | st.builds(lambda ids: ProductReference(sku_id=ids[0], sku_part_number=ids[1]), _PRODUCTS),
    "detail": st.sampled_from([None, "usageLocation", "CountViolation", "CountViolation@g1"]),
    "evidence": _EVIDENCE,
}


@st.composite
def findings(draw: st.DrawFn) -> list[Finding]:
    """Draw a finding and variants of it that differ in one field, so that a cache key may confuse them."""
    base = replace(contoso().findings[0], **{name: draw(values) for name, values in _FIELD_VALUES.items()})
    variants = [base]
    for number in range(draw(st.integers(1, 8))):
        name = draw(st.sampled_from(sorted(_FIELD_VALUES)))
        value = draw(_FIELD_VALUES[name])
        if name == "evidence":
            key = draw(st.sampled_from(_KEYS))
            value = {**base.evidence, key: value[key]} if key in value else dict(base.evidence)
        variants.append(replace(base, fingerprint=f"other {number}", **{name: value}))
    return variants


@pytest.mark.slow
@given(findings())
def test_situation_does_not_depend_on_previously_routed_findings(variants: list[Finding]) -> None:
    tenant: TenantResult = replace(contoso(), findings=FindingTable.of(tuple(variants)))
    shared = context(tenant)
    together = [route_of(finding, shared) for finding in shared.findings]
    alone = [route_of(finding, context(tenant)) for finding in variants]
    assert together == alone


@pytest.mark.slow
def test_equal_findings_share_their_situation() -> None:
    base = next(f for f in contoso().findings if f.check == "assignment.not-allowed")
    other = replace(base, fingerprint="other", subject=Subject(type=SubjectType.USER, id="other", name="Other"))
    shared = context(replace(contoso(), findings=FindingTable.of((base, other))))
    assert route_of(base, shared) is route_of(other, shared)


@pytest.mark.parametrize(
    ("facts", "shared_situation"),
    [
        ({"accountEnabled": True}, True),
        ({"userType": "Member"}, True),
        ({"mailboxType": "user"}, True),
        ({"department": "Sales"}, True),
        ({"accountEnabled": False}, False),
        ({"userType": "Guest"}, False),
        ({"mailboxType": "room"}, False),
        ({"onPremisesSyncEnabled": True}, False),
    ],
)
def test_only_facts_that_change_the_steps_change_the_situation(
    facts: dict[str, object], *, shared_situation: bool
) -> None:
    base = replace(next(f for f in contoso().findings if f.check == "assignment.denied"), evidence={})
    shared = context(contoso())
    assert (route_of(base, shared) is route_of(replace(base, evidence=facts), shared)) is shared_situation


@pytest.mark.slow
def test_account_enabled_of_1_is_not_true() -> None:
    base = next(f for f in contoso().findings if f.check == "assignment.denied")
    routed: list[RoutedFinding] = []
    for enabled in (False, 0):
        finding = replace(base, evidence={**base.evidence, "accountEnabled": enabled, "mailboxType": None})
        shared = context(contoso())
        routed.append(route_of(finding, shared))
    assert [route.situation.account_enabled for route in routed] == [False, None]


def test_other_product_or_person_has_another_situation() -> None:
    base = next(f for f in contoso().findings if f.check == "assignment.denied" and f.product is not None)
    unknown = replace(base, product=ProductReference(sku_id="s1", sku_part_number="SPE_E3"))
    lacking = replace(base, fingerprint="lacking", check="assignment.missing", subject=replace(base.subject, id="u2"))
    moving = replace(base, fingerprint="moving", subject=lacking.subject)
    shared = context(replace(contoso(), findings=FindingTable.of((base, unknown, lacking, moving))))
    first, second, _, third = (route.situation for route in (route_of(finding, shared) for finding in shared.findings))
    assert (first.status, second.status) == ("Enabled", None)
    assert (first.replacement_required, third.replacement_required) == (None, True)
