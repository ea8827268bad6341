"""Tests answers that deviate from Graph's: which are accepted, and which are reported instead of guessed."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from auditor.domain.enums import Source
from auditor.domain.errors import GraphError
from tests.builders.tenant.collection import PEOPLE
from tests.builders.tenant.other_graphs import COUNT, SKU, Accent, collected_from, person, served, sku

pytestmark = pytest.mark.slow


def link_first(document: dict[str, Any]) -> bytes:
    """Return a page with the next link before the rows and with unrequested properties."""
    more: dict[str, Any] = {
        "@odata.context": "x",
        "@odata.count": None,
        "@microsoft.graph.tips": "use $select",
        "unknown": [{"a": {}}],
    }
    rows = [
        {**row, "@odata.type": "#x", "later": {"than": [1]}} if isinstance(row, dict) else row
        for row in document["value"]
    ]
    link = {key: value for key, value in document.items() if key != "value"}
    return json.dumps({**link, **more, "value": rows}).encode()


def link_null(document: dict[str, Any]) -> bytes:
    return json.dumps({"@odata.nextLink": None, **document}).encode()


ACCEPTED: dict[str, Accent] = {
    "as Graph": Accent(),
    "HTTP/1.0, a connection each": Accent(protocol="HTTP/1.0"),
    "HTTP/1.0 without a length": Accent(protocol="HTTP/1.0", framing="close"),
    "closes after each answer": Accent(framing="close"),
    "chunked": Accent(framing="chunked"),
    "headers in capitals": Accent(headers={"CONTENT-TYPE": "APPLICATION/JSON", "DATE": "yesterday"}),
    "no type of content": Accent(headers={}),
    "another type of content": Accent(headers={"content-type": "text/plain; charset=iso-8859-1"}),
    "indented, with CRLF": Accent(dress=lambda document: json.dumps(document, indent=2).replace("\n", "\r\n").encode()),
    "a byte order mark": Accent(dress=lambda document: b"\xef\xbb\xbf" + json.dumps(document).encode()),
    "deflate": Accent(
        headers={"content-encoding": "deflate"}, dress=lambda document: zlib.compress(json.dumps(document).encode())
    ),
    "gzip": Accent(
        headers={"Content-Encoding": "gzip"}, dress=lambda document: gzip.compress(json.dumps(document).encode())
    ),
    "link first, unknown keys": Accent(dress=link_first),
    "a link that is null at the end": Accent(dress=link_null),
    "links in another order": Accent(link=lambda root, token: f"{root}/users?$top=3&$skiptoken={token}&$select=id,x"),
    "links with encoded names": Accent(link=lambda root, token: f"{root}/users?%24skiptoken={token}&%24top=3"),
    "links by the other name of this machine": Accent(
        link=lambda root, token: f"{root.replace('127.0.0.1', 'localhost')}/users?$skiptoken={token}"
    ),
    "no count": Accent(count=(404, b"{}")),
    "a count that is not allowed": Accent(count=(405, b"")),
    "a quoted count": Accent(count=(200, b'"7"')),
    "a count with a mark and a line": Accent(count=(200, b"\xef\xbb\xbf7\r\n")),
    "ids in capitals": Accent(
        people=[{**person(number), "id": person(number)["id"].upper()} for number in range(COUNT)]
    ),
    "users twice": Accent(people=[*map(person, range(COUNT)), *map(person, range(3))]),
    "numbers with a point": Accent(skus=[sku(consumedUnits=7.0)]),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_deviating_answers_are_accepted(name: str) -> None:
    snapshot = collected_from(ACCEPTED[name])
    assert snapshot.manifest.complete, [source.reason for source in snapshot.manifest.sources]
    assert sorted(snapshot.users()) == [f"user{number}@contoso.example" for number in range(COUNT)]
    assert snapshot.tables["assignments"].num_rows == COUNT
    assert snapshot.tables["products"].to_pylist()[0]["consumed"] == COUNT


def first_answer(
    status: int, headers: dict[str, str], body: bytes
) -> Callable[[str], tuple[int, dict[str, str], bytes] | None]:
    """Return a handler that gives this answer to the first request for users."""
    pending = [1]

    def first(path: str) -> tuple[int, dict[str, str], bytes] | None:
        if "/users?" in path and pending:
            pending.clear()
            return status, headers, body
        return None

    return first


@pytest.mark.parametrize(
    ("headers", "minimum", "maximum"),
    [
        ({"RETRY-AFTER": "3"}, 3, 3),
        ({"retry-after": " 2.5 "}, 2.5, 2.5),
        ({"Retry-After": "Sat, 21 Nov 2026 02:17:09 GMT", "Date": "Sat, 21 Nov 2026 02:17:00 GMT"}, 9, 9),
        ({"Retry-After": "soon"}, 0.1, 2),
        ({"Retry-After": "-5"}, 0.1, 2),
        ({"Retry-After": "nan"}, 0.1, 2),
        ({"Retry-After": "0"}, 0.1, 2),
        ({"Retry-After": "0.001"}, 0.1, 2),
        ({"Retry-After": "Sat, 21 Nov 2026 02:17:00 GMT", "Date": "Sat, 21 Nov 2026 02:17:09 GMT"}, 0.1, 2),
        ({}, 0.1, 2),
    ],
)
def test_every_form_of_retry_after(headers: dict[str, str], minimum: float, maximum: float) -> None:
    snapshot = collected_from(Accent(first=first_answer(429, headers, b"")), PEOPLE)
    assert snapshot.manifest.complete
    assert any(minimum <= seconds <= maximum for seconds in snapshot.time.slept), snapshot.time.slept


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"code": "serviceNotAvailable", "message": "try again"}}',
        b'{"error": "unauthorized_client"}',
        b"{}",
        b"[]",
        b"null",
        b'"text"',
        b'{"value": null}',
        b'{"value": {}}',
        b'{"value": [], "@odata.nextLink": 7}',
        b'{"value": [{"id": "a"}',
        b"",
        b"   ",
        b"\x00\xff\xfe",
        b"[" * 300_000,
        b'{"value": ' + b"[" * 300_000,
    ],
)
def test_request_is_repeated_if_a_200_answer_is_no_page(body: bytes) -> None:
    accent = Accent(first=first_answer(200, {}, body))
    snapshot = collected_from(accent, PEOPLE)
    assert snapshot.manifest.complete
    assert sorted(snapshot.users()) == [f"user{number}@contoso.example" for number in range(COUNT)]


def test_error_object_with_status_200_is_reported() -> None:
    body = b'{"error": {"code": "generalException", "message": "the cupboard is bare"}}'
    accent = Accent(first=lambda path: (200, {}, body) if "/users" in path else None)
    snapshot = collected_from(accent)
    assert snapshot.status(Source.USERS) == "unavailable"
    assert "generalException: the cupboard is bare" in snapshot.reason(Source.USERS)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    accent = Accent()
    with served(accent) as elsewhere:
        redirecting = Accent(
            first=lambda path: (status, {"Location": elsewhere + "/users"}, b"") if "/users" in path else None
        )
        snapshot = collected_from(redirecting)
    assert snapshot.status(Source.USERS) == "unavailable"
    assert "redirect" in snapshot.reason(Source.USERS)
    assert not accent.asked


def test_html_answers_are_an_error() -> None:
    page = b"<!DOCTYPE html><title>Sign in to the network</title>"
    with pytest.raises(GraphError, match="not from Microsoft Graph"):
        collected_from(Accent(first=lambda path: (200, {"Content-Type": "text/html"}, page)))  # noqa: ARG005


HOSTILE: dict[str, Accent] = {
    "half a surrogate pair in names": Accent(
        skus=[sku(skuPartNumber="\ud800", skuId=SKU)],
        groups=[
            {
                "id": "00000000-0000-4000-8000-00000000aaaa",
                "displayName": "\udfff",
                "assignedLicenses": [{"skuId": SKU}],
            }
        ],
    ),
    "half a surrogate pair in ids": Accent(skus=[sku(), {**sku(), "skuId": "\ud800"}]),
    "seats of every kind": Accent(
        skus=[
            sku(),
            {**sku(prepaidUnits={"enabled": -5, "warning": None}), "skuId": "a"},
            {**sku(prepaidUnits=None, consumedUnits=None), "skuId": "b"},
            {**sku(prepaidUnits=[], servicePlans={}, subscriptionIds="x"), "skuId": "c"},
            {"skuId": "d"},
        ]
    ),
    "entries that are no objects": Accent(groups=[{"id": None}, {"id": 7}, {"displayName": "nameless"}]),
    "service plans of every kind": Accent(
        skus=[sku(servicePlans=[None, 7, {}, {"servicePlanId": None}, {"servicePlanId": "p", "provisioningStatus": 1}])]
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_do_not_fail_the_collection(name: str) -> None:
    snapshot = collected_from(HOSTILE[name])
    assert snapshot.status(Source.USERS) == "complete"
    assert snapshot.status(Source.SUBSCRIBED_SKUS) == "complete"
    assert snapshot.tables["products"].num_rows == len(HOSTILE[name].skus)


def test_negative_seats_are_kept_and_invalid_numbers_are_reported() -> None:
    accent = Accent(
        skus=[
            {**sku(prepaidUnits={"enabled": -5}), "skuId": "a"},
            {**sku(consumedUnits="7"), "skuId": "b"},
            {**sku(prepaidUnits={"enabled": "10"}), "skuId": "c"},
            {**sku(prepaidUnits={"enabled": True}), "skuId": "d"},
            {**sku(prepaidUnits={"enabled": 1.5}), "skuId": "e"},
            {**sku(prepaidUnits={"enabled": 1e300}), "skuId": "f"},
        ]
    )
    snapshot = collected_from(accent)
    rows = {row["skuId"]: row for row in snapshot.tables["products"].to_pylist()}
    assert rows["a"]["enabled"] == -5
    assert rows["b"]["consumed"] is None
    assert [rows[name]["enabled"] for name in "cdef"] == [None] * 4
    assert snapshot.status(Source.SUBSCRIBED_SKUS) == "partial"
    assert snapshot.reason(Source.SUBSCRIBED_SKUS).endswith("invalid numbers of seats: 5")


@pytest.mark.parametrize("source", [Source.SUBSCRIBED_SKUS, Source.SUBSCRIPTIONS, Source.GROUPS])
@pytest.mark.parametrize("valid_count", [0, 1])
def test_objects_without_an_id_are_reported(source: Source, valid_count: int) -> None:
    key = "skuId" if source is Source.SUBSCRIBED_SKUS else "id"
    rows = [{key: SKU, "assignedLicenses": [{"skuId": SKU}]}] * valid_count + [
        {"displayName": "nameless"},
        {key: None},
        {key: 7},
    ]
    accent = Accent()
    setattr(accent, {"subscribedSkus": "skus"}.get(source.value, source.value), rows)
    snapshot = collected_from(accent)
    assert snapshot.status(source) == ("partial" if valid_count else "unavailable")
    assert snapshot.reason(source) == f"objects without {key}: 3; report it to Microsoft"


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("0001-01-01T00:00:00Z", True),
        ("0001-01-01T00:00:00+14:00", True),
        ("", True),
        (None, True),
        ("9999-12-31T23:59:59Z", True),
        ("9999-12-31T23:59:59-14:00", False),
        ("12026-01-01T00:00:00Z", False),
        ("yesterday", False),
    ],
)
def test_dates_outside_the_range_are_reported(text: str | None, *, is_valid: bool) -> None:
    accent = Accent(
        subscriptions=[{"id": "s", "nextLifecycleDateTime": text}],
        people=[{**person(number), "createdDateTime": text if number == 3 else None} for number in range(COUNT)],
    )
    snapshot = collected_from(accent)
    assert snapshot.status(Source.SUBSCRIPTIONS) == ("complete" if is_valid else "partial")
    row = snapshot.users()["user3@contoso.example"]
    assert row["notCollected"] == (None if is_valid else ["createdDateTime"])


def test_unknown_enum_values_are_kept_and_missing_properties_marked() -> None:
    accent = Accent(
        people=[{"id": f"0{number}", "userPrincipalName": f"u{number}", "userType": None} for number in range(COUNT)],
        skus=[{"skuId": SKU, "capabilityStatus": "Paused", "appliesTo": "Robot", "prepaidUnits": {"enabled": 1}}],
    )
    snapshot = collected_from(accent)
    for row in snapshot.users().values():
        assert row["userType"] is None
        # These properties were not returned at all, so null does not mean that they are not set.
        assert {"accountEnabled", "assignedLicenses", "licenseAssignmentStates", "userType"} <= set(row["notCollected"])
    product = snapshot.tables["products"].to_pylist()[0]
    assert (product["capabilityStatus"], product["appliesTo"], product["lockedOut"]) == ("Paused", "Robot", None)
