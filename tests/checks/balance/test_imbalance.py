"""The check `balance.imbalance`: one tenant is short of seats, another one has too many, and nothing else is reported."""

from typing import Any

import pytest
from msgspec.structs import replace

from auditor.catalogue import builtin
from auditor.checks.registry import all_checks
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.engine.fleet import evaluate_fleet
from auditor.snapshot.model import Snapshot
from tests.builders.tenant.tenants import NOW, audited, bought, policy_file, policy_set, sku_id, subscription, tenant

BLOCK = "balance: {of: [SPE_E3], spare: {min: 2, max: 10%}}"
SHORT, ENOUGH, EXCESS = (10, 9), (100, 95), (100, 50)
SMALL = (5, 4)
"""Both bounds are broken: one seat is spare, less than two and more than 10 % of five."""
Units = tuple[int | None, int | None]


def owner(name: str, units: Units, part: str = "SPE_E3", **more: Any) -> Snapshot:
    return tenant(name=name, tenant_id=f"id-{name}", subscribedSkus=[bought(part, *units)], **more)


def audited_fleet(*units: Units, block: str = BLOCK, part: str = "SPE_E3", **more: Any) -> Result:
    """Audit tenants `a`, `b` and so on, each with enabled and consumed seats of one product."""
    return audited(
        policy_file(block), *(owner(name, row, part, **more) for name, row in zip("abcd", units, strict=False))
    )


def listed(result: Result) -> list[tuple[str, str]]:
    """Return the tenants with too few and with too many seats in each finding."""
    evidence = [finding.evidence for finding in result.fleet.findings]
    return [
        ("".join(line["tenant"] for line in item["short"]), "".join(line["tenant"] for line in item["excess"]))
        for item in evidence
    ]


@pytest.mark.parametrize(
    ("units", "status", "findings"),
    [
        ((SHORT, EXCESS), "fail", [("a", "b")]),
        ((EXCESS, SHORT, ENOUGH, EXCESS), "fail", [("b", "ad")]),
        ((SHORT, SHORT, EXCESS, SHORT), "fail", [("abd", "c")]),
        ((SHORT, ENOUGH), "pass", []),
        ((EXCESS, ENOUGH), "pass", []),
        (((10, 8), (10, 8)), "pass", []),
        (((20, 18), EXCESS), "pass", []),
        ((SHORT, (20, 18)), "pass", []),
        (((0, 0), EXCESS), "pass", []),
        (((0, 1), EXCESS), "fail", [("a", "b")]),
        ((SHORT, (50, 0)), "fail", [("a", "b")]),
        ((SMALL, ENOUGH), "pass", []),
        ((SMALL, SMALL), "pass", []),
        ((SMALL, EXCESS), "fail", [("a", "b")]),
        (((None, 4), ENOUGH), "pass", []),
        (((None, 4), SMALL), "not-evaluated", []),
        (((None, 4), EXCESS), "not-evaluated", []),
        (((10, None), SHORT), "not-evaluated", []),
        (((None, 4), (None, 4)), "not-evaluated", []),
        (((None, 4), SHORT, EXCESS), "fail", [("b", "c")]),
    ],
)
def test_two_tenants_are_needed(units: tuple[Units, ...], status: str, findings: list[tuple[str, str]]) -> None:
    result = audited_fleet(*units)
    assert ([item.status.value for item in result.fleet.policies], listed(result)) == ([status], findings)


def test_evidence_has_the_seats_of_each_tenant_and_the_bounds_as_written() -> None:
    result = audited(policy_file(BLOCK), owner("b", SHORT), owner("c", EXCESS), owner("a", (1, 1)))
    (finding,) = result.fleet.findings
    evidence = dict(finding.evidence)
    assert (evidence.pop("minimum"), evidence.pop("maximum")) == ("2", "10%")
    columns = ("tenant", "usable", "consumed", "spare")
    assert {key: [tuple(line[name] for name in columns) for line in lines] for key, lines in evidence.items()} == {
        "short": [("a", 1, 1, 0), ("b", 10, 9, 1)],
        "excess": [("c", 100, 50, 50)],
    }


def test_only_products_of_the_set_are_compared() -> None:
    assert listed(audited_fleet(SHORT, EXCESS, part="SPE_E5")) == []
    result = audited_fleet(SHORT, EXCESS, block=BLOCK.replace("[SPE_E3]", "[SPE_E5, SPE_E3]"))
    assert [finding.subject.id for finding in result.fleet.findings] == [sku_id("SPE_E3")]


@pytest.mark.parametrize(("units", "status"), [((SHORT, EXCESS), "not-evaluated"), ((SHORT, ENOUGH), "pass")])
def test_products_that_may_be_in_the_set_decide_nothing(units: tuple[Units, ...], status: str) -> None:
    unknown = subscription("s", ends=10, isTrial=None)
    result = audited_fleet(*units, block=BLOCK.replace("[SPE_E3]", "[trial]"), subscriptions=[unknown])
    (outcome,) = result.fleet.policies
    assert (outcome.status.value, listed(result)) == (status, [])
    reason = "it is not known whether the policy looks at SPE_E3"
    assert str(outcome.reason) == (f"a, b: {reason}" if status != "pass" else "None")
    assert not result.fleet.notices, "the set may have a product"


def test_tenants_whose_seats_are_not_known_are_named() -> None:
    """One was refused, of one Graph returned no numbers, one failed, and one is the result of an earlier version."""
    refused = {Source.SUBSCRIBED_SKUS: SourceStatus.DENIED}
    tenants = audited(
        policy_file(BLOCK), owner("a", SHORT, unread=refused), owner("b", (None, 1)), *map(owner, "cd", [EXCESS] * 2)
    ).tenants
    failed = replace(tenants[2], balance=(), failure=Message("Graph did not answer"))
    policies = policy_set(policy_file(BLOCK))
    fleet, findings, _ = evaluate_fleet(
        policies,
        [*tenants[:2], failed, replace(tenants[3], balance=())],
        builtin(),
        all_checks(),
        today=NOW.date(),
    )
    assert (findings, fleet.policies[0].status.value) == ([], "not-evaluated")
    reasons = str(fleet.policies[0].reason).split("; ")
    assert reasons[0].startswith("a: ")
    assert "not allowed" in reasons[0]
    assert reasons[1:] == ["c: not audited", "d: its seats are not known"]


@pytest.mark.parametrize(
    ("keys", "status", "notices"),
    [
        ("", "waived", []),
        (", products: [SPE_E3]", "waived", []),
        (", products: [SPE_E5]", "open", ["waiver.unused"]),
        (", products: [trial]", "open", ["waiver.unknown"]),
        (", tenants: [a]", "open", ["waiver.unused"]),
        (", users: {department: Sales}", "open", ["waiver.unused"]),
        (", expires: 2026-11-19", "open", ["waiver.expired"]),
        (", expires: 2026-11-20", "waived", ["waiver.expiring"]),
    ],
)
def test_waiver_must_cover_the_product_in_all_tenants_that_own_it(keys: str, status: str, notices: list[str]) -> None:
    """The third tenant does not own the product; whether it is a trial is not known in the first."""
    expires = "" if "expires" in keys else ", expires: 2027-01-31"
    waiver = f"[{{id: w, policies: [p], reason: r, owner: o{expires}{keys}}}]"
    unknown, trial = [subscription("s", ends=10, isTrial=None)], [subscription("s", ends=10, isTrial=True)]
    result = audited(
        policy_file(BLOCK, waivers=waiver),
        owner("a", SHORT, subscriptions=unknown),
        owner("b", EXCESS, subscriptions=trial),
        owner("c", EXCESS, "SPE_E5"),
    )
    (finding,) = result.fleet.findings
    assert (finding.status.value, finding.waiver) == (status, "w" if status == "waived" else None)
    everything = [*result.fleet.notices, *(notice for tenant in result.tenants for notice in tenant.notices)]
    assert sorted({notice.code for notice in everything if notice.code.startswith("waiver.")}) == notices


@pytest.mark.parametrize(
    ("keys", "units", "status", "notices"),
    [
        ("", (SHORT, EXCESS), "fail", []),
        ("tenants: [a, b], ", (SHORT, ENOUGH, EXCESS), "pass", []),
        ("tenants: [a], ", (SHORT, EXCESS), "pass", ["balance.single-tenant"]),
        ("tenants: [d], ", (SHORT, EXCESS), None, []),
        ("", (SHORT,), "pass", ["balance.single-tenant"]),
        ("other: ", (SHORT, EXCESS), "pass", ["policy.no-match"]),
    ],
)
def test_only_the_tenants_of_a_policy_are_compared(
    keys: str, units: tuple[Units, ...], status: str | None, notices: list[str]
) -> None:
    block = BLOCK.replace("[SPE_E3]", "[VISIOCLIENT]") if keys == "other: " else f"{keys}{BLOCK}"
    states = [owner(name, row) for name, row in zip("abcd", units, strict=False)]
    waiver = "waivers: [{id: w, policies: [q], reason: r, owner: o, expires: 2027-01-31}]"
    text = f"policies:\n- {{id: p, severity: low, {block}}}\n- {{id: q, severity: low, seats: {{spare: {{min: 0}}}}}}\n"
    result = audited(text + waiver, *states)
    assert [(item.id, item.status.value) for item in result.fleet.policies] == ([("p", status)] if status else [])
    assert [finding.waiver for finding in result.fleet.findings] == [None] * (status == "fail")
    assert sorted(notice.code for notice in result.fleet.notices) == notices


def test_each_policy_compares_its_own_products_and_the_severest_comes_first() -> None:
    rows = {part: [bought(part, *units) for units in (SHORT, EXCESS)] for part in ("SPE_E3", "SPE_E5", "SPE_F1")}
    states = [
        tenant(name=name, tenant_id=f"id-{name}", subscribedSkus=[row[index] for row in rows.values()])
        for index, name in enumerate("ab")
    ]
    sets = {"c": ("low", "SPE_E3"), "b": ("high", "SPE_E5, SPE_F1"), "a": ("low", "SPE_F1")}
    lines = [
        f"- {{id: {name}, severity: {severity}, balance: {{of: [{of}], spare: {{min: 2, max: 10%}}}}}}\n"
        for name, (severity, of) in sets.items()
    ]
    fleet = audited("".join(["policies:\n", *lines]), *states).fleet
    assert [outcome.id for outcome in fleet.policies] == ["b", "a", "c"]
    both = sorted([sku_id("SPE_E5"), sku_id("SPE_F1")])
    assert [(finding.policy, finding.subject.id) for finding in fleet.findings] == [
        *(("b", sku) for sku in both), ("a", sku_id("SPE_F1")), ("c", sku_id("SPE_E3"))
    ]  # fmt: skip
