"""Tests that report.html has no errors in an HTML5 parser, for all kinds of results and languages."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.localization import languages
from auditor.render.text.earlier_run import EarlierRun
from auditor.result.diff import compare
from benchmarks.report import large
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import night_before, result

html5lib = pytest.importorskip("html5lib", reason="html5lib is not installed")


def reports() -> Iterator[tuple[str, Result]]:
    sample = result()
    first = sample.tenants[0]
    yield "changed", compare(sample, night_before())
    yield "empty", replace(sample, tenants=())
    yield (
        "failed",
        replace(
            sample,
            tenants=(
                replace(first, failure=Message("no answer"), findings=FindingTable.of(()), policies=(), seats=()),
            ),
        ),
    )
    yield "many", large(2_000)
    evil = "</script><!--<script>\"'><![CDATA[\u202e\x00&amp;&#0;"
    hostile = tuple(
        replace(finding, evidence={evil: evil, "department": evil}, detail=evil) for finding in first.findings
    )
    yield "hostile", replace(sample, tenants=(replace(first, findings=FindingTable.of(hostile), display_name=evil),))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "audit"), [pytest.param(*report, id=report[0]) for report in reports()])
def test_report_is_valid_html(name: str, audit: Result) -> None:
    past = EarlierRun(as_of=audit.run.as_of - timedelta(days=1), open={Severity.HIGH: 2}, money={"EUR": Decimal(2)})
    for locale in languages() if name == "changed" else ("en",):
        body = rendered_bytes(audit, "html", locale=locale, history=(past,))
        parser = html5lib.HTMLParser(strict=False)
        parser.parse(body.decode())
        assert [(index, error) for index, error, _ in parser.errors] == []


def test_parser_reports_errors_of_invalid_html() -> None:
    parser = html5lib.HTMLParser(strict=False)
    parser.parse("<!doctype html><title>x</title><p></div>")
    assert parser.errors
