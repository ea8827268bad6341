"""Tests generated tenants: reproducible, with correct seat counts, and computed only when read."""

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


@pytest.mark.slow
def test_generate_is_reproducible_and_depends_on_the_seed() -> None:
    first, second, other_seed = seeded.generate(300), seeded.generate(300), seeded.generate(300, seed=2)
    assert json.dumps(documents(first)) == json.dumps(documents(second))
    assert {row["id"] for row in documents(first)}.isdisjoint(row["id"] for row in documents(other_seed))


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1300))
def test_consumed_units_equal_the_number_of_licensed_users(count: int) -> None:
    tenant = seeded.generate(count)
    consumed = {row["skuPartNumber"]: row["consumedUnits"] for row in tenant.skus}
    tenant.count_seats()
    assert consumed == {row["skuPartNumber"]: row["consumedUnits"] for row in tenant.skus}


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3000), st.data())
def test_users_are_found_by_id_and_by_principal_name(count: int, data: st.DataObject) -> None:
    people = seeded.generate(count).people
    position = data.draw(st.integers(0, count - 1))
    for key in ("id", "userPrincipalName"):
        assert people.find(str(people.value(position, key)).upper()) == position
    larger = seeded.generate(count + 1).people
    assert people.find(str(larger.value(count, "id"))) is None
    assert people.find(str(larger.value(count, "userPrincipalName"))) is None


def test_group_members_have_an_assignment_state_for_each_group_licence() -> None:
    tenant = seeded.generate(700)
    for group in tenant.groups.values():
        for licence in group.document.get("assignedLicenses", ()):
            for member in group.members:
                position = tenant.people.find(member)
                assert position is not None
                rows = tenant.people.value(position, "licenseAssignmentStates")
                assert any(row["assignedByGroup"] == group.id and row["skuId"] == licence["skuId"] for row in rows)


def test_generated_users_include_hostile_names() -> None:
    names = {row["displayName"] for row in documents(seeded.generate(20))}
    assert set(seeded.HOSTILE_NAMES.values()) <= names


def test_changes_to_generated_users_are_kept() -> None:
    people = seeded.generate(100).people
    people.replace(4, {"displayName": "Zoë"})
    assert people.value(4, "displayName") == "Zoë"
    assert people.document(4, ("displayName", "id"))["displayName"] == "Zoë"


@pytest.mark.slow
def test_a_million_users_are_served_without_generating_all(client: Any) -> None:
    with running_emulator([seeded.generate(1_000_000)]) as running:
        path = "/users?$select=id,userPrincipalName,assignedLicenses,licenseAssignmentStates,accountEnabled&$top=999"
        page = client(running, path).json()
        assert len(page["value"]) == 999
        last = running.tenants["contoso"].people.value(999_999, "id")
        assert client(running, f"/users/{last}").status_code == 200


def test_load_tenant_from_json() -> None:
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
