"""Tests that docs/operations.md lists every exit code and sign-in error."""

import re

import pytest

from auditor.cli.main import main_parser
from auditor.graph.auth import aadsts_codes
from tests.builders.service.command_line import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_operations_page_lists_every_aadsts_code_with_the_advice_of_the_program() -> None:
    rows = dict(re.findall(r"(?m)^\| (\d{5,7}) \| (.*) \|$", PAGE))
    assert len(rows) > 20
    advice = {
        code: aadsts_codes.advice(code) for code in map(str, [*range(50_000, 100_000), *range(500_000, 1_000_000)])
    }
    advice |= {code: aadsts_codes.advice(code) for code in map(str, range(7_000_000, 7_001_000))}
    assert rows == {code: text for code, text in advice.items() if text is not None}


def test_operations_page_lists_every_exit_code() -> None:
    listed = PAGE.split("## Exit codes")[1].split("## ")[0]
    text = main_parser().format_help().partition("exit codes:")[2]
    codes = re.findall(r"(?m)^  (\d+) ", text)
    assert len(codes) > 1
    assert re.findall(r"(?m)^\| (\d+)", listed) == codes
