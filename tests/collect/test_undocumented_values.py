"""Tests that null, missing and undocumented values of Graph are collected as gaps instead of answers."""

from typing import Any

import pytest

from auditor.domain.enums import Source
from tests.builders.tenant.other_graphs import COUNT, SKU, Accent, collected_from, person, sku

PATH: dict[str, Any] = {"skuId": SKU, "state": "Active", "error": "None", "disabledPlans": []}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"accountEnabled": None}, ["accountEnabled"]),
        ({"assignedLicenses": [{"skuId": None, "disabledPlans": []}]}, ["assignedLicenses"]),
        ({"assignedLicenses": [{"disabledPlans": []}, {"skuId": SKU, "disabledPlans": []}]}, ["assignedLicenses"]),
        ({"licenseAssignmentStates": [PATH, PATH | {"skuId": None}]}, ["licenseAssignmentStates"]),
        ({"licenseAssignmentStates": [PATH | {"state": None}]}, ["licenseAssignmentStates"]),
        ({"licenseAssignmentStates": [PATH | {"state": "unknownFutureValue"}]}, ["licenseAssignmentStates"]),
        ({"licenseAssignmentStates": [PATH | {"state": "Error", "error": None}]}, ["licenseAssignmentStates"]),
        ({"licenseAssignmentStates": [PATH | {"disabledPlans": None}]}, ["licenseAssignmentStates"]),
        ({"licenseAssignmentStates": [PATH | {"error": None}]}, None),
        ({"licenseAssignmentStates": [PATH | {"state": "Error", "error": "Unheard"}]}, None),
    ],
)
def test_unreadable_values_of_a_user_are_not_collected(changes: dict[str, Any], expected: list[str] | None) -> None:
    people = [person(number) | (changes if number == 3 else {}) for number in range(COUNT)]
    users = collected_from(Accent(people=people)).users()
    assert {name: row["notCollected"] for name, row in users.items()} == {
        f"user{number}@contoso.example": expected if number == 3 else None for number in range(COUNT)
    }


@pytest.mark.parametrize("licenses", [None, [], "E3", [7], [{"skuId": None}], [{"skuId": SKU}, {"disabledPlans": []}]])
def test_licensed_groups_without_readable_licences_are_reported(licenses: Any) -> None:
    groups = [{"id": "a", "assignedLicenses": [{"skuId": SKU}]}, {"id": "b", "assignedLicenses": licenses}]
    snapshot = collected_from(Accent(groups=groups))
    assert snapshot.status(Source.GROUPS) == "partial"
    assert snapshot.reason(Source.GROUPS) == "objects without assignedLicenses: 1; report it to Microsoft"


def test_group_types_that_are_no_texts_are_not_collected() -> None:
    groups = [{"id": "a", "assignedLicenses": [{"skuId": SKU}], "groupTypes": ["DynamicMembership", 7]}]
    assert collected_from(Accent(groups=groups)).tables["groups"]["groupTypes"].to_pylist() == [None]


def test_users_without_a_sign_in_name_have_an_unknown_one() -> None:
    people = [person(number) | ({"userPrincipalName": None} if number == 3 else {}) for number in range(COUNT)]
    rows = collected_from(Accent(people=people)).tables["users"].to_pylist()
    assert [row["notCollected"] for row in rows] == [["userPrincipalName"] if n == 3 else None for n in range(COUNT)]


PLAN = {"servicePlanId": "p", "servicePlanName": "PLAN"}


@pytest.mark.parametrize(
    ("plans", "count"),
    [
        ([PLAN], 1),
        ([PLAN, {"servicePlanId": None, "servicePlanName": "OTHER"}], 0),
        ([PLAN, {"servicePlanId": "q", "servicePlanName": None}], 0),
        ([PLAN, 7], 0),
        (None, 0),
    ],
)
def test_service_plans_with_a_gap_are_left_out(plans: Any, count: int) -> None:
    assert collected_from(Accent(skus=[sku(servicePlans=plans)])).tables["service_plans"].num_rows == count


def test_seats_that_are_null_are_unknown_and_states_that_a_cloud_omits_are_empty() -> None:
    units = [{"enabled": 5}, {"enabled": 5, "warning": None, "suspended": None, "lockedOut": None}]
    rows = [sku(prepaidUnits=row) | {"skuId": str(number)} for number, row in enumerate(units)]
    products = collected_from(Accent(skus=rows)).tables["products"].to_pylist()
    assert [(row["warning"], row["suspended"], row["lockedOut"]) for row in products] == [(0, 0, None), (None,) * 3]


@pytest.mark.parametrize("value", [7, True, ["2026-11-20T00:00:00Z"], {}])
@pytest.mark.parametrize("name", ["nextLifecycleDateTime", "createdDateTime"])
def test_dates_of_another_type_are_reported(name: str, value: Any) -> None:
    snapshot = collected_from(Accent(subscriptions=[{"id": "a", "skuId": SKU}, {"id": "b", "skuId": SKU, name: value}]))
    assert snapshot.tables["subscriptions"]["id"].to_pylist() == ["a"]
    assert snapshot.reason(Source.SUBSCRIPTIONS) == "subscriptions with invalid dates: 1"
