"""The page of `auditor history` in a real browser: a phone, a dark desk, accessible tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.snapshot.writer import write
from tests.builders.service.command_line import call
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, TWO_PEOPLE


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:

    folder = tmp_path_factory.mktemp("history")
    for day in range(3):
        write(folder / "snapshots", night({**TWO_PEOPLE, "users": [ANN]}, day))
    done = call("history", "snapshots", "-f", "html=h.html", "-q", cwd=folder)
    assert done.code == 0, done.err
    return folder / "h.html"


@pytest.fixture
def opened(chromium: Any, page_file: Path) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(page_file.as_uri())
    yield page
    context.close()


def test_a_phone_needs_no_scrolling_to_the_side(opened: Any) -> None:
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_did_not_change_is_folded(opened: Any) -> None:
    folds = opened.locator("details.fold")
    assert folds.count() > 0
    assert not folds.first.locator("table").is_visible()
    folds.first.locator("summary").click()
    assert folds.first.locator("tbody tr").first.is_visible()


def test_a_dark_screen_gets_a_dark_page(opened: Any) -> None:
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"


@pytest.mark.slow
def test_every_column_has_a_title_and_products_have_names(opened: Any) -> None:
    titles = opened.eval_on_selector_all("th", "cells => cells.map(cell => cell.textContent.trim())")
    assert titles
    assert all(titles)
    assert "Microsoft 365 E3" in titles
