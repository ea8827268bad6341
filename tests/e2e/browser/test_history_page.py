"""The page of `auditor history` in a real browser: a phone, a dark desk, accessible tables."""

from pathlib import Path
from typing import Any

import pytest

from auditor.snapshot.writer import write
from tests.builders.service.command_line import call
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, TWO_PEOPLE


@pytest.mark.slow
def test_a_dark_phone_shows_titled_columns_and_folds_what_did_not_change(chromium: Any, tmp_path: Path) -> None:
    for day in range(3):
        write(tmp_path / "snapshots", night({**TWO_PEOPLE, "users": [ANN]}, day))
    done = call("history", "snapshots", "-f", "html=h.html", "-q", cwd=tmp_path)
    assert done.code == 0, done.err
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
