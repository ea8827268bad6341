"""Moves: a product is replaced only by one of the same kind; others are unassigned and assigned separately."""

import pytest

from auditor.localization import localization
from auditor.remedy.product_kinds import same_kind, smallest
from auditor.render.plan.markdown import plan_markdown
from tests.builders.tenant.crowded_tenant import audited, crowded, planned, product, state_of
from tests.builders.tenant.tenants import person, sku_id

FRONTLINE = """
policies:
  - id: frontline
    severity: medium
    users: {department: Store}
    assignments: {of: paid, allow: [SPE_F1], require: [SPE_F1]}
"""
OTHER_KINDS = ("PROJECTPROFESSIONAL", "VISIOCLIENT", "Microsoft_365_Copilot", "POWER_BI_PRO")


@pytest.mark.slow
def test_people_get_no_product_for_rooms_unless_a_policy_accepts_only_these() -> None:
    rooms = "Microsoft_Teams_Rooms_Pro"
    state = state_of([person("ann")], [product(rooms, 5, 0), product("SPE_E3", 5, 0)], [])
    for required, expected in (("{withService: TEAMS1}", "Microsoft 365 E3"), (rooms, "Microsoft Teams Rooms Pro")):
        rules = f"policies: [{{id: teams, severity: low, assignments: {{require: [{required}]}}}}]"
        (action,), (plan,) = audited(state, rules).tenants[0].actions, planned(state, rules).tenants
        titles = [item.title for item in (action, *plan.actions)]
        assert all(title.startswith(f"Assign {expected} to") for title in titles), titles


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("SPE_E5", "mailbox OneDrive telephone"),
        ("VISIOCLIENT", "OneDrive"),
        ("POWER_BI_PRO", ""),
        ("MCOEV", "telephone"),
    ],
)
def test_warnings_are_only_about_data_that_the_unassigned_product_has(part: str, expected: str) -> None:
    denied = f"policies: [{{id: denied, severity: medium, assignments: {{deny: [{part}]}}}}]"
    state = state_of([person("ann", part)], [product(part, 5, 1)], [])
    (action,) = audited(state, denied).tenants[0].actions
    text = " ".join(action.warnings)
    assert [word for word in ("mailbox", "OneDrive", "telephone") if word in text] == expected.split()
    assert "still billed" in text


@pytest.mark.slow
@pytest.mark.parametrize("part", OTHER_KINDS)
@pytest.mark.parametrize("seats", [0, 9])
def test_product_that_is_not_a_suite_is_never_moved_to_a_suite(part: str, seats: int) -> None:
    state = state_of(
        [person("ann", part, department="Store"), person("bo", "SPE_F1")],
        [product(part, 5, 1), product("SPE_F1", 1 + seats, 1)],
        [],
    )
    (tenant,) = audited(state, FRONTLINE).tenants
    assert sorted(action.kind for action in tenant.actions) == ["assign", "unassign"]
    (plan,) = planned(state, FRONTLINE).tenants
    assert sorted(action.kind for action in plan.actions) == ["assign", "unassign"]
    assert plan.proof.new == ()
    assert len(plan.proof.fixed) == (2 if seats else 1)
    markdown = plan_markdown(planned(state, FRONTLINE), l10n=localization("en")).decode()
    texts = [*(action.title for action in (*tenant.actions, *plan.actions)), markdown]
    assert not any(text.startswith("Move") or "Move 1 person" in text for text in texts)
    assert {action.guidance for action in tenant.actions}.isdisjoint({"move-users", "change-plan"})


@pytest.mark.slow
def test_move_replaces_the_suite_among_several_products() -> None:
    state = state_of(
        [person("ann", "PROJECTPROFESSIONAL", "SPE_E3", "VISIOCLIENT", department="Store")],
        [
            product(part, 5, int(part != "SPE_F1"))
            for part in ("PROJECTPROFESSIONAL", "SPE_E3", "VISIOCLIENT", "SPE_F1")
        ],
        [],
    )
    (tenant,) = audited(state, FRONTLINE).tenants
    titles = {action.title for action in tenant.actions}
    assert titles == {
        "Move 1 person from Microsoft 365 E3 to Microsoft 365 F3",
        "Unassign Planner and Project Plan 3 from 1 person",
        "Unassign Visio Plan 2 from 1 person",
    }
    (plan,) = planned(state, FRONTLINE).tenants
    assert {action.title for action in plan.actions if action.kind == "move"} == {
        "Move 1 person from Microsoft 365 E3 to Microsoft 365 F3"
    }
    assert plan.after.open == 0


@pytest.mark.slow
def test_crowded_tenant_has_no_move_to_a_product_of_another_kind() -> None:
    names = ("Project", "Visio", "Copilot", "Power BI")
    actions = [*audited(crowded()).tenants[0].actions, *planned(crowded()).tenants[0].actions]
    moves = [action.title for action in actions if action.kind == "move"]
    assert moves
    assert not any(name in title for title in moves for name in names)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("SPE_E3", "SPE_F1", True),
        ("ENTERPRISEPACK", "SPE_E5", True),
        ("POWER_BI_PRO", "SPE_E5", True),
        ("POWER_BI_PRO", "SPE_F1", False),
        ("SPE_E3", "VISIOCLIENT", False),
    ],
)
def test_same_kind(old: str, new: str, expected: bool) -> None:  # noqa: FBT001
    assert same_kind(sku_id(old), sku_id(new)) is expected


def test_same_kind_is_false_for_an_unknown_product() -> None:
    assert not same_kind("00000000-0000-0000-0000-000000000001", sku_id("SPE_F1"))


def test_smallest_product_has_the_fewest_service_plans_and_is_unknown_beside_an_unknown_product() -> None:
    suites = [sku_id(part) for part in ("SPE_E3", "SPE_F1", "SPE_E5")]
    assert smallest(suites) == smallest(suites[::-1]) == sku_id("SPE_F1")
    assert smallest([name.upper() for name in suites]) == sku_id("SPE_F1").upper()
    assert smallest([*suites, "00000000-0000-0000-0000-000000000000"]) is None
