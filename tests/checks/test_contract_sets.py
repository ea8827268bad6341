"""Contracts for sets of products: sets that are equal however they are written, and waivers for a product of a set."""

from typing import Any

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import TenantResult
from tests.builders.tenant.tenants import audited, bought, finding_keys, one, outcome, sku_id, tenant, user

E3 = bought("SPE_E3", 100, 90, warning=5, suspended=3)
"""A product with 108 purchased units."""


def judged(*contracts: str, state: Any, more: str = "") -> TenantResult:
    lines = "".join(f"- {contract}\n" for contract in contracts)
    text = f"policies: [{{id: p, severity: high, contracts: {{match: true}}}}]\ncontracts:\n{lines}{more}"
    return audited(text, state).tenants[0]


def contract(id_: str, products: str, seats: int) -> str:
    terms = "ends: 2027-03-31, term: P1Y, renews: automatically"
    return f"{{id: {id_}, products: {products}, seats: {seats}, {terms}}}"


@pytest.mark.parametrize(
    "other", ["[spe_e5, SPE_E3]", "suites", f"[SPE_E5, {sku_id('SPE_E3')}]", "[SPE_E3, SPE_E5, SPE_E3]"]
)
def test_contracts_for_the_same_set_are_added_however_it_is_written(other: str) -> None:
    state = tenant(subscribedSkus=[E3, bought("SPE_E5", 10)])
    more = "products: {suites: [SPE_E3, SPE_E5]}\n"
    first = contract("a", "[SPE_E3, SPE_E5]", 100)
    same = judged(first, contract("b", other, 18), state=state, more=more)
    assert (finding_keys(same), outcome(same)) == ([], "pass")
    fewer = judged(first, contract("b", other, 1), state=state, more=more)
    finding = one(fewer)
    assert (finding.subject.id, finding.evidence["contracts"]) == ("SPE_E3|SPE_E5", ["a", "b"])


def test_contracts_for_sets_with_different_unknown_names_are_not_added() -> None:
    state = tenant(subscribedSkus=[E3])
    contracts = [contract(id_, f"[SPE_E3, {id_}]", 108) for id_ in ("NEW_A", "NEW_B")]
    assert finding_keys(judged(*contracts, state=state)) == []


@pytest.mark.parametrize(
    ("products", "enabled", "reason"),
    [
        ("[SPE_E3]", None, "Graph returned no seat numbers for SPE_E3"),
        ("trial", 100, "it is not known whether a product is in a contract's set"),
    ],
)
def test_unknown_units_are_not_compared(products: str, enabled: int | None, reason: str) -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", enabled)], unread={Source.SUBSCRIPTIONS: SourceStatus.DENIED})
    result = judged(contract("a", products, 1), state=state)
    assert (finding_keys(result), outcome(result)) == ([], "not-evaluated")
    assert reason in (result.policies[0].reason or "")


@pytest.mark.parametrize(
    ("name", "add_on"),
    [
        ("VISIOCLIENT", [bought("VISIOCLIENT", 10)]),
        ("VISIOCLIENT", [{**bought("VISIOCLIENT", 10), "appliesTo": "Company"}]),
        ("VISIOCLIENT", []),
        ("NOT_IN_THE_CATALOGUE", []),
    ],
)
def test_waiver_for_a_product_of_a_contract_waives_it_whether_or_not_the_tenant_owns_it(
    name: str, add_on: list[dict[str, Any]]
) -> None:
    waiver = f"{{id: W, policies: [p], products: [{name.lower()}], reason: r, owner: o, expires: 2027-01-01}}"
    other = waiver.replace("id: W", "id: V").replace(name.lower(), "SPE_F1")
    state = tenant(subscribedSkus=[E3, *add_on])
    result = judged(contract("c", f"[SPE_E3, {name}]", 1), state=state, more=f"waivers: [{waiver}, {other}]\n")
    assert (one(result).waiver, outcome(result)) == ("W", "waived")


def test_waiver_for_a_required_product_that_nobody_knows_waives_its_findings() -> None:
    text = """policies: [{id: p, severity: low, assignments: {require: [NOT_IN_THE_CATALOGUE]}}]
waivers:
- {id: W, policies: [p], products: [not_in_the_catalogue], reason: r, owner: o, expires: 2027-01-01}
"""
    result = audited(text, tenant(user("ann"), subscribedSkus=[E3])).tenants[0]
    assert (one(result).waiver, outcome(result)) == ("W", "waived")
