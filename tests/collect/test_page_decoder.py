"""Tests that pages of users are decoded into columns, for any order, duplicates and invalid values."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.collect.shards import Shards
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.page_decoder import Decoder
from auditor.collect.tables.row_groups import row_groups
from auditor.collect.tables.timestamps import timestamps
from auditor.graph.client import NotGraphError
from auditor.graph.response_body import decode_count, decode_list_page
from auditor.snapshot.from_graph import assignment_rows, instant
from auditor.snapshot.schema import ASSIGNMENTS
from tests.emulator.odata.filters import parse

SELECT = ("accountEnabled", "assignedLicenses", "createdDateTime", "displayName", "id", "licenseAssignmentStates")
SKUS = st.sampled_from(["AAAAAAAA-0000-4000-8000-000000000001", "b", "c"])
PLANS = st.lists(st.sampled_from(["P1", "p2"]), max_size=2)
USER = st.fixed_dictionaries(
    {
        "accountEnabled": st.sampled_from([True, False, None]),
        "displayName": st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
        "createdDateTime": st.sampled_from([None, "", "0001-01-01T00:00:00Z", "2020-01-02T03:04:05.1234567Z"]),
        "assignedLicenses": st.lists(
            st.fixed_dictionaries({"skuId": SKUS, "disabledPlans": PLANS}),
            max_size=3,
            unique_by=lambda row: row["skuId"],
        ),
        "licenseAssignmentStates": st.lists(
            st.fixed_dictionaries(
                {
                    "skuId": SKUS,
                    "assignedByGroup": st.sampled_from([None, "g1"]),
                    "disabledPlans": PLANS,
                    "state": st.sampled_from(["Active", "Error", None]),
                    "error": st.sampled_from(["None", None, "CountViolation"]),
                    "lastUpdatedDateTime": st.sampled_from([None, "2024-05-06T07:08:09Z"]),
                }
            ),
            max_size=3,
        ),
    }
)


def body(rows: list[Any], link: str | None = None, *, indent: int | None = None) -> bytes:
    page: dict[str, Any] = {"@odata.context": "x", "value": rows}
    if link is not None:
        page["@odata.nextLink"] = link
    return json.dumps(page, indent=indent).encode()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.lists(USER, max_size=12),
    st.randoms(use_true_random=False),
    st.integers(1, 5),
    st.sampled_from([1, 600, 5_000, 1 << 20]),
    st.booleans(),
)
def test_decoded_columns_equal_the_rows(
    tmp_path_factory: pytest.TempPathFactory,
    users: list[dict[str, Any]],
    random: Any,
    size: int,
    limit: int,
    indented: bool,  # noqa: FBT001
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    people = [{**user, "id": f"{index:03}"} for index, user in enumerate(users)]
    shuffled = [*people, *random.sample(people, len(people) // 2)]
    random.shuffle(shuffled)
    decoder = Decoder(SELECT)
    spool = Spool(folder, "users", decoder.schema, limit=limit)
    for start in range(0, len(shuffled), size):
        spool.add(decoder(body(shuffled[start : start + size], indent=2 if indented else None)).rows)
    groups = list(row_groups(spool))
    rows = [row for batch, _ in groups for row in batch.to_pylist()]
    links = [row for _, batch in groups for row in batch.to_pylist()]
    assert [row["id"] for row in rows] == [user["id"] for user in people]
    assert spool.distinct() == len(people)
    for row, user in zip(rows, people, strict=True):
        assert row["accountEnabled"] == user["accountEnabled"]
        assert row["displayName"] == user["displayName"]
        assert row["createdDateTime"] == instant(_six_digits(user["createdDateTime"]))
        assert row["notCollected"] == _gaps(user)
    expected = [row for index, user in enumerate(people) for row in assignment_rows(index, user)]
    assert links == [{**dict.fromkeys(ASSIGNMENTS.names), **row} for row in expected]


def _gaps(user: dict[str, Any]) -> list[str] | None:
    """The properties whose values Graph does not document."""
    paths = user["licenseAssignmentStates"]
    unread = any(path["state"] is None or (path["state"] == "Error" and path["error"] is None) for path in paths)
    gaps = {"accountEnabled": user["accountEnabled"] is None, "licenseAssignmentStates": unread}
    return [name for name, is_gap in gaps.items() if is_gap] or None


def _six_digits(text: str | None) -> str | None:
    return text.replace("1234567Z", "123456Z") if text else text


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("yes", "accountEnabled"),
        (7, "displayName"),
        ({"a": 1}, "displayName"),
        ("none", "assignedLicenses"),
        ([1], "assignedLicenses"),
        ([{"skuId": 5}], "licenseAssignmentStates"),
        ("\ud800", "displayName"),
        ("yesterday", "createdDateTime"),
        (None, "assignedLicenses"),
        (None, "licenseAssignmentStates"),
    ],
)
def test_values_of_the_wrong_type_are_not_collected(tmp_path: Path, value: Any, name: str) -> None:
    valid = {
        "id": "1",
        "displayName": "Ann",
        "accountEnabled": True,
        "assignedLicenses": [],
        "licenseAssignmentStates": [],
    }
    decoder = Decoder(SELECT)
    spool = Spool(tmp_path, "users", decoder.schema)
    spool.add(decoder(body([valid, {**valid, "id": "2", name: value}])).rows)
    ((batch, _),) = row_groups(spool)
    first, second = batch.to_pylist()
    assert first["notCollected"] is None
    assert second["notCollected"] == [name]


def test_objects_without_an_id_are_counted() -> None:
    decoder = Decoder(("id", "displayName"))
    page = decoder(body([{"displayName": "Nobody"}, {"id": None}, {"id": 7}, 5, {"id": "A"}]))
    assert page.rows.column(0).to_pylist() == ["a"]
    assert decoder.without_id == 4


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"<html>",
        b"{",
        b"[]",
        b"5",
        b'{"value": 5}',
        b'{"value": null}',
        b'{"error": {"code": "x"}}',
        b'{"value": [{"id": "1"}',
        b"\xff\xfe",
    ],
)
def test_body_other_than_a_page_is_an_error(text: bytes) -> None:
    with pytest.raises(NotGraphError):
        Decoder(("id",))(text)
    with pytest.raises(NotGraphError):
        decode_list_page(text)


@pytest.mark.parametrize("text", [b"", b"<html>", b"-1", b"1.5", b"12345678901234"])
def test_count_other_than_a_number_is_an_error(text: bytes) -> None:
    with pytest.raises(NotGraphError):
        decode_count(text)
    assert decode_count(b"\xef\xbb\xbf893\r\n") == 893


def test_timestamps() -> None:
    texts = [
        "2020-01-02T03:04:05Z",
        "2020-01-02T03:04:05.1234567Z",
        "2020-01-02T03:04:05",
        "",
        None,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "nonsense",
    ]
    instants, invalid = timestamps(pa.array(texts))
    assert [value is None for value in instants.to_pylist()] == [False, False, False, True, True, True, False, True]
    assert invalid.to_pylist() == [False] * 7 + [True]


@pytest.mark.slow
@given(st.lists(st.text("ab'-z", max_size=3), min_size=1, max_size=6), st.text("AaBb'-zZ_é", max_size=4))
def test_shards_cover_every_name(bounds: list[str], name: str) -> None:
    filters = Shards.between(bounds).filters
    assert any(text is not None and parse(text).matches({"userPrincipalName": name}.get) for text in filters)
