"""Tests the page of `auditor history` in Chromium on a phone in dark mode."""

from pathlib import Path
from typing import Any

import pytest

from auditor.snapshot.writer import write
from tests.builders.service.command_line import call
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, TWO_PEOPLE


@pytest.mark.slow
def test_history_page_on_a_dark_phone_has_headings_and_collapsed_lists(chromium: Any, tmp_path: Path) -> None:
    for day in range(3):
        write(tmp_path / "snapshots", night({**TWO_PEOPLE, "users": [ANN]}, day))
    completed = call("history", "snapshots", "-f", "html=h.html", "-q", cwd=tmp_path)
    assert completed.code == 0, completed.err
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto((tmp_path / "h.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
    titles = page.eval_on_selector_all("th", "cells => cells.map(cell => cell.textContent.trim())")
    assert all(titles)
    assert "Microsoft 365 E3" in titles
    folds = page.locator("details.fold")
    assert folds.count() > 0
    assert not folds.first.locator("table").is_visible()
    folds.first.locator("summary").click()
    assert folds.first.locator("tbody tr").first.is_visible()
    context.close()
