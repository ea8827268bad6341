"""Names of products in reports."""

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Change
from auditor.domain.result.model import Result
from auditor.findings.display_names import product_name
from auditor.findings.table import FindingTable
from auditor.render import render
from auditor.render.text.labels import Labels
from auditor.render.view.finding_index import finding_indexes
from auditor.render.view.page import page
from auditor.render.view.rows import problem
from auditor.result.codec.result_reader import load
from tests.builders.result.rendered import rendered_bytes
from tests.builders.tenant.crowded_tenant import audited, product, state_of, subscription
from tests.builders.tenant.tenants import bought, person

OWN_ID = "00000001-bbbb-4bcd-8ef0-000000000001"
TEXT = """
products: {office: [SPE_E3, SPE_F1], mail: [{withService: EXCHANGE_S_ENTERPRISE}, visio], visio: [VISIO*]}
policies:
  - {id: store, severity: low, users: {department: Store}, assignments: {require: [SPE_F1]}}
  - {id: both, severity: low, users: {department: Both}, assignments: {exclusive: [[SPE_E3, SPE_E5]]}}
  - {id: one, severity: low, users: {department: Office}, assignments: {require: [office]}}
  - {id: post, severity: low, users: {department: Post}, assignments: {require: [mail]}}
"""


def result() -> Result:
    people = [
        person("ann", department="Store"),
        person("bo", department="Office"),
        person("cy", "SPE_E3", "SPE_E5", department="Both"),
        person("di", department="Post"),
    ]
    products = [product(part, 5, 1) for part in ("SPE_E3", "SPE_E5", "SPE_F1", "VISIOCLIENT")]
    return audited(state_of(people, products, []), TEXT)


def test_page_shows_products_with_their_names() -> None:
    audit = result()
    (tenant,) = audit.tenants
    tenant = replace(
        tenant, findings=FindingTable.of(tuple(replace(finding, change=Change.NEW) for finding in tenant.findings))
    )
    audit = replace(audit, run=replace(audit.run, previous=audit.run.as_of), tenants=(tenant,))
    section = page(audit, Labels("en")).sections[0]
    rows = [f"{row.problem} {row.evidence}" for group in section.groups for row in group.rows]
    texts = [*rows, *(line.text for line in section.changes), *(step.action.title for step in section.actions)]
    assert len(section.changes) == len(rows) == 4
    assert not any(part in text for text in texts for part in ("SPE_", "VISIOCLIENT", "office", "mail:"))
    assert "Microsoft 365 F3: product missing" in " ".join(texts)
    assert "Microsoft 365 E3 + Microsoft 365 E5" in " ".join(texts)
    assert sum("Microsoft 365 E3 or Microsoft 365 F3" in text for text in texts) == 3
    assert sum("Microsoft 365 E3, Microsoft 365 E5 or Visio Plan 2" in text for text in texts) == 3


def test_filter_of_the_page_has_each_product_once() -> None:
    index = finding_indexes(result(), Labels("en"))[0]
    names = {product_name(statement.product, index.context.names) for statement in index.statements}
    assert names == {
        "Microsoft 365 F3",
        "Microsoft 365 E3 or Microsoft 365 F3",
        "Microsoft 365 E3, Microsoft 365 E5 or Visio Plan 2",
        None,
    }


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("paid", "Microsoft 365 E3 or Visio Plan 2: product missing"),
        ("trial", "Visio Plan 2: product missing"),
        ("free", "CONTOSO_OWN: product missing"),
        ("{withService: contoso_plan}", "CONTOSO_OWN: product missing"),
        ("['SPE_*', VISIOCLIENT]", "Microsoft 365 E3 or Visio Plan 2: product missing"),
        ("Office", "Microsoft 365 E3: product missing"),
        ("office", "Visio Plan 2: product missing"),
        ("['PROJECT*']", "PROJECT*: product missing"),
    ],
)
def test_saved_result_names_the_products_of_every_kind_of_set(element: str, text: str) -> None:
    policies = f"""
products: {{Office: [SPE_E3], office: [visio], visio: [VISIO*], free: [CONTOSO_OWN]}}
policies: [{{id: p, severity: low, assignments: {{require: [{element}]}}}}]
"""
    own = bought(
        "CONTOSO_OWN", skuId=OWN_ID, servicePlans=[{"servicePlanId": OWN_ID, "servicePlanName": "CONTOSO_PLAN"}]
    )
    trial = {**subscription("VISIOCLIENT", 5, "2027-01-31"), "isTrial": True}
    state = state_of([person("ann")], [product("SPE_E3", 5, 0), product("VISIOCLIENT", 5, 0), own], [trial])
    body = rendered_bytes(audited(state, policies), "json")
    index = finding_indexes(load(body), Labels("en"))[0]
    assert [problem(finding, index.context) for finding in index.statements] == [text]


def test_set_takes_precedence_over_a_product_of_the_same_name() -> None:
    text = """
products: {SPE_E3: [SPE_F1]}
policies: [{id: p, severity: low, assignments: {require: [SPE_E3]}}]
"""
    audit = audited(state_of([person("ann")], [product("SPE_E3", 5, 0), product("SPE_F1", 5, 0)], []), text)
    index = finding_indexes(audit, Labels("en"))[0]
    assert [problem(finding, index.context) for finding in index.statements] == ["Microsoft 365 F3: product missing"]
    assert [action.title for action in audit.tenants[0].actions] == ["Assign Microsoft 365 F3 to 1 person"]


def test_findings_csv_has_the_names_of_missing_products_and_of_pools() -> None:
    pool = """
products: {office: [SPE_E3, SPE_F1]}
policies: [{id: pool, severity: low, seats: {of: office, pool: true, purchased: {max: 1}}}]
"""
    pooled = audited(state_of([], [product("SPE_E3", 5, 1), product("SPE_F1", 5, 1)], []), pool)
    body = b"".join(line for audit in (result(), pooled) for line in render(audit, "csv", locale="en")).decode()
    assert "SPE_F1,Microsoft 365 F3," in body
    assert "office,Microsoft 365 E3 or Microsoft 365 F3," in body
    assert "office,Microsoft 365 E3 + Microsoft 365 F3," in body


def test_amount_in_an_action_title_is_formatted() -> None:
    text = """
policies: [{id: b, severity: low, budget: {limit: 100}}]
prices: {currency: EUR, perSeatPerMonth: {SPE_F1: 7.50}}
"""
    (tenant,) = audited(state_of([], [product("SPE_F1", 50, 0)], []), text).tenants
    assert [action.title for action in tenant.actions] == ["Reduce the monthly cost by €275.00"]
