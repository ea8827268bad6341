"""Tests findings.csv: a flat table with one row per finding and no cell that a spreadsheet would run as a formula."""

import csv
import re
from decimal import Decimal
from io import StringIO

import pytest
from msgspec.structs import replace

from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Subject
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.render import render
from auditor.result.aggregate import money
from tests.builders.result.audited_demo import demo_result, large_result
from tests.builders.result.rendered import rendered_bytes, rendered_text
from tests.builders.result.results import result
from tests.golden.compare import check


def _rows(of: Result) -> list[dict[str, str]]:
    text = rendered_text(of, "csv")
    return list(csv.DictReader(StringIO(text, newline="")))


def _result_with_name(name: str) -> Result:
    sample = result()
    tenant = sample.tenants[0]
    subject = Subject(type=SubjectType.USER, id="u1", name=name)
    return replace(
        sample, tenants=(replace(tenant, findings=FindingTable.of((replace(tenant.findings[0], subject=subject),))),)
    )


def test_findings_csv_is_as_approved() -> None:
    check("findings.csv", rendered_bytes(result(), "csv"))


@pytest.mark.slow
def test_counted_amounts_add_up_to_the_cost_of_open_findings() -> None:
    for outcome in (demo_result(), large_result(3_000)):
        sums = {"": Decimal(0), **dict.fromkeys((tenant.name for tenant in outcome.tenants), Decimal(0))}
        for row in _rows(outcome):
            sums[row["tenant"]] += Decimal(row["countedPerMonth"] or 0)
            assert Decimal(row["countedPerMonth"] or 0) in {0, Decimal(row["perMonth"] or 0)}
        assert sums == {tenant.name: sum(money(tenant).values()) for tenant in outcome.tenants} | {"": Decimal(0)}


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "\u3000\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
        "\n=1",
        "=cmd|' /C calc'!A0",
    ],
)
def test_cell_that_starts_like_a_formula_is_prefixed_with_an_apostrophe(name: str) -> None:
    expected = re.sub(r"([\t\r\n])=", r"\1'=", name)  # also where a spreadsheet may split the line
    assert _rows(_result_with_name(name))[0]["subjectName"] == f"'{expected}"


@pytest.mark.parametrize("name", ["O'Neil", "a=b", 'Çağla; "x"', "line\nbreak", "", "1-2"])
def test_other_cells_are_unchanged(name: str) -> None:
    assert _rows(_result_with_name(name))[0]["subjectName"] == name


def test_direction_marks_and_control_characters_are_escaped() -> None:
    assert (
        _rows(_result_with_name("a\u202eb\x00c\x1b[31m\ud800"))[0]["subjectName"] == "a\\u202eb\\x00c\\x1b[31m\\ud800"
    )


def test_lines_end_with_crlf_and_the_byte_order_mark_is_optional() -> None:
    plain = rendered_bytes(result(), "csv")
    marked = rendered_bytes(result(), "csv", byte_order_mark=True)
    assert marked == b"\xef\xbb\xbf" + plain
    assert plain.count(b"\r\n") == plain.count(b"\n")


def test_long_table_is_written_in_chunks() -> None:
    sample = result()
    tenant = sample.tenants[0]
    large = replace(sample, tenants=(replace(tenant, findings=FindingTable.of((tenant.findings[0],) * 2500)),))
    chunks = list(render(large, "csv", locale="en"))
    assert 2 < len(chunks) < 30
    assert b"".join(chunks).count(b"\r\n") == 2500 + 1 + len(sample.fleet.findings)


def test_departments_csv_has_a_row_for_unassigned_seats() -> None:
    def text(of: Result) -> str:
        return rendered_text(of, "departments")

    lines = text(result()).split("\r\n")
    assert lines[0].startswith("tenant,by,name,merged,currency,perMonth,idlePerMonth,assigned,used,idle,unknown")
    assert lines[1].startswith("contoso,department,Sales,,EUR,2499.00,0.00,70,70,0,0,60,")
    assert any(line.startswith("contoso,unassigned,,,EUR,") for line in lines)
    hostile = replace(result().tenants[0], name="=cmd()")
    assert "'=cmd()," in text(replace(result(), tenants=(hostile,)))
