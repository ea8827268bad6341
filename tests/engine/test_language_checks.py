"""Sections 3 and 4 of the policy language (assignments, waivers): expected findings, written by hand."""

from pathlib import Path

import pytest

from tests.builders.tenant.small_tenant import E3, E5, F1, FLOW, OWN, Tenant, audit, path, sku

GROUP = "G-1"
PEOPLE = (
    {"id": "u1", "licences": [path(E5), path(E3)]},
    {"id": "u2", "licences": [path(E5, GROUP), path(FLOW)]},
    {"id": "u3", "licences": [path(E3), path(E3, GROUP, pathDisabledPlans=["plan:teams"]), path(OWN)]},
    {"id": "u4", "licences": [path(E3, GROUP, held=False, state="Error", error="CountViolation")]},
    {"id": "u5", "licences": [path(E3, state="Disabled"), path(F1, state="ActiveWithError", error="Other")]},
    {"id": "u6", "licences": [path(E3, state=None)]},
)
PLANS = {
    E3: ["EXCHANGE_S_ENTERPRISE", "TEAMS", "EXCHANGE_S_FOUNDATION"],
    E5: ["EXCHANGE_S_ENTERPRISE", "TEAMS", "DEFENDER"],
    F1: ["TEAMS"],
    FLOW: ["EXCHANGE_S_FOUNDATION"],
    OWN: ["TEAMS", "EXCHANGE_S_FOUNDATION"],
}
BLOCKS = {
    "{of: paid, allow: [SPE_E5]}": "u1:SPE_E3 u3:CONTOSO_OWN u3:SPE_E3 u5:SPE_E3 u5:SPE_F1 u6:SPE_E3",
    "{of: [SPE_E3], deny: prod}": "u1:SPE_E3 u3:SPE_E3 u5:SPE_E3 u6:SPE_E3",
    "{of: [SPE_E5], require: [prod]}": "u4:prod",
    "{require: [[SPE_F1, FLOW_FREE]]}": "u1:SPE_F1|FLOW_FREE u3:SPE_F1|FLOW_FREE u4:SPE_F1|FLOW_FREE u6:SPE_F1|FLOW_FREE",
    "{require: [{withService: TEAMS}]}": "u4:withService:TEAMS",
    "{exclusive: [[SPE_E3, SPE_E5], [prod, spe_e5]]}": "u1:/SPE_E3+SPE_E5",
    "{exclusive: [[prod, CONTOSO_OWN]]}": "u3:/CONTOSO_OWN+SPE_E3",
    "{redundant: deny}": "u1:SPE_E3/SPE_E5 u3:CONTOSO_OWN/SPE_E3 u5:SPE_F1/SPE_E3",
    "{of: [SPE_E5], redundant: deny}": "",
    "{via: group}": "u1:SPE_E3 u1:SPE_E5 u2:FLOW_FREE u3:CONTOSO_OWN u3:SPE_E3 u5:SPE_F1",
    "{via: direct}": "u2:SPE_E5 u3:SPE_E3",
    "{duplicates: deny}": "u3:SPE_E3",
    "{services: {require: [teams]}}": "u4:/teams u6:/teams",
    "{services: {deny: [DEFENDER]}}": "u1:/DEFENDER u2:/DEFENDER",
    "{deny: [NO_SUCH, 'XX*']}": "",
}  # fmt: skip


def test_assignments(tmp_path: Path) -> None:
    policies = "".join(
        f"  - {{id: p{number}, severity: low, assignments: {block}}}\n" for number, block in enumerate(BLOCKS)
    )
    products = [sku(E3), sku(E5), sku(F1), sku(FLOW, 10000), sku(OWN)]
    audited = audit(
        tmp_path,
        f"version: 1\nproducts: {{prod: [SPE_E3, spe_e5]}}\npolicies:\n{policies}",
        Tenant(users=PEOPLE, products=products, plans=PLANS),
    )
    findings: dict[str, list[str]] = {}
    for policy, _, user, product, detail, _ in audited.short():
        findings.setdefault(policy, []).append(f"{user}:{product}" + (f"/{detail}" if detail else ""))
    assert {block: " ".join(findings.get(f"p{number}", [])) for number, block in enumerate(BLOCKS)} == BLOCKS
    assert audited.notices() == [("policy.unknown-product", "NO_SUCH")]
    assert "not-evaluated" not in audited.outcomes().values()


@pytest.mark.parametrize(
    ("as_of", "expires", "status", "notices"),
    [
        ("2026-11-20T23:59:59.999999Z", "2026-11-20", "waived", ["waiver.expiring"]),
        ("2026-11-21T00:00:00Z", "2026-11-20", "open", ["waiver.expired"]),
        ("2026-11-20T00:00:00Z", "2026-12-03", "waived", ["waiver.expiring"]),
        ("2026-11-20T00:00:00Z", "2026-12-04", "waived", []),
        ("2026-11-20T00:00:01Z", "2026-12-04", "waived", ["waiver.expiring"]),
        ("2026-11-20T23:59:59Z", "2026-12-05", "waived", []),
    ],
)
def test_waiver_is_valid_on_its_last_day(
    as_of: str, expires: str, status: str, notices: list[str], tmp_path: Path
) -> None:
    body = (
        "version: 1\npolicies:\n  - {id: a, severity: low, assignments: {deny: [SPE_E5]}}\n"
        f"waivers: [{{id: w, policies: [a], reason: r, owner: o, expires: {expires}}}]\n"
    )
    audited = audit(
        tmp_path, body, Tenant(users=[{"id": "u1", "licences": [path(E5)]}], products=[sku(E5)]), as_of=as_of
    )
    assert [finding["status"] for finding in audited.findings()] == [status]
    assert [code for code, _ in audited.notices()] == notices
