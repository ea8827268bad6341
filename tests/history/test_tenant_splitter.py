"""A result.json cut into its tenants: what stands in the parts is what stands in the whole, or nothing is cut."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.errors import SnapshotError
from auditor.history.tenant_splitter import cut
from auditor.render import render
from auditor.result.codec.encoder import document
from tests.builders.results import result

TEXTS = st.text(max_size=6) | st.sampled_from(['"tenants": [', "\n    },\n    {\n", "]\n  ]", "\\", '"'])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
TENANTS = st.lists(st.dictionaries(st.just("name") | TEXTS, VALUES, min_size=1, max_size=4), max_size=4)


def put_together(body: bytes) -> Mapping[str, Any] | None:
    parts = cut(body)
    return None if parts is None else {**parts.rest, "tenants": list(parts.tenants("r.json"))}


@pytest.mark.slow
@given(TENANTS, st.dictionaries(TEXTS, VALUES, max_size=3), st.dictionaries(TEXTS, VALUES, max_size=3))
def test_the_parts_are_the_whole(tenants: list[Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    whole = {**before, "tenants": tenants, **{key: value for key, value in after.items() if key != "tenants"}}
    told = put_together(document(whole))
    if told is None:
        assert not tenants or "tenants" in before or not tenants[0]
    else:
        assert told == whole


@pytest.mark.slow
@given(TENANTS, st.binary(max_size=9), st.integers(0, 400), st.integers(0, 9))
def test_what_is_damaged_is_never_read_as_something_else(tenants: list[Any], put: bytes, at: int, gone: int) -> None:
    whole = document({"schema": "auditor/result/v1", "tenants": tenants, "fleet": {"tenants": []}})
    body = whole[:at] + put + whole[at + gone :]
    try:
        told = put_together(body)
    except (ValueError, SnapshotError):
        return  # the reader of the whole says what is wrong
    if told is not None:
        assert told == json.loads(body)


def test_a_saved_run_is_cut_at_its_tenants() -> None:
    body = b"".join(render(result(), "json", locale="en").chunks())
    parts = cut(body)
    assert parts is not None
    assert [tenant["name"] for tenant in parts.tenants("r.json")] == [tenant.name for tenant in result().tenants]
    assert parts.rest["fleet"] == json.loads(body)["fleet"]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"tenants": []}', b"[]", json.dumps({"tenants": [{"name": "a"}]}).encode(), b'\n  "tenants"']
)
def test_other_files_are_not_cut(body: bytes) -> None:
    assert cut(body) is None
