"""Tests that the embedded columns of the page's table contain the data of every finding."""

import json
from base64 import b64decode
from decimal import Decimal
from gzip import decompress
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Status, SubjectType
from auditor.domain.money import Money
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.result.model import FleetResult, Result
from auditor.findings.table import FindingTable
from auditor.render.html.embedded_data import EmbeddedData, embedded_data
from auditor.render.html.table_columns import EVIDENCE
from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.labels import Labels
from auditor.render.view.finding_index import finding_indexes
from auditor.render.view.rows import Context, problem, subject_address, subject_label
from benchmarks.report import large
from tests.builders.result.results import contoso, result

EN = Labels("en")
FIRST = replace(contoso().findings[0], money=None)


def data_of(of: Result) -> EmbeddedData:
    return embedded_data(of, EN, finding_indexes(of, EN))


class ColumnReader:
    """Reads columns in the same way as the page's script."""

    def __init__(self, data: EmbeddedData) -> None:
        self.bytes = b64decode(data.text)
        if data.compressed:
            self.bytes = decompress(self.bytes)
        self.base = 4 + int.from_bytes(self.bytes[:4], "little")
        self.head: dict[str, Any] = json.loads(self.bytes[4 : self.base])
        self.fingerprints = self.head["marks"] or [
            b64decode(data.fingerprints)[start : start + 16].hex() for start in range(0, 16 * data.count, 16)
        ]

    def column(self, name: str) -> list[int]:
        position, count, width = self.head["columns"][name]
        assert (self.base + position) % width == 0
        values = self.bytes[self.base + position : self.base + position + count * width]
        return [int.from_bytes(values[start : start + width], "little") for start in range(0, len(values), width)]

    def texts(self, name: str) -> list[str]:
        position, length = self.head["texts"][name]
        return self.bytes[self.base + position : self.base + position + length].decode().split("\n")

    def texts_of(self, name: str) -> list[str]:
        texts = self.texts(name)
        return [texts[number] for number in self.column(name)]


@pytest.mark.slow
@pytest.mark.parametrize("count", [None, 3, 700])
def test_columns_contain_the_data_of_every_finding(count: int | None) -> None:
    sample = result() if count is None else large(count)
    data = data_of(sample)
    assert data.compressed is (count == 700)
    reader = ColumnReader(data)
    headers = {policy.id: policy for policy in sample.run.policies}
    contexts = [(tenant, Context.of_tenant(tenant, headers, EN)) for tenant in sample.tenants]
    pairs = [(finding, context) for tenant, context in contexts for finding in tenant.findings]
    pairs += [(finding, Context.of_fleet(sample, headers, EN)) for finding in sample.fleet.findings]
    assert reader.head["count"] == data.count == len(pairs)
    assert reader.fingerprints == [finding.fingerprint for finding, _ in pairs]
    all_names, all_addresses = reader.texts_of("name"), reader.texts_of("address")
    names = [all_names[number] for number in reader.column("who")]
    addresses = [all_addresses[number] for number in reader.column("who")]
    assert names == [subject_label(finding) for finding, _ in pairs]
    assert addresses == [subject_address(finding, subject_label(finding)) for finding, _ in pairs]
    assert reader.texts_of("what") == [problem(finding, context) for finding, context in pairs]
    rows = zip(*(reader.texts_of(name) for name in EVIDENCE), strict=True)
    assert [" · ".join(filter(None, row)) for row in rows] == [evidence_text(finding, EN) for finding, _ in pairs]
    assert reader.column("status") == [finding.status is Status.WAIVED for finding, _ in pairs]
    severities = [reader.head["severities"][number][0] for number in reader.column("severity")]
    assert severities == [finding.severity.value for finding, _ in pairs]
    policies = [reader.head["policies"][reader.head["places"][number][1]][0] for number in reader.column("place")]
    assert policies == [finding.policy for finding, _ in pairs]
    money = [EN.money(f.money.per_month, f.money.currency) if f.money else "" for f, _ in pairs]
    assert reader.texts_of("money") == money


def test_line_breaks_and_invalid_fingerprints_do_not_shift_columns() -> None:
    evil = "a\nb\r\u2028c\x00" + "x" * 400
    subject = Subject(type=SubjectType.USER, id=evil, name=evil)
    finding = replace(
        FIRST, fingerprint="F\n1", subject=subject, evidence={"department": evil, "paths": 5, "userPrincipalName": evil}
    )
    money = Money(currency="X\nY", per_month=Decimal(3))
    tenant = replace(
        result().tenants[0],
        findings=FindingTable.of((finding, replace(finding, fingerprint="ab" * 16, money=money), FIRST)),
    )
    reader = ColumnReader(data_of(_result_of(replace(tenant))))
    assert len(reader.column("who")) == 3
    assert [len(reader.texts(name)) for name in ("name", "department", "money")] == [3, 3, 2]
    assert reader.fingerprints == ["F-1", "ab" * 16, FIRST.fingerprint]
    assert reader.texts_of("department")[0].startswith("a b\\x0d\\u2028c\\x00xxx")


def test_product_set_has_the_name_of_the_product_to_buy() -> None:
    subject = Subject(type=SubjectType.PRODUCT, id="entra-p1", name="Microsoft Entra ID P1")
    finding = replace(FIRST, subject=subject, product=ProductReference(sku_id=None, sku_part_number="entra-p1"))
    reader = ColumnReader(data_of(_result_of(replace(result().tenants[0], findings=FindingTable.of((finding,))))))
    assert reader.texts_of("product") == reader.texts_of("name") == ["Microsoft Entra ID P1"]


def test_result_without_findings_has_no_rows() -> None:
    data = data_of(_result_of(replace(result().tenants[0], findings=FindingTable.of(()))))
    assert data.count == 0


def _result_of(tenant: Any) -> Result:
    sample = result()
    return replace(sample, tenants=(tenant,), fleet=FleetResult())
