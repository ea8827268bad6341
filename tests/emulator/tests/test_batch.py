"""Tests $batch."""

from typing import Any

import pytest

from tests.emulator.server import Emulator


def send(emulator: Emulator, client: Any, *items: dict[str, Any]) -> dict[str, dict[str, Any]]:
    response = client(emulator, "/$batch", method="POST", json={"requests": list(items)})
    assert response.status_code == 200, response.text
    return {row["id"]: row for row in response.json()["responses"]}


def get(identifier: str, url: str, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "method": "GET", "url": url} | more


def test_batch_items_have_separate_status_and_headers(shared: Emulator, client: Any) -> None:
    rows = send(
        shared, client,
        get("a", "/users/ann@contoso.example?$select=id"), get("b", "users/nobody"), get("c", "/users/$count", headers={"ConsistencyLevel": "eventual"}),
        get("d", "/users/$count"), get("e", "/users/info@contoso.example/mailboxSettings?$select=userPurpose"),
    )  # fmt: skip
    assert [rows[key]["status"] for key in "abcde"] == [200, 404, 200, 400, 200]
    assert rows["a"]["headers"]["x-ms-resource-unit"] == "1"
    assert rows["b"]["body"]["error"]["code"] == "Request_ResourceNotFound"
    assert rows["e"]["body"]["userPurpose"] == "shared"


def test_batch_responses_are_not_in_request_order(shared: Emulator, client: Any) -> None:
    response = client(
        shared, "/$batch", method="POST", json={"requests": [get(str(n), "/organization") for n in range(3)]}
    )
    assert [row["id"] for row in response.json()["responses"]] == ["2", "1", "0"]


def test_batch_items_are_throttled_separately_and_dependants_get_424(emulator: Emulator, client: Any) -> None:
    emulator.faults.add("throttled", path="/users/*", first=2, retry_after="7")
    rows = send(
        emulator, client,
        get("1", "/users/ann@contoso.example"), get("2", "/users/bram@contoso.example"), get("3", "/users/cem@contoso.example"),
        get("4", "/organization", dependsOn=["2"]), get("5", "/organization", dependsOn=["1"]),
    )  # fmt: skip
    assert [rows[key]["status"] for key in "12345"] == [200, 429, 200, 424, 200]
    assert rows["2"]["headers"]["Retry-After"] == "7"


def test_journal_records_batch_items(emulator: Emulator, client: Any) -> None:
    send(emulator, client, get("1", "/users/ann@contoso.example?$select=id"), get("2", "/organization"))
    paths = [record.path for record in emulator.journal.of() if record.batched]
    assert paths == ["/users/ann@contoso.example", "/organization"]
    assert emulator.journal.of("/users/*")[0].select == ("id",)
    assert emulator.journal.writes() == []


def test_write_inside_a_batch_is_recorded_as_write(emulator: Emulator, client: Any) -> None:
    send(emulator, client, {"id": "1", "method": "POST", "url": "/users/ann@contoso.example/assignLicense", "body": {}})
    assert [record.path for record in emulator.journal.writes()] == ["/users/ann@contoso.example/assignLicense"]


@pytest.mark.parametrize(
    "payload",
    [
        {}, {"requests": []}, {"requests": [get("a", "/x"), get("A", "/x")]}, {"requests": [{"id": "1"}]},
        {"requests": [get(str(number), "/organization") for number in range(21)]},
    ],
)  # fmt: skip
def test_malformed_batches_get_400(shared: Emulator, client: Any, payload: dict[str, Any]) -> None:
    assert client(shared, "/$batch", method="POST", json=payload).status_code == 400
