"""Batches carry out each item on its own; delta passes end with a link."""

from typing import Any

import pytest

from tests.emulator.server import Emulator


def send(emulator: Emulator, client: Any, *items: dict[str, Any]) -> dict[str, dict[str, Any]]:
    answered = client(emulator, "/$batch", method="POST", json={"requests": list(items)})
    assert answered.status_code == 200, answered.text
    return {row["id"]: row for row in answered.json()["responses"]}


def get(identifier: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "method": "GET", "url": url} | more


def test_items_have_their_own_status_and_headers(shared: Emulator, client: Any) -> None:
    rows = send(
        shared, client,
        get("a", "/users/ann@contoso.example?$select=id"), get("b", "users/nobody"), get("c", "/users/$count", headers={"ConsistencyLevel": "eventual"}),
        get("d", "/users/$count"), get("e", "/users/info@contoso.example/mailboxSettings/userPurpose"),
    )  # fmt: skip
    assert [rows[key]["status"] for key in "abcde"] == [200, 404, 200, 400, 200]
    assert rows["a"]["headers"]["x-ms-resource-unit"] == "1"
    assert rows["b"]["body"]["error"]["code"] == "Request_ResourceNotFound"
    assert rows["e"]["body"]["value"] == "shared"


def test_answers_do_not_come_in_order(shared: Emulator, client: Any) -> None:
    answered = client(
        shared, "/$batch", method="POST", json={"requests": [get(str(n), "/organization") for n in range(3)]}
    )
    assert [row["id"] for row in answered.json()["responses"]] == ["2", "1", "0"]


def test_each_item_is_throttled_by_itself_and_dependants_fail(emulator: Emulator, client: Any) -> None:
    emulator.faults.add("throttled", path="/users/*", first=2, retry_after="7")
    rows = send(
        emulator, client,
        get("1", "/users/ann@contoso.example"), get("2", "/users/bram@contoso.example"), get("3", "/users/cem@contoso.example"),
        get("4", "/organization", dependsOn=["2"]), get("5", "/organization", dependsOn=["1"]),
    )  # fmt: skip
    assert [rows[key]["status"] for key in "12345"] == [200, 429, 200, 424, 200]
    assert rows["2"]["headers"]["Retry-After"] == "7"


def test_the_journal_knows_the_items(emulator: Emulator, client: Any) -> None:
    send(emulator, client, get("1", "/users/ann@contoso.example?$select=id"), get("2", "/organization"))
    inside = [record.path for record in emulator.journal.of() if record.batched]
    assert inside == ["/users/ann@contoso.example", "/organization"]
    assert emulator.journal.of("/users/*")[0].select == ("id",)
    assert emulator.journal.writes() == []


def test_a_write_inside_a_batch_is_a_write(emulator: Emulator, client: Any) -> None:
    send(emulator, client, {"id": "1", "method": "POST", "url": "/users/ann@contoso.example/assignLicense", "body": {}})
    assert [record.path for record in emulator.journal.writes()] == ["/users/ann@contoso.example/assignLicense"]


@pytest.mark.parametrize(
    "payload",
    [
        {}, {"requests": []}, {"requests": [get("a", "/x"), get("A", "/x")]}, {"requests": [{"id": "1"}]},
        {"requests": [get(str(number), "/organization") for number in range(21)]},
    ],
)  # fmt: skip
def test_malformed_batches_are_refused(shared: Emulator, client: Any, payload: dict[str, Any]) -> None:
    assert client(shared, "/$batch", method="POST", json=payload).status_code == 400


def test_delta_passes_and_then_tells_removals(seeded_emulator: Emulator, client: Any) -> None:
    first = client(seeded_emulator, "/users/delta?$select=displayName").json()
    assert len(first["value"]) == 200
    assert set(first["value"][0]) == {"displayName", "id"}
    last = client(seeded_emulator, first["@odata.nextLink"]).json()
    assert len(last["value"]) == 50
    seeded_emulator.tenants["contoso"].removed.append("gone")
    news = client(seeded_emulator, last["@odata.deltaLink"]).json()
    assert news["value"] == [{"id": "gone", "@removed": {"reason": "changed"}}]
    assert client(seeded_emulator, "/users/delta()?$deltatoken=latest").json()["value"] == []
    assert client(seeded_emulator, "/users/delta?$top=5").status_code == 400
    assert client(seeded_emulator, "/users/delta?$deltatoken=forged").status_code == 400
