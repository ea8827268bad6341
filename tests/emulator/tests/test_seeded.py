"""Generated tenants are the same every time, count their seats truly and cost nothing until they are read."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.fixtures import running_emulator
from tests.emulator.odata.query import USER_MAILBOX, USER_NAMES
from tests.emulator.tenant import seeded
from tests.emulator.tenant.directory import Tenant, load, stable_id

NAMES = tuple(sorted(USER_NAMES - USER_MAILBOX))


def documents(tenant: Tenant) -> list[dict[str, Any]]:
    return [tenant.people.document(position, NAMES) for position in range(len(tenant.people))]


def test_equal_arguments_give_equal_tenants_and_another_seed_others() -> None:
    one, same, other = seeded.generate(300), seeded.generate(300), seeded.generate(300, seed=2)
    assert json.dumps(documents(one)) == json.dumps(documents(same))
    assert {row["id"] for row in documents(one)}.isdisjoint(row["id"] for row in documents(other))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1300))
def test_consumed_units_are_the_people_who_hold(count: int) -> None:
    tenant = seeded.generate(count)
    consumed = {row["skuPartNumber"]: row["consumedUnits"] for row in tenant.skus}
    tenant.count_seats()
    assert consumed == {row["skuPartNumber"]: row["consumedUnits"] for row in tenant.skus}


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3000), st.data())
def test_people_are_found_by_id_and_by_name(count: int, data: st.DataObject) -> None:
    people = seeded.generate(count).people
    position = data.draw(st.integers(0, count - 1))
    for key in ("id", "userPrincipalName"):
        assert people.find(str(people.value(position, key)).upper()) == position
    beyond = seeded.generate(count + 1).people
    assert people.find(str(beyond.value(count, "id"))) is None
    assert people.find(str(beyond.value(count, "userPrincipalName"))) is None


def test_group_members_hold_what_the_group_gives_or_have_an_error() -> None:
    tenant = seeded.generate(700)
    for group in tenant.groups.values():
        for licence in group.document.get("assignedLicenses", ()):
            for member in group.members:
                position = tenant.people.find(member)
                assert position is not None
                rows = tenant.people.value(position, "licenseAssignmentStates")
                assert any(row["assignedByGroup"] == group.id and row["skuId"] == licence["skuId"] for row in rows)


def test_hostile_names_are_among_them() -> None:
    shown = {row["displayName"] for row in documents(seeded.generate(20))}
    assert set(seeded.HOSTILE_NAMES.values()) <= shown


def test_a_change_to_a_generated_user_stays() -> None:
    people = seeded.generate(100).people
    people.replace(4, {"displayName": "Zoë"})
    assert people.value(4, "displayName") == "Zoë"
    assert people.document(4, ("displayName", "id"))["displayName"] == "Zoë"
    assert list(people.starting("displayName", "zo") or ()) == [4]


def test_a_million_users_are_there_without_being_made(client: Any) -> None:
    with running_emulator([seeded.generate(1_000_000)]) as running:
        path = "/users?$select=id,userPrincipalName,assignedLicenses,licenseAssignmentStates,accountEnabled&$top=999"
        page = client(running, path).json()
        assert len(page["value"]) == 999
        last = running.tenants["contoso"].people.value(999_999, "id")
        assert client(running, f"/users/{last}").status_code == 200


def test_a_tenant_from_json() -> None:
    tenant = load(
        {
            "name": "fabrikam", "tenantId": stable_id("x"), "domain": "fabrikam.example",
            "subscribedSkus": [
                {"skuPartNumber": "SPE_E3", "warning": 4},
                {"skuId": "11111111-2222-4333-8444-555555555555", "skuPartNumber": "NOVEL", "prepaidUnits": {"enabled": None}, "consumedUnits": 9},
            ],
            "users": [{"userPrincipalName": "a@fabrikam.example", "licenses": ["SPE_E3"], "department": None, "futureProperty": 1}],
            "groups": [{"displayName": "G", "members": ["a@fabrikam.example", "H"]}, {"displayName": "H"}],
            "apps": [{"clientId": "ABC", "secrets": ["s"], "roles": ["User.Read.All"], "federated": [{"subject": "repo:o/r:x"}]}],
        }
    )  # fmt: skip
    assert [row["consumedUnits"] for row in tenant.skus] == [1, 9]
    assert [row["id"] for row in tenant.skus] == [f"{tenant.tenant_id}_{row['skuId']}" for row in tenant.skus]
    assert [row["subscriptionIds"] for row in tenant.skus] == [[row["id"]] for row in tenant.subscriptions]
    group, nested = tenant.groups.values()
    assert group.members == [tenant.people.value(0, "id"), nested.id]
    app = tenant.app("abc")
    assert app is not None
    assert app.federated[0].issuer == "https://token.actions.githubusercontent.com"
    with pytest.raises(KeyError):
        load({"name": "no id"})
