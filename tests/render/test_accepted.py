"""Tests that each output format is valid for the tools that read it, also with hostile text."""

import csv
import json
import re
from collections.abc import Iterable
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, fromstring

import pyarrow.parquet as pq
import pytest
from junitparser import JUnitXml
from markdown_it import MarkdownIt
from msgspec.structs import replace

from auditor.domain.result.model import FleetResult, Result
from auditor.render.tables.csv import escaped_cell
from auditor.render.tables.flat_rows import COLUMNS
from auditor.render.text.sanitize import visible
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import compared, result

CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ufffe\uffff]"
)


def empty_result() -> Result:
    return replace(result(), tenants=(), fleet=FleetResult())


every_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


# SARIF: the objects that are used, with all properties that the 2.1.0 schema allows for them.
SARIF = {
    "run": "tool invocations conversion language versionControlProvenance originalUriBaseIds artifacts logicalLocations graphs results automationDetails runAggregates baselineGuid redactionTokens defaultEncoding defaultSourceLanguage newlineSequences columnKind externalPropertyFileReferences threadFlowLocations taxonomies addresses translations policies webRequests webResponses specialLocations properties",
    "rule": "id deprecatedIds guid deprecatedGuids name deprecatedNames shortDescription fullDescription messageStrings defaultConfiguration helpUri help relationships properties",
    "result": "ruleId ruleIndex rule kind level message analysisTarget locations guid correlationGuid occurrenceCount partialFingerprints fingerprints stacks codeFlows graphs graphTraversals relatedLocations suppressions baselineState rank attachments hostedViewerUri workItemUris provenance fixes taxa webRequest webResponse properties",
    "invocation": "commandLine arguments responseFiles startTimeUtc endTimeUtc exitCode ruleConfigurationOverrides notificationConfigurationOverrides toolExecutionNotifications toolConfigurationNotifications exitCodeDescription exitSignalName exitSignalNumber processStartFailureMessage executionSuccessful machine account processId executableLocation workingDirectory environmentVariables stdin stdout stderr stdoutStderr properties",
    "location": "id physicalLocation logicalLocations message annotations relationships properties",
    "suppression": "guid kind status location justification properties",
}  # fmt: skip


def check_properties(kind: str, actual: dict[str, Any]) -> None:
    assert set(actual) <= set(SARIF[kind].split()), kind


def check_sarif(log: dict[str, Any]) -> None:
    """Check the rules of the SARIF schema for the used objects, and those that GitHub documents for uploads."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    assert len(log["runs"]) <= 20
    ids = [run["automationDetails"]["id"] for run in log["runs"]]
    assert len(set(ids)) == len(ids)
    for run in log["runs"]:
        check_properties("run", run)
        rules = run["tool"]["driver"]["rules"]
        assert re.fullmatch(r"\d+\.\d+\.\d+.*", run["tool"]["driver"]["semanticVersion"])
        assert len({rule["id"] for rule in rules}) == len(rules)
        for rule in rules:
            check_properties("rule", rule)
            assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))
            assert len(rule["properties"]["tags"]) <= 20
            assert rule["defaultConfiguration"]["level"] in {"error", "warning", "note"}
        for invocation in run["invocations"]:
            check_properties("invocation", invocation)
            assert isinstance(invocation["executionSuccessful"], bool)
            assert all(note["message"]["text"] for note in invocation["toolExecutionNotifications"])
        assert len(run["results"]) <= 25_000
        for finding in run["results"]:
            check_result(finding, rules)


def check_result(finding: dict[str, Any], rules: list[dict[str, Any]]) -> None:
    check_properties("result", finding)
    assert rules[finding["ruleIndex"]]["id"] == finding["ruleId"]
    assert finding["level"] in {"error", "warning", "note"}
    assert finding["message"]["text"]
    assert finding.get("baselineState", "new") in {"new", "unchanged", "updated", "absent"}
    assert all(finding["partialFingerprints"].values())
    for suppression in finding.get("suppressions", ()):
        check_properties("suppression", suppression)
        assert suppression["kind"] in {"inSource", "external"}
    (location,) = finding["locations"]
    check_properties("location", location)
    physical = location["physicalLocation"]
    uri = physical["artifactLocation"]["uri"]
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/:@!$&'()*+,;=-]|%[0-9A-F]{2})+", uri)
    assert urlsplit(uri).scheme in {"", "file"}
    assert physical["region"]["startLine"] >= 1


@every_text
def test_sarif_is_valid_for_its_schema_and_for_code_scanning(text: str) -> None:
    sarif = rendered_bytes(holding(text), "sarif").decode()
    check_sarif(json.loads(sarif))
    assert not CONTROLS.search(sarif)


def test_sarif_of_a_compared_run_and_of_an_empty_result_is_valid() -> None:
    check_sarif(json.loads(rendered_bytes(compared(), "sarif")))
    check_sarif(json.loads(rendered_bytes(empty_result(), "sarif")))


# JUnit: elements and attributes of the XSD that Jenkins publishes for its own reader.
JUNIT = {
    "testsuites": ({"name", "time", "tests", "failures", "disabled", "errors"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package"}, {"properties", "testcase", "system-out", "system-err"}),
    "testcase": ({"name", "assertions", "time", "classname", "status", "class", "file", "line"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "skipped": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "failure": ({"message", "type"}, set()),
}  # fmt: skip


def check_junit(element: Element) -> None:
    attributes, children = JUNIT[element.tag]
    assert set(element.attrib) <= attributes
    assert {child.tag for child in element} <= children
    if element.tag in {"testsuite", "testcase"}:
        assert element.get("name")
    if element.tag == "testcase":
        assert element.get("classname")
        assert len(element) <= 1
    for child in element:
        check_junit(child)


@every_text
def test_junit_is_valid_for_jenkins_and_readable(text: str) -> None:
    audit = holding(text)
    xml = rendered_bytes(audit, "junit")
    root = fromstring(xml)  # trusted input
    check_junit(root)
    assert not CONTROLS.search(xml.decode())
    parsed = JUnitXml.fromstring(xml)
    suites = list(parsed)
    assert [suite.name for suite in suites] == ["contoso", "fabrikam", "fleet"]
    assert sum(suite.tests for suite in suites) == parsed.tests
    failed = [case for suite in suites for case in suite if case.result and case.result[0].type in {"critical", "high"}]
    assert failed


def test_junit_of_an_empty_result_is_valid() -> None:
    check_junit(fromstring(rendered_bytes(empty_result(), "junit")))


@pytest.mark.slow
@every_text
def test_csv_keeps_texts_and_escapes_formulas(text: str) -> None:
    audit = holding(text)
    rows = list(csv.DictReader(StringIO(rendered_bytes(audit, "csv").decode(), newline=""), strict=True))
    assert len(rows) == len(audit.tenants[0].findings) + 1
    for row in rows:
        assert None not in row
        assert len(row) == len(COLUMNS)
    assert {row["subjectName"] for row in rows[:-1]} == {escaped_cell(text)}
    for row in rows:
        for cell in row.values():
            assert cell[:1] not in set("=+@\t\r") or cell.startswith("'")
            assert not re.match(r"\s*[=+@\uff1d]", cell)


@every_text
def test_ndjson_has_one_finding_per_line(text: str) -> None:
    audit = holding(text)
    lines = rendered_bytes(audit, "ndjson").split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line)["subject"]["name"] for line in lines[:-1]] == [text] * len(audit.tenants[0].findings)


@pytest.mark.slow
@every_text
def test_parquet_schema_does_not_depend_on_the_content(text: str) -> None:
    table = pq.read_table(BytesIO(rendered_bytes(holding(text), "parquet")))
    assert table.schema == pq.read_table(BytesIO(rendered_bytes(empty_result(), "parquet"))).schema
    assert set(table.column("subjectName").to_pylist()[:-1]) == {visible(text, keep="\t\r\n")}


def markup(tokens: Iterable[Any]) -> Iterable[tuple[str, str]]:
    for token in tokens:
        yield token.type, token.content
        yield from markup(token.children or ())


@pytest.mark.slow
@every_text
def test_markdown_is_small_and_has_no_active_content(text: str) -> None:
    encoded = rendered_bytes(holding(text), "markdown")
    assert len(encoded) < 1_000_000
    summary = encoded.decode()
    assert not CONTROLS.search(summary)
    assert "@octocat" not in summary
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    for kind, content in markup(reader.parse(summary)):
        assert kind not in {"link_open", "image", "code_inline", "fence", "code_block"}
        if kind in {"html_block", "html_inline"}:
            assert set(re.findall(r"</?([a-zA-Z]+)", content)) <= {"details", "summary", "b"}
            assert "<!--" not in content


@pytest.mark.slow
@every_text
@pytest.mark.parametrize("name", ["json", "ndjson", "html"])
def test_files_contain_no_terminal_control_characters(name: str, text: str) -> None:
    output = rendered_bytes(holding(text), name).decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", output)
