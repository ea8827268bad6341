"""Tests that the terminal summary shortens product names instead of policy texts, in every language."""

import io

import pytest
from rich.console import Console

from auditor.cli.terminal.result import terminal
from auditor.render.view.content import PageContent
from tests.builders.result.audited_demo import demo_result
from tests.localization.catalogue_messages import LANGUAGES


@pytest.mark.slow
@pytest.mark.parametrize("width", [80, 100, 140])
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_policy_text_for_a_product_is_never_truncated(language: str, width: int) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=False)
    terminal(PageContent(demo_result(language), language), console, paths=())
    lines = out.getvalue().splitlines()
    start = next(number for number, line in enumerate(lines) if "Visio Plan 2" in line)
    table = lines[start : start + 10]
    assert max(map(len, lines)) <= width
    assert all(not line.rstrip().endswith("…") for line in table)
    assert all("11/10" in line for line in table[:1])
