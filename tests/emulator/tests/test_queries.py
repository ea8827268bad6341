"""Tests queries on users and groups, including those that Graph refuses."""

import contextlib
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.odata import filters, query
from tests.emulator.server import Emulator
from tests.emulator.wire import GraphError

EVENTUAL = {"ConsistencyLevel": "eventual"}
ANN = "ann@contoso.example"


def names(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [row["userPrincipalName"].split("@")[0] for row in response.json()["value"]]


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_users_without_select_have_eleven_properties(shared: Emulator, client: Any) -> None:
    row = client(shared, "/users").json()["value"][0]
    assert sorted(row) == sorted(query.USER_DEFAULTS)
    assert len(row) == 11


def test_select_ignores_letter_case_and_returns_empty_values(shared: Emulator, client: Any) -> None:
    row = client(shared, f"/users/{ANN}?$select=ID,assignedlicenses,assignedPlans,city").json()
    assert {name for name in row if not name.startswith("@")} == {"id", "assignedLicenses", "assignedPlans", "city"}
    assert row["assignedPlans"] == []
    assert row["city"] is None
    assert row["@odata.context"].endswith("$metadata#users(id,assignedLicenses,assignedPlans,city)/$entity")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("startswith(userPrincipalName,'A')", ["ann"]),
        ("startswith(displayName,'b') and accountEnabled eq true", []),
        ("accountEnabled eq false", ["bram", "info"]),
        ("department eq 'store'", ["cem"]),
        ("accountEnabled eq true and usageLocation eq null", ["dora"]),
        ("createdDateTime ge 2024-01-01T00:00:00Z", []),
        ("userPrincipalName ge 'b' and userPrincipalName lt 'd'", ["bram", "cem"]),
        ("userPrincipalName gt 'c' and userPrincipalName le 'dz'", ["cem", "dora"]),
    ],
)
def test_simple_filters_need_no_header(shared: Emulator, client: Any, text: str, expected: list[str]) -> None:
    assert names(client(shared, "/users", params={"$filter": text})) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("assignedLicenses/$count ne 0", ["ann", "bram", "cem"]),
        ("assignedLicenses/$count eq 0", ["dora", "info"]),
        ("department ne 'Store'", ["ann", "bram", "dora", "info"]),
    ],
)
def test_advanced_filters_need_header_and_count(shared: Emulator, client: Any, text: str, expected: list[str]) -> None:
    params = {"$filter": text}
    assert code(client(shared, "/users", params=params)) == (400, "Request_UnsupportedQuery")
    assert code(client(shared, "/users", params=params, headers=EVENTUAL)) == (400, "Request_UnsupportedQuery")
    assert code(client(shared, "/users", params=params | {"$count": "true"})) == (400, "Request_UnsupportedQuery")
    response = client(shared, "/users", params=params | {"$count": "true"}, headers=EVENTUAL)
    assert names(response) == expected
    assert response.json()["@odata.count"] == len(expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("params", "status", "error"),
    [
        ({"$select": "skuId"}, 400, "BadRequest"),
        ({"$select": "id,"}, 400, "BadRequest"),
        ({"$select": "id,mailboxSettings"}, 501, "NotImplemented"),
        ({"$filter": "nonsense eq 1"}, 400, "BadRequest"),
        ({"$filter": "licenseAssignmentStates eq null"}, 400, "Request_UnsupportedQuery"),
        ({"$filter": "startswith(userPrincipalName"}, 400, "BadRequest"),
        ({"$filter": "accountEnabled eq true trailing"}, 400, "BadRequest"),
        ({"$filter": "accountEnabled like true"}, 400, "BadRequest"),
        ({"$filter": ""}, 400, "BadRequest"),
        ({"$top": "0"}, 400, "Request_UnsupportedQuery"),
        ({"$top": "1000"}, 400, "Request_UnsupportedQuery"),
        ({"$top": "many"}, 400, "BadRequest"),
        ({"$skip": "5"}, 400, "Request_BadRequest"),
        ({"$apply": "x"}, 400, "BadRequest"),
        ({"$skiptoken": "forged"}, 400, "Directory_InvalidPageToken"),
    ],
)
def test_unsupported_queries_are_refused(
    shared: Emulator, client: Any, params: dict[str, str], status: int, error: str
) -> None:
    assert code(client(shared, "/users", params=params)) == (status, error)


def test_count_segment_needs_header_and_plain_text(shared: Emulator, client: Any) -> None:
    assert code(client(shared, "/users/$count")) == (400, "Request_BadRequest")
    assert client(shared, "/users/$count", headers=EVENTUAL).text == "5"
    filtered = client(shared, "/users/$count?$filter=accountEnabled eq false", headers=EVENTUAL)
    assert filtered.text == "2"
    json_only = client(shared, "/users/$count", headers=EVENTUAL | {"Accept": "application/json"})
    assert json_only.status_code == 415


def read_all(running: Emulator, client: Any, path: str, **more: Any) -> tuple[list[dict[str, Any]], list[int]]:
    rows: list[dict[str, Any]] = []
    sizes: list[int] = []
    link: str | None = path
    while link:
        page = client(running, link, **more).json()
        rows += page["value"]
        sizes.append(len(page["value"]))
        link = page.get("@odata.nextLink")
    return rows, sizes


def test_paging_returns_everyone_once_and_keeps_the_parameters(seeded_emulator: Emulator, client: Any) -> None:
    rows, sizes = read_all(seeded_emulator, client, "/users?$select=id,userPrincipalName&$top=99")
    assert sizes == [99, 99, 52]
    assert len({row["id"] for row in rows}) == 250
    assert all(set(row) == {"id", "userPrincipalName"} for row in rows)
    assert read_all(seeded_emulator, client, "/users")[1] == [100, 100, 50]
    filtered, _ = read_all(seeded_emulator, client, "/users?$filter=startswith(userPrincipalName,'a')&$top=7")
    assert all(row["userPrincipalName"].startswith("a") for row in filtered)
    assert len(filtered) > 7


@pytest.mark.slow
def test_pages_with_sign_in_activity_have_at_most_500_users(client: Any) -> None:
    from tests.emulator.fixtures import running_emulator  # noqa: PLC0415
    from tests.emulator.tenant import seeded  # noqa: PLC0415

    with running_emulator([seeded.generate(1200)]) as running:
        assert read_all(running, client, "/users?$select=id,signInActivity&$top=999")[1] == [500, 500, 200]
        assert read_all(running, client, "/users?$select=id&$top=999")[1] == [999, 201]


def test_count_is_on_the_first_page_only_and_needs_the_header(seeded_emulator: Emulator, client: Any) -> None:
    first = client(seeded_emulator, "/users?$count=true&$top=200", headers=EVENTUAL).json()
    assert first["@odata.count"] == 250
    second = client(seeded_emulator, first["@odata.nextLink"], headers=EVENTUAL).json()
    assert "@odata.count" not in second
    assert "@odata.count" not in client(seeded_emulator, "/users?$count=true").json()


def test_sign_in_activity_is_omitted_for_users_who_never_signed_in(seeded_emulator: Emulator, client: Any) -> None:
    rows, _ = read_all(seeded_emulator, client, "/users?$select=id,signInActivity&$top=500")
    absent = [number for number, row in enumerate(rows) if "signInActivity" not in row]
    assert absent[:3] == [18, 38, 39]


def test_sign_in_activity_is_refused_by_upn_and_returned_by_id(seeded_emulator: Emulator, client: Any) -> None:
    people = seeded_emulator.tenants["contoso"].people
    by_name = client(seeded_emulator, f"/users/{people.value(0, 'userPrincipalName')}?$select=signInActivity")
    assert code(by_name) == (400, "BadRequest")
    by_id = client(seeded_emulator, f"/users/{people.value(0, 'id')}?$select=signInActivity")
    assert by_id.json()["signInActivity"]["lastSignInDateTime"].endswith("Z")


def test_group_filters(seeded_emulator: Emulator, client: Any) -> None:
    by_name = client(
        seeded_emulator, "/groups?$filter=displayName eq 'LIC-E3'&$select=id,displayName,assignedLicenses"
    ).json()
    [group] = by_name["value"]
    assert group["assignedLicenses"][0]["skuId"] == "05e9a617-0261-4cee-bb44-138d3ef5d965"
    failing = client(seeded_emulator, "/groups?$filter=hasMembersWithLicenseErrors eq true&$select=id").json()["value"]
    assert failing == [{"id": group["id"]}]
    licensed = client(
        seeded_emulator, "/groups?$filter=assignedLicenses/$count ne 0&$count=true", headers=EVENTUAL
    ).json()
    assert [row["displayName"] for row in licensed["value"]] == ["LIC-E3", "LIC-E5", "LIC-F3"]
    assert "hasMembersWithLicenseErrors" not in client(seeded_emulator, f"/groups/{group['id']}").json()


def test_direct_and_transitive_members(shared: Emulator, client: Any) -> None:
    everyone = next(
        group for group in shared.tenants["contoso"].groups.values() if group.document["displayName"] == "Everyone"
    )
    direct = client(shared, f"/groups/{everyone.id}/members?$select=id,displayName,groupTypes").json()["value"]
    assert [row["@odata.type"] for row in direct] == ["#microsoft.graph.group", "#microsoft.graph.user"]
    assert "groupTypes" in direct[0]
    assert "groupTypes" not in direct[1]
    all_levels = client(shared, f"/groups/{everyone.id}/transitiveMembers").json()["value"]
    assert [row["displayName"] for row in all_levels] == ["Stores", "Ann", "Cem", "Dora"]
    nested = client(shared, f"/groups/{everyone.id}/members/microsoft.graph.group?$count=true", headers=EVENTUAL).json()
    assert (names_of(nested), nested["@odata.count"]) == (["Stores"], 1)
    groups = client(shared, "/users/cem@contoso.example/memberOf").json()
    assert names_of(groups) == ["Stores"]


def names_of(page: dict[str, Any]) -> list[str]:
    return [row["displayName"] for row in page["value"]]


def test_transitive_members_of_a_cycle(emulator: Emulator, client: Any) -> None:
    stores, everyone = emulator.tenants["contoso"].groups.values()
    stores.members = [*stores.members, everyone.id]
    page = client(emulator, f"/groups/{stores.id}/transitiveMembers").json()
    assert sorted(names_of(page)) == ["Ann", "Cem", "Dora", "Everyone"]


def test_resource_unit_header(shared: Emulator, client: Any) -> None:
    def cost(path: str) -> str:
        return str(client(shared, path).headers["x-ms-resource-unit"])

    stores = next(iter(shared.tenants["contoso"].groups))
    assert cost("/subscribedSkus") == "3"
    assert cost("/users") == "2"
    assert cost("/users?$select=id") == "1"
    assert cost("/users?$select=id&$top=5") == "1"
    assert cost(f"/groups/{stores}/transitiveMembers") == "5"
    assert cost(f"/groups/{stores}/transitiveMembers?$select=id&$top=5") == "3"


def test_headers_of_every_answer(shared: Emulator, client: Any) -> None:
    for path in ("/users", "/users/nobody"):
        headers = client(shared, path, headers={"client-request-id": "mine"}).headers
        assert headers["client-request-id"] == "mine"
        assert headers["request-id"]
        assert "ServerInfo" in headers["x-ms-ags-diagnostic"]
        assert headers["content-type"].startswith("application/json;odata.metadata=minimal")
        assert headers["odata-version"] == "4.0"


def test_gzip_only_if_accepted(seeded_emulator: Emulator, client: Any) -> None:
    compressed = client(seeded_emulator, "/users", headers={"Accept-Encoding": "gzip"})
    plain = client(seeded_emulator, "/users", headers={"Accept-Encoding": "identity"})
    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert compressed.json() == plain.json()


def test_unknown_segment_and_method(shared: Emulator, client: Any) -> None:
    assert code(client(shared, "/nonsense")) == (400, "BadRequest")
    assert client(shared, "/users", method="DELETE").status_code == 405


@given(st.text(max_size=40))
def test_filters_are_parsed_or_raise_graph_error(text: str) -> None:
    with contextlib.suppress(GraphError):  # any other exception fails the test
        assert isinstance(filters.parse(text).matches(lambda _: None), bool)


@given(st.text(alphabet="ab'x ", max_size=6), st.text(alphabet="ab'x ", max_size=6))
def test_doubled_quotes_in_filter_literals(value: str, operand: str) -> None:
    quoted = operand.replace("'", "''")
    assert filters.parse(f"displayName eq '{quoted}'").matches(lambda _: value) == (value == operand)
    assert filters.parse(f"startswith(displayName,'{quoted}')").matches(lambda _: value) == value.startswith(operand)
