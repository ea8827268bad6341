"""Tests the page of `auditor preview` in Chromium."""

from pathlib import Path
from typing import Any

import pytest

from tests.builders.document.policy_documents import LEAVERS
from tests.builders.service.command_line import AS_OF, call


@pytest.mark.slow
def test_preview_page_on_a_dark_phone_has_the_style_of_the_report_and_cards_for_rows(
    chromium: Any, tmp_path: Path
) -> None:
    for name, severity in (("base", "medium"), ("head", "low")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "all.yaml").write_text(LEAVERS.replace("severity: medium", f"severity: {severity}"))
    completed = call("preview", "--demo", "--as-of", AS_OF, "--base", "base", "head", "-f", "html", "-q", cwd=tmp_path)
    assert completed.code == 0, completed.err
    page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto((tmp_path / "out" / "preview.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
    assert page.evaluate("getComputedStyle(document.querySelector('td'), '::before').content") == '"Title"'
