"""report.html against a strict parser: not one error, whatever it holds and in whichever language."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from auditor.history import compare
from auditor.localization import languages
from auditor.render import render
from auditor.render.text.earlier_run import EarlierRun
from benchmarks.report import large
from tests.builders.result.results import night_before, result

html5lib = pytest.importorskip("html5lib", reason="html5lib is not installed")


def reports() -> Iterator[tuple[str, Result]]:
    whole = result()
    first = whole.tenants[0]
    yield "changed", compare(whole, night_before())
    yield "empty", replace(whole, tenants=())
    yield (
        "failed",
        replace(
            whole,
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
    yield "hostile", replace(whole, tenants=(replace(first, findings=FindingTable.of(hostile), display_name=evil),))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "whole"), [pytest.param(*each, id=each[0]) for each in reports()])
def test_it_is_html(name: str, whole: Result) -> None:
    past = EarlierRun(as_of=whole.run.as_of - timedelta(days=1), open={Severity.HIGH: 2}, money={"EUR": Decimal(2)})
    for locale in languages() if name == "changed" else ("en",):
        body = b"".join(render(whole, "html", locale=locale, history=(past,)).chunks())
        parser = html5lib.HTMLParser(strict=False)
        parser.parse(body.decode())
        assert [(index, error) for index, error, _ in parser.errors] == []


def test_the_parser_would_see_an_error() -> None:
    parser = html5lib.HTMLParser(strict=False)
    parser.parse("<!doctype html><title>x</title><p></div>")
    assert parser.errors
