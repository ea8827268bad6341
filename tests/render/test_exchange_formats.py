"""The formats for other programs: SARIF, JUnit, Parquet, the workbook, the Markdown summary."""

import json
import re
from decimal import Decimal
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element, fromstring
from zipfile import ZipFile

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from auditor.domain.enums import Outcome, Status, SubjectType
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding, SourceLine, Subject
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.history import compare
from auditor.render import FORMATS, render
from auditor.render.ci.markdown import LIMIT as MARKDOWN_LIMIT
from auditor.render.ci.markdown import inert
from auditor.render.ci.sarif import LIMIT
from auditor.render.tables.flat import COLUMNS
from auditor.result.aggregate import summarise
from tests.builders.result.results import night_before, result
from tests.golden.compare import check

HOSTILE = "=cmd|' /C calc'!A0 <b>@octocat #1 https://evil.example [x](y) `z` |\x1b\x00\u202e\ud800\ufffe\r\n- x"


def body(of: Result, name: str) -> bytes:
    return b"".join(render(of, name, locale="en").chunks())


def compared() -> Result:
    return compare(result(), night_before())


def with_findings(findings: tuple[Finding, ...]) -> Result:
    whole = result()
    tenant = replace(whole.tenants[0], findings=FindingTable.of(findings))
    return replace(whole, tenants=(tenant,), summary=summarise((tenant,), whole.fleet))


def hostile() -> Result:
    there = result().tenants[0]
    subject = Subject(type=SubjectType.USER, id=HOSTILE, name=HOSTILE)
    finding = replace(
        there.findings[0],
        subject=subject,
        detail=HOSTILE,
        evidence={"userPrincipalName": HOSTILE},
        source=SourceLine(file=HOSTILE, line=0),
    )
    tenant = replace(
        there,
        name=HOSTILE,
        display_name=HOSTILE,
        findings=FindingTable.of((finding,)),
        actions=(),
        policies=(replace(there.policies[0], reason=Message(HOSTILE)),),
    )
    return replace(result(), tenants=(tenant,))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_its_name_and_the_same_bytes_twice(name: str) -> None:
    artifact = render(compared(), name, locale="en")
    assert artifact.name == FORMATS[name].file
    assert b"".join(artifact.chunks()) == body(compared(), name)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_takes_whatever_a_tenant_holds(name: str) -> None:
    made = body(hostile(), name)
    assert made
    if name not in {"xlsx", "parquet"}:
        text = made.decode()
        # JSON keeps the text as it is, escaped; what people read shows what it holds.
        assert not set(text) & set("\x00\x1b")
        assert name in {"json", "ndjson"} or "\u202e" not in text


@pytest.mark.parametrize("file", ["result.sarif", "junit.xml", "summary.md"])
def test_it_is_as_approved(file: str) -> None:
    name = next(name for name, kind in FORMATS.items() if kind.file == file)
    check(file, body(compared(), name))


def sarif(of: Result) -> Any:
    return json.loads(body(of, "sarif"))


def test_sarif_has_a_run_per_tenant_and_points_at_policies() -> None:
    runs = sarif(compared())["runs"]
    assert [run["automationDetails"]["id"].split("/")[1] for run in runs] == ["contoso", "fabrikam", "fleet"]
    first = runs[0]
    assert len(first["results"]) == len(result().tenants[0].findings)
    for each in first["results"]:
        assert first["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"]
        physical = each["locations"][0]["physicalLocation"]
        assert physical["artifactLocation"]["uri"].startswith("policies/")
        assert physical["region"]["startLine"] >= 1
        assert each["message"]["text"]
        assert each["level"] in {"error", "warning", "note"}
        assert each["baselineState"] in {"new", "unchanged"}
    marks = [each["partialFingerprints"]["auditorFinding/v1"] for each in first["results"]]
    assert len(set(marks)) == len(marks)


def test_sarif_tells_waivers_as_suppressions_and_gaps_as_notifications() -> None:
    first, second, _ = sarif(result())["runs"]
    suppressed = [each for each in first["results"] if "suppressions" in each]
    assert [each["suppressions"][0]["justification"] for each in suppressed] == ["waiver W-2026-014"]
    assert first["invocations"][0]["executionSuccessful"] is False
    assert "AuditLog.Read.All" in first["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    assert second["invocations"][0]["executionSuccessful"] is True
    assert "baselineState" not in first["results"][0]


@pytest.mark.slow
def test_sarif_stops_at_what_code_scanning_takes_and_keeps_the_worst() -> None:
    there = result().tenants[0]
    minor = replace(there.findings[-1], status=Status.WAIVED)
    first = sarif(with_findings((*(minor,) * LIMIT, *there.findings[:3])))["runs"][0]
    assert len(first["results"]) == LIMIT - 1
    assert sum(each["level"] == "error" for each in first["results"]) == 3
    assert "4 more findings" in json.dumps(first["invocations"])


def test_sarif_of_many_tenants_shares_one_run() -> None:
    whole = result()
    large = replace(whole, tenants=whole.tenants[1:] * 25)
    assert len(sarif(large)["runs"]) == 1


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("policies\\a b.yaml", "policies/a%20b.yaml"),
        ("./p.yaml", "p.yaml"),
        ("/srv/p.yaml", "file:///srv/p.yaml"),
        ("C:\\p\\q.yaml", "file:///C:/p/q.yaml"),
    ],
)
def test_sarif_addresses_are_uris(file: str, uri: str) -> None:
    finding = replace(result().tenants[0].findings[0], source=SourceLine(file=file, line=3))
    physical = sarif(with_findings((finding,)))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == uri


def junit(of: Result) -> Element:
    return fromstring(body(of, "junit"))  # the file is ours


def test_junit_has_a_case_per_policy_and_counts_them() -> None:
    root = junit(result())
    assert [suite.get("name") for suite in root] == ["contoso", "fabrikam", "fleet"]
    contoso = root[0]
    assert contoso.get("tests") == str(len(result().tenants[0].policies))
    assert contoso.get("failures") == str(len(contoso.findall("testcase/failure"))) == "10"
    skipped = contoso.find("testcase[@name='entra-p2-coverage']/skipped")
    assert skipped is not None
    assert str(skipped.get("message")).startswith("cannot be evaluated: ")
    assert all(len(case) == 0 for case in root[1])


def test_junit_tells_a_tenant_that_failed_as_an_error() -> None:
    whole = result()
    failed = replace(whole.tenants[1], failure=Message("Graph did not answer"), policies=())
    suite = junit(replace(whole, tenants=(failed,)))[0]
    assert (suite.get("errors"), suite.get("tests")) == ("1", "1")


def test_junit_keeps_certain_findings_of_a_policy_that_could_not_be_evaluated() -> None:
    there = result().tenants[0]
    unknown = tuple(replace(outcome, status=Outcome.NOT_EVALUATED, reason=Message("x")) for outcome in there.policies)
    suite = junit(replace(result(), tenants=(replace(there, policies=unknown),)))[0]
    assert suite.find("testcase[@name='leavers']/failure") is not None


@pytest.mark.slow
def test_row_groups_of_parquet_hold_one_tenant_each_however_many_findings_are_looked_at_together() -> None:
    whole = result()
    one = whole.tenants[0].findings[0]
    sizes = (8192, 0, 3, 8193, 65_536 + 5)
    tenants = tuple(replace(whole.tenants[0], findings=FindingTable.of((one,) * size)) for size in sizes)
    made = pq.ParquetFile(
        BytesIO(
            body(replace(whole, tenants=tenants, fleet=replace(whole.fleet, findings=FindingTable.of(()))), "parquet")
        )
    )
    rows = [made.metadata.row_group(index).num_rows for index in range(made.num_row_groups)]
    assert rows == [8192, 3, 8193, 65_536, 5]
    assert made.read(["fingerprint"])["fingerprint"].unique().to_pylist() == [one.fingerprint]


def test_parquet_has_the_columns_of_the_table_with_types() -> None:
    table = pq.read_table(BytesIO(body(result(), "parquet")))
    assert table.column_names == ["run", "asOf", *COLUMNS]
    assert table.num_rows == len(result().tenants[0].findings) + 1
    rows = table.to_pylist()
    seats = next(row for row in rows if row["check"] == "seats.above-maximum")
    assert (seats["adjust"], seats["perMonth"], seats["sourceLine"]) == (-48, Decimal("1713.60"), 12)
    assert rows[0]["perMonth"] is None


def test_the_workbook_holds_text_as_text() -> None:
    with ZipFile(BytesIO(body(hostile(), "xlsx"))) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 9
        for name in sheets:
            assert b"<f>" not in book.read(name)
        assert not any("hyperlink" in book.read(name).decode() for name in sheets)
        assert "=cmd|" in book.read("xl/sharedStrings.xml").decode()


def test_markdown_is_inert() -> None:
    for special in "\\`*_[]<>&#|~@:$^!":
        assert special not in re.sub(r"&#\d+;", "", inert(f"a{special}b"))
    assert inert("- x").startswith("&#45;")
    assert inert("1. x").startswith("&#49;")
    assert inert("a\nb") == "a b"
    assert "\u2060" in inert("@octocat")
    assert "www." not in inert("WWW.evil.example www.evil.example")


@pytest.mark.slow
def test_markdown_is_cut_between_rows_and_says_so() -> None:
    there = result().tenants[0]
    big = replace(there.findings[0], evidence={"department": "x" * 290})
    findings = tuple(replace(big, policy=f"p{number}", fingerprint=str(number)) for number in range(4000))
    made = body(with_findings(findings), "markdown")
    assert len(made) < MARKDOWN_LIMIT
    assert made.decode().rstrip().endswith("the other reports have all of it._")


def test_markdown_counts_what_it_leaves_out() -> None:
    text = body(result(), "markdown").decode()
    assert "27 more in findings.csv" in text
    assert "W-2026-014" not in text
