"""Downgrades to smaller products: proposed by `downgradeTo`, asked as a question, and requested after an answer."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from msgspec.structs import replace

from auditor.app.audit.pipeline import audit
from auditor.app.plan.planner import plan_run
from auditor.app.policy_tests.fixtures import fixture_snapshot
from auditor.catalogue import builtin
from auditor.domain.errors import InputError
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import TenantResult
from auditor.policy.loader import Loaded
from auditor.remedy.english import ENGLISH
from auditor.remedy.planner.model import TenantPlan
from auditor.render.plan.question_text import sentence
from auditor.snapshot.model import Snapshot
from tests.builders.result.actions import with_actions
from tests.builders.tenant.answers import decided
from tests.builders.tenant.plan_tenants import CLOUD_GROUP, PARTS, bodies
from tests.builders.tenant.tenants import NOW

PRICES = "prices: {currency: EUR, perSeatPerMonth: {SPE_E5: 54.75, SPE_E3: 35.70, SPE_F1: 7.50}}\n"
USERS = "{appsUnused: {on: [windows, mac], for: 180d}}"
SERVICES = "services: {deny: [OFFICESUBSCRIPTION]}"


def loaded(to: str = "downgradeTo: '*'", *decisions: dict[str, Any], keys: str = SERVICES) -> Loaded:
    text = f"version: 1\n{PRICES}policies:\n  - {{id: apps, severity: low, users: {USERS}, assignments: {{{keys}, {to}}}}}\n"
    return decided(text, *decisions)


def state(
    *,
    seats: int = 9,
    groups: Mapping[str, dict[str, Any]] | None = None,
    second: dict[str, Any] | None = None,
    **user: Any,
) -> Snapshot:
    """Return a tenant with one or two people; `groups` maps the names of groups that assign E5 to their properties."""
    usage = {"lastActivity": {"teams": "2026-11-18", "exchange": "2026-11-18"}, "apps": {"outlook": ["web"]}}
    document = {
        "products": [{"skuPartNumber": "SPE_E5", "enabled": 9}, {"skuPartNumber": "SPE_F1", "enabled": seats}],
        "users": [{"userPrincipalName": "ann", "usageLocation": "NL", "licenses": ["SPE_E5"], **usage, **user}],
    }
    if second is not None:
        document["users"].append({"userPrincipalName": "bob", "usageLocation": "NL", **usage, **second})
    document["groups"] = [
        {"displayName": name, "assignedLicenses": ["SPE_E5"], "members": ["ann"]} for name in groups or ()
    ]
    fixture = fixture_snapshot("contoso", document, builtin(), NOW)
    table = fixture.table("groups")
    rows = [{**row, **CLOUD_GROUP, **(groups or {})[row["displayName"]]} for row in table.to_pylist()]
    return replace(fixture, tables={**fixture.tables, "groups": pa.Table.from_pylist(rows, table.schema)})


DYNAMIC_GROUP = {"groupTypes": ["DynamicMembership"], "membershipRule": 'user.department -eq "X"'}
BOTH_GROUPS: dict[str, Any] = {"licenses": [{"sku": "SPE_E5", "via": ["A", "B"]}]}
GIVE_F1 = {"for": {"policy": "apps"}, "answer": {"give": "SPE_F1"}}


def audited(policies: PolicySet, snapshot: Snapshot) -> TenantResult:
    return with_actions(audit([snapshot], policies, builtin(), NOW), policies).tenants[0]


def planned(snapshot: Snapshot, *decisions: dict[str, Any], **more: Any) -> TenantPlan:
    loaded_policies = loaded("downgradeTo: '*'", *decisions, **more)
    plan = plan_run([snapshot], loaded_policies.policies, builtin(), NOW, decisions=loaded_policies.decisions)
    assert plan.proven
    return plan.tenants[0]


@pytest.mark.parametrize(
    ("to", "product", "saves"),
    [
        ("downgradeTo: '*'", "SPE_F1", "47.25"),
        ("downgradeTo: [SPE_F1]", "SPE_F1", "47.25"),
        ("downgradeTo: [SPE_E3]", "SPE_E3", "19.05"),  # a product that the tenant would have to buy
    ],
)
def test_action_proposes_the_cheapest_product_of_the_set(to: str, product: str, saves: str) -> None:
    result = audited(loaded(to).policies, state())
    (finding,) = result.findings
    evidence = finding.evidence["smallerProduct"]
    assert (evidence["held"], evidence["product"], evidence["savesPerMonth"]) == ("SPE_E5", product, saves)
    assert "mailboxSize" in evidence.get("unknown", ()) or product == "SPE_E3"
    (action,) = result.actions
    assert (action.kind, action.confidence, action.requests) == ("downgrade", "review", ())
    assert action.saves is not None
    assert action.saves.per_month == Decimal(saves)
    assert action.title.startswith("Ask whether Microsoft 365 ")
    assert any("security and compliance" in warning for warning in action.warnings)
    if product == "SPE_F1":
        assert any("desktop apps" in warning and "Entra ID P2" in warning for warning in action.warnings)


def test_no_downgrade_is_proposed_without_downgrade_to() -> None:
    result = audited(loaded("via: direct").policies, state())
    assert [action.kind for action in result.actions] == ["service-off"]
    assert "smallerProduct" in result.findings[0].evidence


@pytest.mark.parametrize("user", [{"apps": {"word": ["windows"]}}, {"lastActivity": {}}, {"licenses": ["SPE_F1"]}])
def test_no_downgrade_is_proposed_if_usage_needs_the_larger_product(user: dict[str, Any]) -> None:
    assert "downgrade" not in [action.kind for action in audited(loaded().policies, state(**user)).actions]


@pytest.mark.slow
def test_downgrade_is_requested_only_after_an_answer() -> None:
    plan = planned(state())
    (question,) = plan.open_questions
    assert sentence(question, ENGLISH) == "Is SPE_F1 enough for ann (ann) instead of SPE_E5?"
    assert question.money is not None
    assert question.money.per_month == Decimal("47.25")
    assert [dict(answer) for answer in question.answers] == [{"give": "SPE_F1"}, {"keep": "SPE_E5"}, {"skip": True}]
    assert not any(action.requests for action in plan.actions)
    assert [item.code for item in plan.proof.remaining] == ["person"]
    answered = planned(state(), {"question": question.id, "answer": {"give": "SPE_F1"}})
    assert [(added, removed) for _, added, removed in bodies(answered)] == [(["SPE_F1"], ["SPE_E5"])]
    (action,) = answered.actions
    assert (action.kind, action.confidence, answered.proof.remaining) == ("move", "certain", ())
    assert action.saves is not None
    assert action.saves.per_month == Decimal("47.25")
    assert answered.before.money[0].reassignable_now == Decimal("54.75")


@pytest.mark.parametrize(
    ("decision", "kinds", "codes", "notices"),
    [
        ({"answer": {"keep": "SPE_E5"}}, [], [("decided", "{keep: SPE_E5}")], []),
        ({"answer": {"skip": True}, "reason": "later"}, [], [("decided", "later")], []),
        (
            {"answer": {"give": "SPE_E3"}},
            ["downgrade"],
            [("person", "It requires a decision.")],
            ["decision.unmatched"],
        ),
        ({"answer": {"give": "SPE_F1"}}, ["move"], [], []),
    ],
)
def test_decisions_with_a_scope_about_downgrades(
    decision: dict[str, Any], kinds: list[str], codes: list[tuple[str, str]], notices: list[str]
) -> None:
    loaded_policies = loaded("downgradeTo: '*'", {"for": {"policy": "apps"}, **decision})
    plan = plan_run([state()], loaded_policies.policies, builtin(), NOW, decisions=loaded_policies.decisions)
    assert [action.kind for action in plan.tenants[0].actions] == kinds
    assert [(item.code, item.why.rpartition("c.example: ")[2]) for item in plan.tenants[0].proof.remaining] == codes
    assert [notice.code for notice in plan.notices] == notices


@pytest.mark.slow
def test_downgrade_removes_the_user_from_all_groups_that_assign_the_larger_product() -> None:
    plan = planned(state(groups={"A": {}, "B": {}}, **BOTH_GROUPS), GIVE_F1)
    (action,) = plan.actions
    assert [request["method"] for request in action.requests] == ["DELETE", "DELETE", "POST"]
    assert plan.changes is not None
    seats = [{PARTS[sku]: count for sku, count in step.seats.items()} for step in plan.changes.steps[action.id]]
    assert seats == [{}, {"SPE_E5": -1, "SPE_F1": 1}, {}], (
        "seats are counted at the step that ends the last path of the larger product"
    )
    direct: dict[str, Any] = {"licenses": [{"sku": "SPE_E5", "via": ["direct", "A"]}]}
    plan = planned(state(groups={"A": {}}, **direct), GIVE_F1)
    assert [request["method"] for action in plan.actions for request in action.requests] == ["DELETE", "POST"]
    assert plan.proof.remaining == ()


@pytest.mark.parametrize(
    ("kind", "reason"), [(DYNAMIC_GROUP, "rule"), ({"onPremisesSyncEnabled": True}, "on premises")]
)
def test_downgrade_is_manual_if_one_of_the_groups_cannot_be_changed(kind: dict[str, Any], reason: str) -> None:
    plan = planned(state(groups={"A": {}, "B": kind}, **BOTH_GROUPS), GIVE_F1)
    (action,) = plan.actions
    assert action.title == (
        "Move 1 person from Microsoft 365 E5 to Microsoft 365 F3 "
        "(decided, but the members of a group have to be changed manually)"
    )
    assert (action.requests, action.confidence, action.decided_by) == ((), "certain", "")
    (remaining,) = plan.proof.remaining
    assert remaining.code == "decided"
    assert remaining.why.startswith("Decided by me@c.example (D-0): {give: SPE_F1}. This step is manual. ")
    assert reason in remaining.why


def test_downgrade_is_left_out_without_a_free_seat() -> None:
    plan = planned(state(seats=0), GIVE_F1)
    (action,) = plan.actions
    assert action.requests == ()
    assert action.title == (
        "Move 1 person from Microsoft 365 E5 to Microsoft 365 F3 (decided, but no spare seat can be assigned)"
    )
    assert any(note.startswith("1 seat of Microsoft 365 F3 is missing") for note in action.prerequisites)
    assert [item.code for item in plan.proof.remaining] == ["seats"]


def test_blocked_downgrade_is_a_separate_action_from_open_questions() -> None:
    before = state(seats=0, second={"licenses": ["SPE_E5"]})
    ann = {"for": {"policy": "apps", "users": {"userPrincipalName": "ann"}}, "answer": {"give": "SPE_F1"}}
    titles = {action.kind: action.title for action in planned(before, ann).actions}
    assert titles.keys() == {"move", "downgrade"}
    assert titles["downgrade"].startswith("Ask whether Microsoft 365 F3 is enough for 1 person")


def test_product_is_not_unassigned_if_a_downgrade_is_asked() -> None:
    plan = planned(state(), keys="of: [SPE_E5], allow: []")
    assert not any(action.requests for action in plan.actions)
    assert [question.kind.value for question in plan.open_questions] == ["give"]


def test_downgrade_to_alone_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        loaded(keys="via: direct")
    assert [item.slug for item in caught.value.diagnostics] == ["policy-downgrade-alone"]


def test_licence_to_be_removed_is_not_asked_about() -> None:
    leavers = "  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}\n"
    text = f"version: 1\n{PRICES}policies:\n  - {{id: apps, severity: low, users: {USERS}, assignments: {{{SERVICES}, downgradeTo: '*'}}}}\n{leavers}"
    tenant = audited(decided(text).policies, state(accountEnabled=False, second={"licenses": ["SPE_E5"]}))
    actions = {action.kind: action for action in tenant.actions}
    assert {kind: (action.count, len(action.findings)) for kind, action in actions.items()} == {
        "unassign": (1, 2),
        "downgrade": (1, 1),
    }
    assert [(proposal.people, str(proposal.saves.per_month)) for proposal in tenant.smaller_products or ()] == [
        (1, "47.25")
    ]
