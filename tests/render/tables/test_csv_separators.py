"""Tests that no part of a text becomes a formula if a spreadsheet opens CSV files with another separator."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Subject
from auditor.domain.trends import PolicyTrend, Trends
from auditor.findings.table import FindingTable
from auditor.render.history.table import render_csv
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import result

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b]")
HOSTILE = (
    "Ann;=1+1;x",
    "Ann;=HYPERLINK(1)",
    "Ann\t=1+1",
    "Ann; +1",
    "Ann;\t-1+1",
    'Ann;"=1+1"',
    'Ann;""=1+1',
    "Ann;;@SUM(1)",
    "Ann\n=1+1",
    "Ann\r\n@SUM(1)",
    'Ann"\n"=1+1',
    "Ann;\uff1d1",
    ";=1",
    "\t=1",
)


def cells(body: bytes, separator: str) -> Iterator[str]:
    """Yield the cells as Excel splits them: at separators and line ends; quotes only count at the start of a field."""
    for row in csv.reader(StringIO(body.decode("utf-8-sig"), newline=""), delimiter=separator):
        yield from row


def findings(name: str) -> bytes:
    sample = result()
    tenant = sample.tenants[0]
    subject = Subject(type=SubjectType.USER, id=name, name=name)
    finding = replace(tenant.findings[0], subject=subject, evidence={"department": name})
    return rendered_bytes(
        replace(sample, tenants=(replace(tenant, name=name, findings=FindingTable.of((finding,))),)), "csv"
    )


def history(name: str) -> bytes:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    policy = PolicyTrend(
        title=None,
        policy=name,
        severity=None,
        instants=(at,),
        open=(1,),
        waived=(0,),
        opened=1,
        closed=0,
        ages=(0, 0, 0, 0),
        repaired=0,
        repair_days=None,
    )
    trends = Trends(
        tenant=name, nights=1, results=1, since=at, until=at, seats=(), policies=(policy,), people=(), open=(), money={}
    )
    return b"".join(render_csv([trends]))


def formulas(body: bytes) -> list[str]:
    return [
        cell
        for separator in (",", ";", "\t")
        for cell in cells(body, separator)
        if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_has_no_formula_with_any_separator(name: str) -> None:
    assert formulas(findings(name)) == []
    assert formulas(history(name)) == []


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from(";\t,\r\n\"' =+-@a1\u00a0\uff1d"), max_size=12))
def test_generated_text_has_no_formula_with_any_separator(name: str) -> None:
    assert formulas(findings(name)) == []
    assert formulas(history(name)) == []
