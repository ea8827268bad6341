"""findings.csv: flat, one row per finding, and nothing in it that a spreadsheet would run."""

import csv
import re
from io import StringIO

import pytest
from msgspec.structs import replace

from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Subject
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.render import render
from auditor.render.tables.flat import COLUMNS
from tests.builders.result.results import result
from tests.golden.compare import check


def _rows(of: Result) -> list[dict[str, str]]:
    text = b"".join(render(of, "csv", locale="en").chunks()).decode()
    return list(csv.DictReader(StringIO(text, newline="")))


def _named(name: str) -> Result:
    whole = result()
    there = whole.tenants[0]
    subject = Subject(type=SubjectType.USER, id="u1", name=name)
    return replace(
        whole, tenants=(replace(there, findings=FindingTable.of((replace(there.findings[0], subject=subject),))),)
    )


def test_findings_csv_is_as_approved() -> None:
    check("findings.csv", b"".join(render(result(), "csv", locale="en").chunks()))


def test_every_finding_is_a_row_under_the_same_columns() -> None:
    whole = result()
    rows = _rows(whole)
    assert list(rows[0]) == list(COLUMNS)
    assert len(rows) == len(whole.tenants[0].findings) + len(whole.fleet.findings)
    assert rows[-1]["tenant"] == ""
    assert rows[-1]["productName"] == "Microsoft 365 E3"


def test_the_usual_facts_have_columns_of_their_own() -> None:
    rows = _rows(result())
    seats = next(row for row in rows if row["check"] == "seats.above-maximum")
    assert (seats["spare"], seats["adjust"], seats["perMonth"]) == ("79", "-48", "1713.60")
    leaver = next(row for row in rows if row["policy"] == "leavers")
    assert (leaver["accountEnabled"], leaver["assignmentPaths"]) == (
        "false",
        "group c0ffee00-77aa-4b1d-9d31-5f0a7e2b6c11",
    )
    idle = next(row for row in rows if row["policy"] == "copilot-in-use")
    assert idle["lastSignIn"].startswith("2026-0")


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
def test_a_cell_that_begins_like_a_formula_gets_an_apostrophe(name: str) -> None:
    expected = re.sub(r"([\t\r\n])=", r"\1'=", name)  # where a line may be split, too
    assert _rows(_named(name))[0]["subjectName"] == f"'{expected}"


@pytest.mark.parametrize("name", ["O'Neil", "a=b", 'Çağla; "x"', "line\nbreak", "", "1-2"])
def test_any_other_cell_is_left_as_it_is(name: str) -> None:
    assert _rows(_named(name))[0]["subjectName"] == name


def test_direction_marks_and_controls_are_shown() -> None:
    assert _rows(_named("a\u202eb\x00c\x1b[31m\ud800"))[0]["subjectName"] == "a\\u202eb\\x00c\\x1b[31m\\ud800"


def test_lines_end_as_excel_likes_and_the_mark_is_optional() -> None:
    plain = b"".join(render(result(), "csv", locale="en").chunks())
    marked = b"".join(render(result(), "csv", locale="en", byte_order_mark=True).chunks())
    assert marked == b"\xef\xbb\xbf" + plain
    assert plain.count(b"\r\n") == plain.count(b"\n")


def test_no_cell_holds_json() -> None:
    for row in _rows(result()):
        assert not any(cell.startswith(("{", "[")) for cell in row.values())


def test_a_long_table_comes_in_pages() -> None:
    whole = result()
    there = whole.tenants[0]
    large = replace(whole, tenants=(replace(there, findings=FindingTable.of((there.findings[0],) * 2500)),))
    pages = list(render(large, "csv", locale="en").chunks())
    assert 2 < len(pages) < 30
    assert b"".join(pages).count(b"\r\n") == 2500 + 1 + len(whole.fleet.findings)


def test_departments_have_a_file_with_a_row_for_the_seats_that_nobody_holds() -> None:
    def text(of: Result) -> str:
        return b"".join(render(of, "departments", locale="en").chunks()).decode()

    lines = text(result()).split("\r\n")
    assert lines[0].startswith("tenant,by,name,merged,currency,perMonth,idlePerMonth,assigned,used,idle,unknown")
    assert lines[1].startswith("contoso,department,Sales,,EUR,2499.00,0.00,70,70,0,0,60,")
    assert any(line.startswith("contoso,unassigned,,,EUR,") for line in lines)
    hostile = replace(result().tenants[0], name="=cmd()")
    assert "'=cmd()," in text(replace(result(), tenants=(hostile,)))
