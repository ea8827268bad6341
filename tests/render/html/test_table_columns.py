"""The columns of the page's table: what is written is what each finding says, whichever way it was put together."""

import json
from base64 import b64decode
from decimal import Decimal
from gzip import decompress
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.actions.money import Money
from auditor.domain.enums import Status, SubjectType
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.result.model import FleetResult, Result
from auditor.findings.table import FindingTable
from auditor.render.html.embedded_data import embedded_data
from auditor.render.html.rows import Context, problem, subject_address, subject_label
from auditor.render.html.table_columns import EVIDENCE
from auditor.render.html.view import EmbeddedData
from auditor.render.text.evidence.evidence import described
from auditor.render.text.labels import Labels
from benchmarks.report import large
from tests.builders.result.results import contoso, result

EN = Labels("en")
FIRST = replace(contoso().findings[0], money=None)


class Read:
    """Reads columns as the page's script does."""

    def __init__(self, written: EmbeddedData) -> None:
        self.bytes = b64decode(written.text)
        if written.compressed:
            self.bytes = decompress(self.bytes)
        self.base = 4 + int.from_bytes(self.bytes[:4], "little")
        self.head: dict[str, Any] = json.loads(self.bytes[4 : self.base])
        self.marks = self.head["marks"] or [
            b64decode(written.fingerprints)[at : at + 16].hex() for at in range(0, 16 * written.count, 16)
        ]

    def column(self, name: str) -> list[int]:
        position, count, width = self.head["columns"][name]
        assert (self.base + position) % width == 0
        whole = self.bytes[self.base + position : self.base + position + count * width]
        return [int.from_bytes(whole[at : at + width], "little") for at in range(0, len(whole), width)]

    def texts(self, name: str) -> list[str]:
        position, length = self.head["texts"][name]
        return self.bytes[self.base + position : self.base + position + length].decode().split("\n")

    def texts_of(self, name: str) -> list[str]:
        known = self.texts(name)
        return [known[number] for number in self.column(name)]


@pytest.mark.parametrize("count", [None, 3, 700])
def test_every_finding_stands_in_its_columns(count: int | None) -> None:
    whole = result() if count is None else large(count)
    written = embedded_data(whole, EN)
    assert written.compressed is (count == 700)
    read = Read(written)
    headers = {policy.id: policy for policy in whole.run.policies}
    places = [(tenant, Context.of_tenant(tenant, headers, EN)) for tenant in whole.tenants]
    pairs = [(finding, context) for tenant, context in places for finding in tenant.findings]
    pairs += [(finding, Context.of_fleet(whole, headers, EN)) for finding in whole.fleet.findings]
    assert read.head["count"] == written.count == len(pairs)
    assert read.marks == [finding.fingerprint for finding, _ in pairs]
    known_names, known_addresses = read.texts_of("name"), read.texts_of("address")
    names = [known_names[number] for number in read.column("who")]
    addresses = [known_addresses[number] for number in read.column("who")]
    assert names == [subject_label(finding) for finding, _ in pairs]
    assert addresses == [subject_address(finding, subject_label(finding)) for finding, _ in pairs]
    assert read.texts_of("what") == [problem(finding, context) for finding, context in pairs]
    rows = zip(*(read.texts_of(name) for name in EVIDENCE), strict=True)
    assert [" · ".join(filter(None, each)) for each in rows] == [described(finding, EN) for finding, _ in pairs]
    assert read.column("status") == [finding.status is Status.WAIVED for finding, _ in pairs]
    severities = [read.head["severities"][number][0] for number in read.column("severity")]
    assert severities == [finding.severity.value for finding, _ in pairs]
    policies = [read.head["policies"][read.head["places"][number][1]][0] for number in read.column("place")]
    assert policies == [finding.policy for finding, _ in pairs]
    money = [EN.money(f.money.per_month, f.money.currency) if f.money else "" for f, _ in pairs]
    assert read.texts_of("money") == money


def test_line_ends_and_strange_fingerprints_do_not_shift_the_columns() -> None:
    evil = "a\nb\r\u2028c\x00" + "x" * 400
    subject = Subject(type=SubjectType.USER, id=evil, name=evil)
    finding = replace(
        FIRST, fingerprint="F\n1", subject=subject, evidence={"department": evil, "paths": 5, "userPrincipalName": evil}
    )
    money = Money(currency="X\nY", per_month=Decimal(3))
    there = replace(
        result().tenants[0],
        findings=FindingTable.of((finding, replace(finding, fingerprint="ab" * 16, money=money), FIRST)),
    )
    read = Read(embedded_data(_of(replace(there)), EN))
    assert len(read.column("who")) == 3
    assert [len(read.texts(name)) for name in ("name", "department", "money")] == [3, 3, 2]
    assert read.marks == ["F-1", "ab" * 16, FIRST.fingerprint]
    assert read.texts_of("department")[0].startswith("a b\\x0d\\u2028c\\x00xxx")


def test_a_set_of_products_has_the_name_of_the_product_to_buy() -> None:
    subject = Subject(type=SubjectType.PRODUCT, id="entra-p1", name="Microsoft Entra ID P1")
    finding = replace(FIRST, subject=subject, product=ProductReference(sku_id=None, sku_part_number="entra-p1"))
    read = Read(embedded_data(_of(replace(result().tenants[0], findings=FindingTable.of((finding,)))), EN))
    assert read.texts_of("product") == read.texts_of("name") == ["Microsoft Entra ID P1"]


def test_none_is_no_table() -> None:
    written = embedded_data(_of(replace(result().tenants[0], findings=FindingTable.of(()))), EN)
    assert written.count == 0


def _of(tenant: Any) -> Result:
    whole = result()
    return replace(whole, tenants=(tenant,), fleet=FleetResult())
