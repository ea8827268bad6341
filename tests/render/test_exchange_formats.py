"""Tests the formats for other programs: SARIF, JUnit, Parquet, XLSX and the Markdown summary."""

import json
import re
from decimal import Decimal
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from auditor.domain.enums import Outcome
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding, SourceLine
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.render import FORMATS
from auditor.render.ci.markdown import LIMIT as MARKDOWN_LIMIT
from auditor.render.ci.markdown import escaped_markdown
from auditor.render.tables.flat_rows import COLUMNS
from auditor.result.aggregate import summarise
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import compared, result
from tests.golden.compare import check


def with_findings(findings: tuple[Finding, ...]) -> Result:
    sample = result()
    tenant = replace(sample.tenants[0], findings=FindingTable.of(findings))
    return replace(sample, tenants=(tenant,), summary=summarise((tenant,), sample.fleet))


@pytest.mark.parametrize("file", ["result.sarif", "junit.xml", "summary.md"])
def test_file_equals_its_golden_file(file: str) -> None:
    name = next(name for name, kind in FORMATS.items() if kind.file == file)
    check(file, rendered_bytes(compared(), name))


def sarif(of: Result) -> Any:
    return json.loads(rendered_bytes(of, "sarif"))


def test_sarif_without_a_comparison_has_no_baseline_state() -> None:
    first, *_ = sarif(result())["runs"]
    assert "baselineState" not in first["results"][0]


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
    return fromstring(rendered_bytes(of, "junit"))  # trusted input


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
            rendered_bytes(
                replace(sample, tenants=tenants, fleet=replace(sample.fleet, findings=FindingTable.of(()))), "parquet"
            )
        )
    )
    rows = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    assert rows == [8192, 3, 8193, 65_536, 5]
    assert file.read(["fingerprint"])["fingerprint"].unique().to_pylist() == [finding.fingerprint]


def test_parquet_has_the_columns_of_the_flat_table_with_types() -> None:
    table = pq.read_table(BytesIO(rendered_bytes(result(), "parquet")))
    assert table.column_names == ["run", "asOf", *COLUMNS]
    assert table.num_rows == len(result().tenants[0].findings) + 1
    rows = table.to_pylist()
    seats = next(row for row in rows if row["check"] == "seats.above-maximum")
    assert (seats["adjust"], seats["perMonth"], seats["sourceLine"]) == (-48, Decimal("1713.60"), 12)
    assert rows[0]["perMonth"] is None


def test_inert_escapes_markdown_and_mentions() -> None:
    for special in "\\`*_[]<>&#|~@:$^!":
        assert special not in re.sub(r"&#\d+;", "", escaped_markdown(f"a{special}b"))
    assert escaped_markdown("- x").startswith("&#45;")
    assert escaped_markdown("12. x") == "12&#46; x"
    assert escaped_markdown("3) x") == "3&#41; x"
    assert escaped_markdown("+ x") == "&#43; x"
    assert escaped_markdown("https://evil.example :smile:") == "https&#58;//evil.example &#58;smile:"
    assert escaped_markdown("04:44 UTC") == "04:44 UTC"
    assert escaped_markdown("04:44: 10:100: 7:11") == "04&#58;44: 10&#58;100: 7&#58;11"
    assert escaped_markdown("a\nb") == "a b"
    assert "\u2060" in escaped_markdown("@octocat")
    assert "www." not in escaped_markdown("WWW.evil.example www.evil.example")


def test_source_of_escaped_markdown_is_readable() -> None:
    for text in ("Seats freed: 1; planned: 52.", "+2 −1", "1 of 68 actions done:", "€1,469.35"):
        assert escaped_markdown(text) == text


@pytest.mark.slow
def test_markdown_above_the_limit_is_cut_between_rows() -> None:
    tenant = result().tenants[0]
    big = replace(tenant.findings[0], evidence={"department": "x" * 290})
    findings = tuple(replace(big, policy=f"p{number}", fingerprint=str(number)) for number in range(4000))
    summary = rendered_bytes(with_findings(findings), "markdown")
    assert len(summary) < MARKDOWN_LIMIT
    assert summary.decode().rstrip().endswith("see the other reports for the full text._")
