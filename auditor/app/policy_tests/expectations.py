"""Compares the expectations of a policy test with findings, and finds names in them that refer to nothing."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from auditor.app.policy_tests.products import Products
from auditor.app.policy_tests.references import report_unknown_product
from auditor.app.saved_results import findings_with_tenants
from auditor.catalogue import Catalogue
from auditor.checks.registry import all_checks
from auditor.domain.enums import SubjectType
from auditor.domain.errors import Diagnostic, Span
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet
from auditor.domain.policy.product_set import BUILTIN_SETS
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.domain.similar_name import did_you_mean
from auditor.policy.nodes import Diagnostics, Node

_PATTERN: Final = re.compile(r"[*?\[:]")
"""In a product set as written: wildcards, and the colon of `withService:NAME`."""
FLEET = "fleet"
"""The name of the part of a result with the findings across tenants."""


def expectation_mistakes(
    test: Node, policies: PolicySet, tenants: Iterable[Mapping[str, Any]], catalogue: Catalogue
) -> list[Diagnostic]:
    """Return the policies, checks, products and tenants of `expect` and `outcomes` that do not exist.

    `policies` are all loaded policies.
    """
    diagnostics = Diagnostics()
    ids, checks = frozenset(policy.id for policy in policies.policies), frozenset(check.id for check in all_checks())
    sets = {name.casefold() for name in (*policies.definitions["products"], *BUILTIN_SETS)}
    products = [Products.of(tenant, catalogue) for tenant in tenants]
    names = {*(str(tenant["name"]) for tenant in tenants), FLEET}
    for item in test.each_of("expect"):
        report_unknown_policy(item["policy"], item.text("policy"), ids, diagnostics)
        if item.text("check") not in checks:
            message = Message("there is no check '{name}'", name=item.text("check"))
            hint = did_you_mean(item.text("check"), checks)
            diagnostics.error("test-unknown-check", message, item["check"], hint)
        for product in _products(item):
            if product.casefold() not in sets and not any(known.knows(product) for known in products):
                report_unknown_product(product, item["product"], catalogue, diagnostics)
        if item.has("tenant") and item.text("tenant") not in names:
            message = Message("the test has no tenant '{name}'", name=item.text("tenant"))
            diagnostics.error("test-unknown-name", message, item["tenant"], did_you_mean(item.text("tenant"), names))
    if test.has("outcomes"):
        for policy, node in test["outcomes"].items():
            report_unknown_policy(node.span(key=True), policy, ids, diagnostics)
    return diagnostics.items


def _products(item: Node) -> list[str]:
    """Return the names of products and sets in the product of an expectation, without patterns and services."""
    names = re.split(r"[|+]", item.text("product"))
    return [name for name in names if name and not _PATTERN.search(name)]


def report_unknown_policy(where: Node | Span, name: str, policies: frozenset[str], diagnostics: Diagnostics) -> None:
    """Report a policy that no file defines."""
    if name not in policies:
        message = Message("no file defines the policy '{name}'", name=name)
        diagnostics.error("test-unknown-policy", message, where, did_you_mean(name, policies))


def compare(node: Node, result: Result) -> tuple[tuple[tuple[Message, Span], ...], tuple[Message, ...]]:
    """Return the missing findings, as text with the location of each expectation, and the unexpected ones."""
    test: Mapping[str, Any] = node.value
    findings = [(tenant or FLEET, finding) for tenant, finding in findings_with_tenants(result)]
    expected = list(test.get("expect", ()))
    missing = [
        (_expectation_text(item.value), item.span())
        for item in node.each_of("expect")
        if not any(_matches(item.value, *tenant_finding) for tenant_finding in findings)
    ]
    unexpected = [
        _finding_text(name, finding, several="tenants" in test)
        for name, finding in findings
        if not any(_matches(item, name, finding) for item in expected)
    ]
    missing.extend(_outcomes(node, result))
    return tuple(missing), () if test.get("partial") or "expect" not in test else tuple(unexpected)


def _outcomes(test: Node, result: Result) -> Iterator[tuple[Message, Span]]:
    outcomes = [*(outcome for tenant in result.tenants for outcome in tenant.policies), *result.fleet.policies]
    for policy, node in test["outcomes"].items() if test.has("outcomes") else ():
        expected = str(node.value)
        statuses = {outcome.status.value for outcome in outcomes if outcome.id == policy}
        if expected not in statuses:
            message = Message(
                "outcome of {policy}: expected {wanted}, got {statuses}",
                policy=policy,
                wanted=expected,
                statuses=", ".join(sorted(statuses)) or Message("not evaluated at all"),
            )
            yield message, node.span()


def _matches(item: Mapping[str, Any], tenant: str, finding: Finding) -> bool:
    """Return whether a finding matches an expectation; properties that it omits match anything."""
    product = finding.product
    product_names = set() if product is None else {_folded(product.sku_id), _folded(product.sku_part_number)} - {""}
    user_names = {_folded(finding.subject.id), _folded(finding.evidence.get("userPrincipalName"))}
    subjects = {
        "user": (SubjectType.USER, user_names),
        "subscription": (SubjectType.SUBSCRIPTION, {_folded(finding.subject.id)}),
        "group": (SubjectType.GROUP, {_folded(finding.subject.id), _folded(finding.subject.name)}),
    }
    if item["policy"] != finding.policy or item["check"] != finding.check:
        return False
    for key, (kind, accepted) in subjects.items():
        if key in item and (finding.subject.type is not kind or _folded(item[key]) not in accepted):
            return False
    if "product" in item and not (
        _folded(item["product"]) in product_names if item["product"] is not None else product is None
    ):
        return False
    if "detail" in item and item["detail"] != finding.detail:
        return False
    return bool(item.get("status", finding.status) == finding.status and item.get("tenant", tenant) == tenant)


def _folded(text: object) -> str:
    return "" if text is None else str(text).casefold()


def _expectation_text(item: Mapping[str, Any]) -> Message:
    return Message(", ".join(f"{key}: {value}" for key, value in item.items()))


def _finding_text(tenant: str, finding: Finding, *, several: bool) -> Message:
    item: dict[str, Any] = {"policy": finding.policy, "check": finding.check}
    subject = finding.evidence.get("userPrincipalName") or finding.subject.name
    if finding.subject.type in {SubjectType.USER, SubjectType.SUBSCRIPTION, SubjectType.GROUP}:
        item[finding.subject.type.value] = (
            finding.subject.id if finding.subject.type is SubjectType.SUBSCRIPTION else subject
        )
    if finding.product is not None:
        item["product"] = finding.product.sku_part_number or finding.product.sku_id
    if finding.detail is not None:
        item["detail"] = finding.detail
    item["status"] = finding.status.value
    if several:
        item["tenant"] = tenant
    return _expectation_text(item)
