"""Sections 3 and 4 of the policy language over hand-made tenants: what is found, by a person's reading of the text."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.builders.tenant.small_tenant import E3, E5, F1, FLOW, OWN, VISIO, Tenant, audit, path, sku

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
    found: dict[str, list[str]] = {}
    for policy, _, user, product, detail, _ in audited.short():
        found.setdefault(policy, []).append(f"{user}:{product}" + (f"/{detail}" if detail else ""))
    assert {block: " ".join(found.get(f"p{number}", [])) for number, block in enumerate(BLOCKS)} == BLOCKS
    assert audited.notices() == [("policy.unknown-product", "NO_SUCH")]
    assert "not-evaluated" not in audited.outcomes().values()


ADJUSTED = {
    "{spare: {min: 5, max: 5%}}": ("seats.above-maximum", -7, True),
    "{spare: {min: 13}}": ("seats.below-minimum", 1, False),
    "{spare: {min: {percent: 5, seats: 13}, max: {percent: 50, seats: 1}}}": ("seats.below-minimum", 1, False),
    "{spare: {max: 0}}": ("seats.above-maximum", -12, False),
    "{graceUnits: ignore, spare: {min: 10}}": ("seats.below-minimum", 3, False),
    "{spare: {min: 100%}}": ("seats.below-minimum", None, True),
    "{spare: {min: 12, max: 12}}": None,
    "{spare: {max: 12%}}": None,
    "{spare: {max: 11%}}": ("seats.above-maximum", -1, False),
}


def test_seats(tmp_path: Path) -> None:
    policies = "".join(
        f"  - {{id: p{number}, severity: low, seats: {{of: [SPE_E3], {block[1:]}}}\n"
        for number, block in enumerate(ADJUSTED)
    )
    tenant = Tenant(products=[sku(E3, 100, 93, warning=5, suspended=3, lockedOut=2)])
    audited = audit(tmp_path, f"version: 1\npolicies:\n{policies}", tenant)
    found = {
        one["policy"]: (one["check"], one["evidence"]["adjust"], "boundsConflict" in one["evidence"])
        for one in audited.findings()
    }
    assert {block: found.get(f"p{number}") for number, block in enumerate(ADJUSTED)} == ADJUSTED


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
def test_a_waivers_last_day_counts(as_of: str, expires: str, status: str, notices: list[str], tmp_path: Path) -> None:
    body = (
        "version: 1\npolicies:\n  - {id: a, severity: low, assignments: {deny: [SPE_E5]}}\n"
        f"waivers: [{{id: w, policies: [a], reason: r, owner: o, expires: {expires}}}]\n"
    )
    audited = audit(
        tmp_path, body, Tenant(users=[{"id": "u1", "licences": [path(E5)]}], products=[sku(E5)]), as_of=as_of
    )
    assert [one["status"] for one in audited.findings()] == [status]
    assert [code for code, _ in audited.notices()] == notices


def test_renewals_are_before_the_end_of_the_time_and_past_ones_too(tmp_path: Path) -> None:
    def bought(name: str, status: str, *moment: int, trial: bool = False) -> dict[str, object]:
        date = datetime(*moment, tzinfo=UTC) if moment else None  # type: ignore[misc,arg-type]
        return {"id": name, "skuId": VISIO, "status": status, "isTrial": trial, "nextLifecycleDateTime": date}

    subscriptions = [
        bought("at", "Enabled", 2027, 1, 19, 12),
        bought("just", "Enabled", 2027, 1, 19, 11, 59, 59, 999_999),
        bought("past", "Warning", 2026, 11, 1),
        bought("gone", "Suspended", 2026, 11, 21),
        bought("none", "Enabled"),
        bought("trial", "Enabled", 2026, 12, 1, trial=True),
    ]
    body = """
version: 1
policies:
  - {id: ending, severity: low, subscriptions: {expiring: {within: 60d}}}
  - {id: trials, severity: low, subscriptions: {trials: {endingWithin: 14d}}}
  - {id: states, severity: low, subscriptions: {states: {deny: [Warning, Suspended]}}}
"""
    audited = audit(tmp_path, body, Tenant(products=[sku(VISIO)], subscriptions=subscriptions))
    assert {name: audited.who(name) for name in ("ending", "trials", "states")} == {
        "ending": "just past trial",
        "trials": "trial",
        "states": "gone past",
    }
