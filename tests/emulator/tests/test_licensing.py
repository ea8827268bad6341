"""Tests that assignLicense changes seats, assignment states and errors as in Graph."""

from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.endpoints.licensing import recompute, reprocess
from tests.emulator.server import Emulator
from tests.emulator.tenant import products
from tests.emulator.tenant.directory import Tenant, load, state

WRITE = ["LicenseAssignment.ReadWrite.All", "User.Read.All"]
E3, F3, FREE = (products.sku_id(part) for part in ("SPE_E3", "SPE_F1", "FLOW_FREE"))


def consumed(emulator: Emulator, sku_id: str) -> int:
    sku = emulator.tenants["contoso"].sku(sku_id)
    assert sku is not None
    return int(sku["consumedUnits"])


def assign(
    emulator: Emulator, client: Any, who: str, *, add: list[str] | None = None, remove: list[str] | None = None
) -> httpx.Response:
    body = {
        "addLicenses": [{"skuId": sku_id, "disabledPlans": []} for sku_id in add or []],
        "removeLicenses": remove or [],
    }
    response = client(emulator, f"/{who}/assignLicense", method="POST", roles=WRITE, json=body)
    assert isinstance(response, httpx.Response)
    return response


def held(emulator: Emulator, name: str) -> set[str]:
    people = emulator.tenants["contoso"].people
    position = people.find(f"{name}@contoso.example")
    assert position is not None
    return {row["skuId"] for row in people.value(position, "assignedLicenses")}


def test_assign_user_consumes_a_seat_and_frees_another(emulator: Emulator, client: Any) -> None:
    assert consumed(emulator, E3) == 2
    before = client(emulator, "/users?$select=id,assignedLicenses").content
    assert assign(emulator, client, "users/cem@contoso.example", add=[E3], remove=[F3]).status_code == 200
    assert (consumed(emulator, E3), consumed(emulator, F3)) == (3, 0)
    assert held(emulator, "cem") == {E3}
    assert client(emulator, "/users?$select=id,assignedLicenses").content != before, "no stale page"


@pytest.mark.parametrize(
    ("who", "add", "remove", "message"),
    [
        ("dora", [E3], [], "invalid usage location"),
        ("ann", [], [F3], "does not have a corresponding license"),
        ("ann", ["11111111-2222-4333-8444-555555555555"], [], "does not correspond to a valid company License"),
    ],
)
def test_refused_assignment_changes_nothing(
    emulator: Emulator, client: Any, who: str, add: list[str], remove: list[str], message: str
) -> None:
    before = held(emulator, who)
    response = assign(emulator, client, f"users/{who}@contoso.example", add=add, remove=remove)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "Request_BadRequest")
    assert message in response.json()["error"]["message"]
    assert held(emulator, who) == before


def test_add_and_remove_licenses_are_required(emulator: Emulator, client: Any) -> None:
    path = "/users/ann@contoso.example/assignLicense"
    response = client(emulator, path, method="POST", roles=WRITE, json={"addLicenses": []})
    assert response.status_code == 400
    assert "removeLicenses" in response.json()["error"]["message"]
    assert client(emulator, path, method="POST", roles=WRITE, content=b"no json").status_code == 400
    assert client(emulator, path, method="POST", json={"addLicenses": [], "removeLicenses": []}).status_code == 403
    assert client(emulator, "/users/nobody/assignLicense", method="POST", roles=WRITE, json={}).status_code == 404


def test_assignment_without_free_seats_is_refused(emulator: Emulator, client: Any) -> None:
    assert assign(emulator, client, "users/ann@contoso.example", add=[F3]).status_code == 200
    refused = assign(emulator, client, "users/bram@contoso.example", add=[F3])
    assert "does not have any available licenses" in refused.json()["error"]["message"]
    assert consumed(emulator, F3) == 2
    repeated = assign(emulator, client, "users/ann@contoso.example", add=[F3])
    assert repeated.status_code == 200, "who holds a seat may be assigned again"


def test_disabled_plans_belong_to_the_product(emulator: Emulator, client: Any) -> None:
    plan = products.service_plans("FLOW_FREE")[0]["servicePlanId"]
    path = "/users/cem@contoso.example"
    for disabled, status in ((E3, 400), (plan, 200)):
        body = {"addLicenses": [{"skuId": FREE, "disabledPlans": [disabled]}], "removeLicenses": []}
        assert client(emulator, f"{path}/assignLicense", method="POST", roles=WRITE, json=body).status_code == status
    licences = client(emulator, f"{path}?$select=assignedLicenses").json()["assignedLicenses"]
    assert {"skuId": FREE, "disabledPlans": [plan]} in licences


def test_assign_group_licenses_direct_members_with_one_seat_per_person(emulator: Emulator, client: Any) -> None:
    group = next(iter(emulator.tenants["contoso"].groups.values()))
    accepted = assign(emulator, client, f"groups/{group.id}", add=[F3])
    assert accepted.status_code == 202
    assert accepted.headers["location"]
    people = emulator.tenants["contoso"].people
    cem, dora = (people.find(f"{name}@contoso.example") for name in ("cem", "dora"))
    assert cem is not None
    assert dora is not None
    assigning_groups = [row["assignedByGroup"] for row in people.value(cem, "licenseAssignmentStates")]
    assert assigning_groups == [None, group.id], "held twice, one seat"
    assert consumed(emulator, F3) == 2
    assert held(emulator, "dora") == {F3}
    inherited = assign(emulator, client, "users/dora@contoso.example", remove=[F3])
    assert "inherited from a group" in inherited.json()["error"]["message"]
    assert assign(emulator, client, f"groups/{group.id}", remove=[F3]).status_code == 202
    assert held(emulator, "dora") == set()
    assert consumed(emulator, F3) == 1
    assert assign(emulator, client, f"groups/{group.id}", remove=[F3]).status_code == 400


def test_group_without_free_seats_leaves_errors_until_reprocessed(emulator: Emulator, client: Any) -> None:
    tenant = emulator.tenants["contoso"]
    group = next(iter(tenant.groups.values()))
    sku = tenant.sku(F3)
    assert sku is not None
    sku["prepaidUnits"]["enabled"] = 1
    assign(emulator, client, f"groups/{group.id}", add=[F3])
    failing = client(emulator, "/groups?$filter=hasMembersWithLicenseErrors eq true").json()["value"]
    assert [row["id"] for row in failing] == [group.id]
    states = client(emulator, "/users/dora@contoso.example?$select=licenseAssignmentStates").json()[
        "licenseAssignmentStates"
    ]
    assert [(row["state"], row["error"]) for row in states] == [("Error", "CountViolation")]
    sku["prepaidUnits"]["enabled"] = 5
    group.members_with_errors = list(group.members)
    path = "/users/dora@contoso.example/reprocessLicenseAssignment"
    assert client(emulator, path, method="POST", roles=WRITE).status_code == 200
    assert held(emulator, "dora") == {F3}
    assert client(emulator, "/groups?$filter=hasMembersWithLicenseErrors eq true").json()["value"] == []


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"@emulator.prohibited": ["NL"]}, "ProhibitedInUsageLocationViolation"),
        ({"@emulator.exclusive": [F3]}, "MutuallyExclusiveViolation"),
        ({"@emulator.requires": [FREE]}, "DependencyViolation"),
    ],
)
def test_violations_refuse_users_and_leave_errors_for_groups(
    emulator: Emulator, client: Any, rule: dict[str, list[str]], error: str
) -> None:
    tenant = emulator.tenants["contoso"]
    sku = tenant.sku(E3)
    assert sku is not None
    sku.update(rule)
    assert assign(emulator, client, "users/cem@contoso.example", add=[E3]).status_code == 400
    group = next(iter(tenant.groups.values()))
    assign(emulator, client, f"groups/{group.id}", add=[E3])
    states = client(emulator, "/users/cem@contoso.example?$select=licenseAssignmentStates").json()[
        "licenseAssignmentStates"
    ]
    assert [row["error"] for row in states if row["skuId"] == E3] == [error]


def count_seats(tenant: Tenant) -> dict[str, int]:
    people = tenant.people
    rows = [sku["skuId"] for number in range(len(people)) for sku in people.value(number, "assignedLicenses")]
    return {str(sku["skuId"]): rows.count(sku["skuId"]) for sku in tenant.skus}


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    seats=st.integers(0, 4),
    steps=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["direct", "group", "none"]), st.sampled_from([E3, F3])),
        max_size=12,
    ),
)
def test_consumed_units_equal_the_number_of_licensed_users(seats: int, steps: list[tuple[int, str, str]]) -> None:
    tenant = load(
        {
            "tenantId": "11111111-2222-4333-8444-555555555555",
            "subscribedSkus": [
                {"skuPartNumber": "SPE_E3", "enabled": seats},
                {"skuPartNumber": "SPE_F1", "enabled": seats},
            ],
            "users": [{"userPrincipalName": f"u{number}@contoso.example"} for number in range(4)],
            "groups": [{"displayName": "G", "members": [f"u{number}@contoso.example" for number in range(4)]}],
        }
    )
    group = next(iter(tenant.groups.values()))
    for position, operation, sku_id in steps:
        if operation == "group":
            group.document["assignedLicenses"] = [{"skuId": sku_id, "disabledPlans": []}]
            reprocess(tenant, position, [group])
        else:
            recompute(tenant, position, [state(sku_id)] if operation == "direct" else [])
        assert {str(sku["skuId"]): sku["consumedUnits"] for sku in tenant.skus} == count_seats(tenant)
