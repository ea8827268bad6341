"""Tests result.json: keys in the order of the schema, exact numbers, and one file per tenant."""

import json
from decimal import Decimal

import jsonschema
import pytest
from msgspec.structs import replace

from auditor.domain.errors import UsageError
from auditor.domain.money import Money
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.render import TenantSpans, render, result_json, tenant_frame, tenant_json
from auditor.resources import schema
from auditor.result.codec.encoder import document, line
from auditor.result.codec.result_document import result_document
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import compared, result
from tests.golden.compare import check


def _bytes(of: Result, name: str = "json") -> bytes:
    return rendered_bytes(of, name)


def test_result_json_is_as_approved() -> None:
    check("result.json", _bytes(compared()))


def test_findings_ndjson_is_as_approved() -> None:
    check("findings.ndjson", _bytes(result(), "ndjson"))


@pytest.mark.slow
def test_result_json_is_valid_against_the_published_schema() -> None:
    jsonschema.validate(json.loads(_bytes(compared())), json.loads(schema("result")))


def test_result_json_does_not_depend_on_the_locale() -> None:
    assert rendered_bytes(result(), "json", locale="tr") == _bytes(result())


def test_evidence_and_policies_keep_their_key_order() -> None:
    tenant = result().tenants[0]
    finding = replace(tenant.findings[0], evidence={"b": {"z": 1, "a": 2}, "a": [{"d": 1, "c": 2}]})
    parsed = json.loads(_bytes(replace(result(), tenants=(replace(tenant, findings=FindingTable.of((finding,))),))))
    evidence = parsed["tenants"][0]["findings"][0]["evidence"]
    assert list(evidence) == ["b", "a"]
    assert list(evidence["a"][0]) == ["d", "c"]
    assert list(parsed["run"]["policies"][0]["spec"])[:3] == ["id", "title", "severity"]


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("71.40", "71.4"),
        ("100.00", "100"),
        ("1E+2", "100"),
        ("0.005", "0.01"),
        ("1234567890123.89", "1234567890123.89"),
        ("0", "0"),
    ],
)
def test_money_is_a_rounded_number_without_trailing_zeros(amount: str, expected: str) -> None:
    tenant = result().tenants[0]
    finding = replace(tenant.findings[0], money=Money(currency="EUR", per_month=Decimal(amount)))
    body = _bytes(replace(result(), tenants=(replace(tenant, findings=FindingTable.of((finding,)), actions=()),)))
    assert f'"perMonth": {expected}\n'.encode() in body


def test_text_is_utf_8_and_lone_surrogates_are_escaped() -> None:
    assert document({"a": "Çağla\ud800\x1b\n"}) == b'{\n  "a": "\xc3\x87a\xc4\x9fla\\ud800\\u001b\\n"\n}\n'
    assert json.loads(line(["\udfff"])) == ["\udfff"]


@pytest.mark.parametrize("value", [{1, 2}, b"x", object()])
def test_value_that_is_not_json_raises_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="a document holds no"):
        document({"a": value})


def test_json_has_the_format_of_the_standard_library() -> None:
    value = {"a": [], "b": {}, "c": [1, 2.5, True, None, "x"], "d": {"e": [{"f": -1}]}}
    assert document(value).decode() == json.dumps(value, indent=2) + "\n"
    assert line(value).decode() == json.dumps(value, separators=(",", ":")) + "\n"


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 999, 1000, 2001])
def test_chunks_equal_the_document_encoded_at_once(count: int) -> None:
    sample = compared()
    tenant = sample.tenants[0]
    odd = replace(tenant.findings[0], detail="\ud800 [\n]", evidence={"a": [], "b": {}, "n": 2**70})
    findings = (*[tenant.findings[0]] * (count - 1), odd)[:count]
    first, *others = tenant.actions
    actions = (replace(first, findings=tuple(map(str, range(count)))), *others)
    changed = replace(tenant, findings=FindingTable.of(findings), actions=actions)
    audit = replace(sample, tenants=(changed, *sample.tenants[1:]))
    body = _bytes(audit)
    assert body == document(result_document(audit))
    assert len(json.loads(body)["tenants"][0]["findings"]) == count
    assert _bytes(replace(audit, tenants=())) == document(result_document(replace(audit, tenants=())))


def test_tenant_json_contains_and_counts_only_its_tenant() -> None:
    parsed = json.loads(b"".join(tenant_json(result(), "fabrikam")))
    assert [tenant["name"] for tenant in parsed["tenants"]] == ["fabrikam"]
    assert parsed["fleet"] == {
        key: [] for key in ("policies", "findings", "actions", "notices", "fixed", "unconfirmed", "closed")
    } | {"past": None}
    assert parsed["summary"] == {
        "open": dict.fromkeys(["critical", "high", "medium", "low", "info"], 0),
        "waived": 0,
        "notEvaluated": 0,
    }


def test_unknown_tenant_is_named_in_the_error() -> None:
    with pytest.raises(UsageError, match="woodgrove"):
        tenant_json(result(), "woodgrove")


def test_hint_for_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        render(result(), "docx", locale="en")
    assert "json" in str(caught.value.hint)


def test_tenant_frame_and_span_give_the_file_of_the_tenant() -> None:
    spans: TenantSpans = {}
    body = b"".join(result_json(result(), spans))
    assert list(spans) == [tenant.name for tenant in result().tenants]
    for name, (start, end) in spans.items():
        before, after = tenant_frame(result(), name)
        assert before + body[start:end] + after == b"".join(tenant_json(result(), name))
