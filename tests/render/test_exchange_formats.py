"""Tests the formats for other programs: SARIF, JUnit, Parquet, XLSX and the Markdown summary."""

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
from auditor.render import FORMATS, render
from auditor.render.ci.markdown import LIMIT as MARKDOWN_LIMIT
from auditor.render.ci.markdown import escaped_markdown
from auditor.render.ci.sarif import LIMIT
from auditor.render.tables.flat import COLUMNS
from auditor.result.aggregate import summarise
from tests.builders.result.results import compared, result
from tests.golden.compare import check

HOSTILE = "=cmd|' /C calc'!A0 <b>@octocat #1 https://evil.example [x](y) `z` |\x1b\x00\u202e\ud800\ufffe\r\n- x"


def body(of: Result, name: str) -> bytes:
    return b"".join(render(of, name, locale="en"))


def with_findings(findings: tuple[Finding, ...]) -> Result:
    sample = result()
    tenant = replace(sample.tenants[0], findings=FindingTable.of(findings))
    return replace(sample, tenants=(tenant,), summary=summarise((tenant,), sample.fleet))


def hostile() -> Result:
    original = result().tenants[0]
    subject = Subject(type=SubjectType.USER, id=HOSTILE, name=HOSTILE)
    finding = replace(
        original.findings[0],
        subject=subject,
        detail=HOSTILE,
        evidence={"userPrincipalName": HOSTILE},
        source=SourceLine(file=HOSTILE, line=0),
    )
    tenant = replace(
        original,
        name=HOSTILE,
        display_name=HOSTILE,
        findings=FindingTable.of((finding,)),
        actions=(),
        policies=(replace(original.policies[0], reason=Message(HOSTILE)),),
    )
    return replace(result(), tenants=(tenant,))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_deterministic(name: str) -> None:
    assert body(compared(), name) == body(compared(), name)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_escapes_hostile_text(name: str) -> None:
    encoded = body(hostile(), name)
    assert encoded
    if name not in {"xlsx", "parquet"}:
        text = encoded.decode()
        # JSON keeps the text, escaped; other formats show the characters written out.
        assert not set(text) & set("\x00\x1b")
        assert name in {"json", "ndjson"} or "\u202e" not in text


@pytest.mark.parametrize("file", ["result.sarif", "junit.xml", "summary.md"])
def test_file_equals_its_golden_file(file: str) -> None:
    name = next(name for name, kind in FORMATS.items() if kind.file == file)
    check(file, body(compared(), name))


def sarif(of: Result) -> Any:
    return json.loads(body(of, "sarif"))


def test_sarif_has_a_run_per_tenant_and_locations_in_policies() -> None:
    runs = sarif(compared())["runs"]
    assert [run["automationDetails"]["id"].split("/")[1] for run in runs] == ["contoso", "fabrikam", "fleet"]
    first = runs[0]
    assert len(first["results"]) == len(result().tenants[0].findings)
    for finding in first["results"]:
        assert first["tool"]["driver"]["rules"][finding["ruleIndex"]]["id"] == finding["ruleId"]
        physical = finding["locations"][0]["physicalLocation"]
        assert physical["artifactLocation"]["uri"].startswith("policies/")
        assert physical["region"]["startLine"] >= 1
        assert finding["message"]["text"]
        assert finding["level"] in {"error", "warning", "note"}
        assert finding["baselineState"] in {"new", "unchanged"}
    fingerprints = [finding["partialFingerprints"]["auditorFinding/v1"] for finding in first["results"]]
    assert len(set(fingerprints)) == len(fingerprints)


def test_sarif_has_waivers_as_suppressions_and_gaps_as_notifications() -> None:
    first, second, _ = sarif(result())["runs"]
    suppressed = [finding for finding in first["results"] if "suppressions" in finding]
    assert [finding["suppressions"][0]["justification"] for finding in suppressed] == ["waiver W-2026-014"]
    assert first["invocations"][0]["executionSuccessful"] is False
    assert "AuditLog.Read.All" in first["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    assert second["invocations"][0]["executionSuccessful"] is True
    assert "baselineState" not in first["results"][0]


@pytest.mark.slow
def test_sarif_keeps_the_most_severe_findings_within_the_limit() -> None:
    tenant = result().tenants[0]
    minor = replace(tenant.findings[-1], status=Status.WAIVED)
    first = sarif(with_findings((*(minor,) * LIMIT, *tenant.findings[:3])))["runs"][0]
    assert len(first["results"]) == LIMIT - 1
    assert sum(finding["level"] == "error" for finding in first["results"]) == 3
    assert "4 more findings" in json.dumps(first["invocations"])


def test_sarif_of_many_tenants_shares_one_run() -> None:
    sample = result()
    large = replace(sample, tenants=sample.tenants[1:] * 25)
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
    return fromstring(body(of, "junit"))  # trusted input


def test_junit_has_a_counted_test_case_per_policy() -> None:
    root = junit(result())
    assert [suite.get("name") for suite in root] == ["contoso", "fabrikam", "fleet"]
    contoso = root[0]
    assert contoso.get("tests") == str(len(result().tenants[0].policies))
    assert contoso.get("failures") == str(len(contoso.findall("testcase/failure"))) == "10"
    skipped = contoso.find("testcase[@name='entra-p2-coverage']/skipped")
    assert skipped is not None
    assert str(skipped.get("message")).startswith("cannot be evaluated: ")
    assert all(len(case) == 0 for case in root[1])


def test_junit_reports_a_failed_tenant_as_an_error() -> None:
    sample = result()
    failed = replace(sample.tenants[1], failure=Message("Graph did not answer"), policies=())
    suite = junit(replace(sample, tenants=(failed,)))[0]
    assert (suite.get("errors"), suite.get("tests")) == ("1", "1")


def test_junit_keeps_findings_of_a_policy_that_was_not_evaluated() -> None:
    tenant = result().tenants[0]
    unknown = tuple(replace(outcome, status=Outcome.NOT_EVALUATED, reason=Message("x")) for outcome in tenant.policies)
    suite = junit(replace(result(), tenants=(replace(tenant, policies=unknown),)))[0]
    assert suite.find("testcase[@name='leavers']/failure") is not None


@pytest.mark.slow
def test_each_parquet_row_group_contains_one_tenant_only() -> None:
    sample = result()
    finding = sample.tenants[0].findings[0]
    sizes = (8192, 0, 3, 8193, 65_536 + 5)
    tenants = tuple(replace(sample.tenants[0], findings=FindingTable.of((finding,) * size)) for size in sizes)
    file = pq.ParquetFile(
        BytesIO(
            body(replace(sample, tenants=tenants, fleet=replace(sample.fleet, findings=FindingTable.of(()))), "parquet")
        )
    )
    rows = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    assert rows == [8192, 3, 8193, 65_536, 5]
    assert file.read(["fingerprint"])["fingerprint"].unique().to_pylist() == [finding.fingerprint]


def test_parquet_has_the_columns_of_the_flat_table_with_types() -> None:
    table = pq.read_table(BytesIO(body(result(), "parquet")))
    assert table.column_names == ["run", "asOf", *COLUMNS]
    assert table.num_rows == len(result().tenants[0].findings) + 1
    rows = table.to_pylist()
    seats = next(row for row in rows if row["check"] == "seats.above-maximum")
    assert (seats["adjust"], seats["perMonth"], seats["sourceLine"]) == (-48, Decimal("1713.60"), 12)
    assert rows[0]["perMonth"] is None


def test_workbook_has_hostile_text_as_text() -> None:
    with ZipFile(BytesIO(body(hostile(), "xlsx"))) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 9
        for name in sheets:
            assert b"<f>" not in book.read(name)
        assert not any("hyperlink" in book.read(name).decode() for name in sheets)
        assert "=cmd|" in book.read("xl/sharedStrings.xml").decode()


def test_inert_escapes_markdown_and_mentions() -> None:
    for special in "\\`*_[]<>&#|~@:$^!":
        assert special not in re.sub(r"&#\d+;", "", escaped_markdown(f"a{special}b"))
    assert escaped_markdown("- x").startswith("&#45;")
    assert escaped_markdown("1. x").startswith("&#49;")
    assert escaped_markdown("a\nb") == "a b"
    assert "\u2060" in escaped_markdown("@octocat")
    assert "www." not in escaped_markdown("WWW.evil.example www.evil.example")


@pytest.mark.slow
def test_markdown_above_the_limit_is_cut_between_rows() -> None:
    tenant = result().tenants[0]
    big = replace(tenant.findings[0], evidence={"department": "x" * 290})
    findings = tuple(replace(big, policy=f"p{number}", fingerprint=str(number)) for number in range(4000))
    summary = body(with_findings(findings), "markdown")
    assert len(summary) < MARKDOWN_LIMIT
    assert summary.decode().rstrip().endswith("see the other reports for the full text._")


def test_markdown_counts_the_findings_that_it_leaves_out() -> None:
    text = body(result(), "markdown").decode()
    assert "27 more in findings.csv" in text
    assert "W-2026-014" not in text
