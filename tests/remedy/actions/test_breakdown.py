"""Actions that combine products: one per owner, with the number of people by product and by group."""

import re
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.actions.action import Action
from auditor.domain.result.model import TenantResult
from tests.builders.result.actions import with_actions
from tests.builders.tenant.plan_tenants import E3, E5, F3, PRICES, VISIO, grant, planned, snapshot, user
from tests.builders.tenant.tenants import NOW, policy_set

LEAVERS = """policies:
  - id: leavers
    severity: high
    users: {accountEnabled: false}
    assignments: {of: [SPE_E3, SPE_E5, SPE_F1, VISIOCLIENT], allow: []}
"""
NAMES = {E3: "Microsoft 365 E3", E5: "Microsoft 365 E5", F3: "Microsoft 365 F3", VISIO: "Visio Plan 2"}
SEATS = dict.fromkeys(NAMES, 100)


def leaver(name: str, *grants: dict[str, Any]) -> dict[str, Any]:
    return user(name, *grants, accountEnabled=False)


def audited(users: list[dict[str, Any]], text: str = LEAVERS) -> TenantResult:
    loaded = policy_set(text)
    return with_actions(audit([snapshot(users, SEATS)], loaded, builtin(), NOW), loaded).tenants[0]


def counts(action: Action, label: str) -> dict[str, int]:
    """Return the numbers in a note about products or groups, by name."""
    notes = [text for text in action.prerequisites if text.startswith(f"{label}: ")]
    return {name: int(number) for note in notes for name, number in re.findall(r"[:,] (.+?) \((\d+)\)(?=[,.])", note)}


def test_leavers_with_different_products_are_one_action() -> None:
    tenant = audited([leaver("ann", grant(E3)), leaver("bob", grant(E3), grant(VISIO)), leaver("eve", grant(F3))])
    (action,) = tenant.actions
    assert action.title == (
        "Unassign Microsoft 365 E3 and 2 other products from 3 people – Free the licence of a former employee"
    )
    assert action.prerequisites[0] == "Products: Microsoft 365 E3 (2), Microsoft 365 F3 (1), Visio Plan 2 (1)."
    assert [len(request["body"]["removeLicenses"]) for request in action.requests] == [1, 2, 1]


@pytest.mark.parametrize(
    ("grants", "products"),
    [
        ([(E3,), (E3,)], "Microsoft 365 E3"),
        ([(E3, VISIO), (E3, VISIO)], "Microsoft 365 E3 + Visio Plan 2"),
        ([(E3,), (VISIO,)], "Microsoft 365 E3 and Visio Plan 2"),
        ([(E3,), (VISIO, F3)], "Microsoft 365 E3 and 2 other products"),
    ],
)
def test_title_names_up_to_two_products(grants: list[tuple[str, ...]], products: str) -> None:
    (action,) = audited([leaver(f"p{n}", *map(grant, skus)) for n, skus in enumerate(grants)]).actions
    assert action.title.startswith(f"Unassign {products} from 2 people")


def test_title_names_up_to_two_groups() -> None:
    users = [leaver(f"p{n}", grant(E3, f"g{n}")) for n in range(3)]
    (two,), (three,) = audited(users[:2]).actions, audited(users).actions
    assert two.title.startswith("Remove 2 people from the groups that assign Microsoft 365 E3 (g0 and g1) – ")
    assert three.title.startswith("Remove 3 people from 3 groups that assign Microsoft 365 E3 – ")
    assert counts(three, "Groups") == {"g0": 1, "g1": 1, "g2": 1}


def test_products_of_two_owners_are_two_actions() -> None:
    text = LEAVERS.replace("SPE_E3, SPE_E5, SPE_F1, VISIOCLIENT", "SPE_E3, SPE_E5")
    text += text.removeprefix("policies:\n").replace("leavers", "add-ons").replace("SPE_E3, SPE_E5", "VISIOCLIENT")
    users = [leaver("ann", grant(E3)), leaver("bob", grant(VISIO))]
    assert len(audited(users, text).actions) == 1
    tenant = audited(users, text.replace("id: add-ons", "id: add-ons\n    owner: add-ons@contoso.example"))
    products = ("Microsoft 365 E3", "Visio Plan 2")
    assert {action.title.partition(" from ")[0] for action in tenant.actions} == {f"Unassign {p}" for p in products}
    assert len({action.id for action in tenant.actions}) == 2


def test_id_does_not_depend_on_who_holds_what() -> None:
    (one,), (two,) = audited([leaver("ann", grant(E3))]).actions, audited([leaver("bob", grant(VISIO))]).actions
    assert one.id == two.id


def test_amount_counts_each_product_and_names_those_without_a_price() -> None:
    users = [leaver("ann", grant(E3)), leaver("bob", grant(E3), grant(VISIO)), leaver("eve", grant(F3))]
    (action,) = audited(users, LEAVERS + PRICES).actions
    assert action.before is not None
    assert action.before.per_month == Decimal("78.90")
    assert "Not in the amount, because no price is known: Visio Plan 2 (1)." in action.prerequisites
    assert "Microsoft 365 E3 and 2 other" in action.title, "the product that costs most is named"


OVERLAPS = """policies:
  - {id: one-suite, severity: medium, assignments: {exclusive: [[SPE_E3, SPE_E5, SPE_F1]]}}
  - {id: no-frontline, severity: low, assignments: {exclusive: [[SPE_F1, SPE_E3]]}}
"""


def test_overlaps_are_combined_by_the_smallest_product() -> None:
    users = [
        user("ann", grant(F3), grant(E3)),
        user("bob", grant(F3), grant(E5)),
        user("dan", grant(F3), grant(E5)),
        user("eve", grant(E3), grant(E5)),
    ]
    suites, frontline = audited(users, OVERLAPS).actions
    assert frontline.title == "Decide which product 3 people keep: Microsoft 365 F3 and 2 other products"
    assert frontline.prerequisites[0] == (
        "Together with Microsoft 365 F3, people have: Microsoft 365 E5 (2), Microsoft 365 E3 (1)."
    ), "ann is counted once, although two policies report her"
    assert len(frontline.findings) == 4
    assert suites.title == "Decide which product 1 person keeps: Microsoft 365 E3 + Microsoft 365 E5"
    assert not any(text.startswith("Together with") for text in suites.prerequisites)
    (fewer,) = audited(users[1:2], OVERLAPS).actions
    assert fewer.id == frontline.id, "the id does not depend on who holds what"


def test_overlaps_are_undecided_only_for_the_products_that_a_person_has() -> None:
    text = OVERLAPS + "  - {id: spare, severity: low, seats: {of: [SPE_E3, SPE_E5, SPE_F1], spare: {max: 0}}}\n"
    users = [user("ann", grant(F3), grant(E3)), user("bob", grant(F3), grant(E5)), user("dan", grant(F3), grant(E5))]
    undecided = {
        action.seats.sku_id: action.seats.undecided
        for action in audited(users, text).actions
        if action.seats is not None
    }
    assert undecided == {F3: 3, E5: 2, E3: 1}


def test_assignment_errors_are_combined_by_error() -> None:
    text = "policies:\n  - {id: errors, severity: high, health: {errors: deny}}\n"
    users = [
        user("ann", grant(E3, "g1", error="MutuallyExclusiveViolation")),
        user("bob", grant(VISIO, "g1", error="MutuallyExclusiveViolation")),
        user("eve", grant(VISIO, "g1", error="DependencyViolation")),
        user("dan", grant(F3, "g1", error="CountViolation")),
    ]
    actions = audited(users, text + PRICES).actions
    assert not any("Not in the amount" in note for action in actions for note in action.prerequisites), "no amount"
    assert sorted(action.title for action in actions) == [
        "Fix the error DependencyViolation of Visio Plan 2 for 1 person",
        "Fix the error MutuallyExclusiveViolation of Microsoft 365 E3 and Visio Plan 2 for 2 people",
        "Reprocess the group licences of 1 person: Microsoft 365 F3",
    ]


def test_seats_are_freed_by_product_not_by_the_people_of_the_action() -> None:
    text = LEAVERS + "  - {id: spare, severity: low, seats: {of: [SPE_E3], spare: {max: 0}}}\n"
    users = [leaver("ann", grant(E3)), leaver("bob", grant(VISIO)), leaver("eve", grant(F3))]
    actions = audited(users, text).actions
    (removal,) = [action for action in actions if action.kind.startswith("remove-seats")]
    assert removal.seats is not None
    assert (removal.seats.freed, removal.count) == (1, 100)


GRANTS = st.lists(
    st.tuples(st.sampled_from(sorted(NAMES)), st.sampled_from([None, "g1", "g2", "g3"])),
    unique_by=lambda pair: pair[0],
    max_size=3,
)


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(GRANTS, min_size=1, max_size=6))
def test_counts_equal_those_of_the_people(people: list[list[tuple[str, str | None]]]) -> None:
    users = [leaver(f"p{n}", *(grant(sku, group) for sku, group in grants)) for n, grants in enumerate(people)]
    tenant = audited(users)
    expected: dict[str, Counter[tuple[str, str]]] = {"unassign": Counter(), "leave-group": Counter()}
    for grants in people:
        for kind, counter in expected.items():
            pairs = [(sku, group) for sku, group in grants if (group is None) == (kind == "unassign")]
            counter.update(("product", NAMES[sku]) for sku, _ in pairs)
            counter.update({("group", group) for _, group in pairs if group})
    for kind, counter in expected.items():
        actions = [action for action in tenant.actions if action.kind == kind]
        assert len(actions) == bool(counter)
        for action in actions:
            for part, label in (("product", "Products"), ("group", "Groups")):
                wanted = {name: count for (name_part, name), count in counter.items() if name_part == part}
                assert counts(action, label) == (wanted if len(wanted) > 1 else {})


def test_plan_combines_the_same_products() -> None:
    users = [leaver("ann", grant(E3)), leaver("bob", grant(VISIO))]
    plan = planned(snapshot(users, SEATS), LEAVERS)
    assert [action.title.partition(" from ")[0] for action in plan.actions if action.kind == "unassign"] == [
        "Unassign Microsoft 365 E3 and Visio Plan 2"
    ]
