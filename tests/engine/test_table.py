"""The table of findings holds what the result holds: the same rows in the same order, absent values as null."""

from typing import Any

import pyarrow as pa
import pytest

from auditor.catalogue import builtin
from auditor.checks.registry import registered
from auditor.domain.result import TenantResult
from auditor.engine.binding import bind
from auditor.engine.evaluate import evaluate
from auditor.engine.table import findings_table
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from auditor.snapshot.model import Snapshot
from tests.builders.tenants import NOW, TENANT_ID, audited, bought, path, sku_id, tenant, user

EVERYTHING = """\
policies:
- {id: z-held, severity: high, assignments: {deny: [SPE_E3, SPE_E5], require: [VISIOCLIENT, [EMS, EMSPREMIUM]]}}
- {id: a-clash, severity: high, assignments: {exclusive: [[SPE_E3, SPE_E5], [SPE_E3, VISIOCLIENT]], redundant: deny}}
- {id: facts, severity: low, attributes: {require: [usageLocation, department]}}
- {id: errors, severity: critical, health: {errors: deny, groups: deny}}
- {id: spare, severity: medium, seats: {of: [SPE_E3, SPE_E5], spare: {min: 5}, assigned: {max: 0}}}
- {id: pool, severity: medium, seats: {of: [SPE_E3, SPE_E5], pool: true, spare: {min: 100}}}
- {id: budget, severity: info, budget: {limit: 1}}
- {id: owned, severity: info, purchases: {deny: ['*'], unknown: deny}}
waivers:
- {id: W-2, policies: '*', users: {department: Store}, reason: r, owner: o, expires: 2027-01-31}
- {id: W-1, policies: [spare], products: [SPE_E5], reason: r, owner: o, expires: 2027-01-31}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 30}}
"""
GROUP = {
    "id": "g1", "displayName": "Staff", "assignedLicenses": [{"skuId": sku_id("SPE_E3")}],
    "licenseProcessingState": {"state": "QueuedForProcessing"}, "hasMembersWithLicenseErrors": True, "members": [],
}  # fmt: skip


def told(policies: str, snapshot: Snapshot) -> pa.Table:
    loaded = load([("policies/p.yaml", f"version: 1\n{policies}".encode())]).policies
    plan = bind(loaded, TenantFacts(snapshot, builtin(), loaded, NOW), registered())
    return findings_table(plan, evaluate(plan))


def rows_of(result: TenantResult) -> list[dict[str, Any]]:
    return [
        {
            "policy": finding.policy,
            "check": finding.check,
            "severity": finding.severity.value,
            "status": finding.status.value,
            "subjectType": finding.subject.type.value,
            "subject": finding.subject.id,
            "skuId": None if finding.product is None else finding.product.sku_id,
            "skuPartNumber": None if finding.product is None else finding.product.sku_part_number,
            "detail": finding.detail,
            "waiver": finding.waiver,
        }
        for finding in result.findings
    ]


def mixed(rows: int) -> Snapshot:
    faulty = [path("SPE_E5", state="Error", error="CountViolation"), path("SPE_E5", "g1", error="Other")]
    return tenant(
        user("ann", "SPE_E3", "SPE_E5", "VISIOCLIENT", department="Store"),
        user("bob", "SPE_E3", "VISIOCLIENT", usageLocation="NL"),
        user("cid", "SPE_E5", "NOBODY_KNOWS_IT", paths=faulty),
        user("dee"),
        subscribedSkus=[bought("SPE_E3", 10, 9), bought("SPE_E5", 1, 4), bought("VISIOCLIENT")],
        groups=[GROUP],
        rows=rows,
    )


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_kept_ids_say_what_a_second_reading_does(rows: int) -> None:
    loaded = load([("policies/p.yaml", f"version: 1\n{EVERYTHING}".encode())]).policies
    plan = bind(loaded, TenantFacts(mixed(rows), builtin(), loaded, NOW), registered())
    kept = evaluate(plan, ids=True)
    assert [id_ for part in kept.ids or () for id_ in part.to_pylist()] == ["id-ann", "id-bob", "id-cid", "id-dee"]
    assert findings_table(plan, kept).equals(findings_table(plan, evaluate(plan)))


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_singles_and_people_stand_together_in_the_order_of_the_result(rows: int) -> None:
    table = told(EVERYTHING, mixed(rows)).to_pylist()
    expected = rows_of(audited(EVERYTHING, mixed(rows)).tenants[0])
    assert table == expected
    assert {row["subjectType"] for row in table} == {"user", "group", "product", "tenant"}
    assert {row["waiver"] for row in table} == {None, "W-1", "W-2"}
    assert any(row["skuId"] is None and row["skuPartNumber"] == "EMS|EMSPREMIUM" for row in table)
    assert any(row["skuId"] is not None and row["skuPartNumber"] is None for row in told("policies: [{id: p, severity: "
               "low, assignments: {allow: []}}]\n", mixed(rows)).to_pylist())  # fmt: skip


def test_every_text_stands_once_in_a_dictionary() -> None:
    table = told(EVERYTHING, mixed(100))
    for name in table.column_names:
        column = table[name].combine_chunks()
        texts = column.dictionary.to_pylist()
        assert pa.types.is_dictionary(column.type), name
        assert len(set(texts)) == len(texts), name


def test_what_a_finding_does_not_say_is_null() -> None:
    table = told(
        "policies: [{id: p, severity: low, attributes: {require: [department]}}]\n", tenant(user("a", "SPE_E3"))
    )
    (row,) = table.to_pylist()
    assert (row["skuId"], row["skuPartNumber"], row["waiver"]) == (None, None, None)
    assert (row["status"], row["detail"], row["subject"]) == ("open", "department", "id-a")


@pytest.mark.parametrize("people", [(), (user("ann", "SPE_E3"),)])
def test_no_finding_is_a_table_without_rows(people: tuple[Any, ...]) -> None:
    table = told("policies: [{id: p, severity: low, assignments: {deny: [EMS]}}]\n", tenant(*people))
    assert table.num_rows == 0
    assert table.column_names[:4] == ["policy", "check", "severity", "status"]


def test_findings_about_what_is_owned_need_no_users() -> None:
    table = told("policies: [{id: p, severity: low, budget: {limit: 1}}]\nprices: {currency: EUR, perSeatPerMonth: "
                 "{SPE_E3: 30}}\n", tenant(subscribedSkus=[bought("SPE_E3", 10)]))  # fmt: skip
    assert [(row["subject"], row["subjectType"], row["detail"]) for row in table.to_pylist()] == [
        (TENANT_ID, "tenant", "EUR")
    ]


def test_many_users_products_and_details_do_not_upset_the_order() -> None:
    """Row, product and detail are one number while they are sorted: here it needs more than 32 bits."""
    people = [
        user(f"{number:05}", paths=[path(f"S{number % 1299}-{turn}", error=f"Error{number}{turn}") for turn in (2, 1)])
        for number in range(1300)
    ]
    rule = "policies: [{id: p, severity: low, health: {errors: deny}}]\n"
    state = tenant(*people, rows=500)
    assert told(rule, state).to_pylist() == rows_of(audited(rule, state).tenants[0])
