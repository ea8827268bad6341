"""Tests the page of `auditor preview` in Chromium."""

from pathlib import Path
from typing import Any

import pytest

from tests.builders.document.policy_documents import LEAVERS
from tests.builders.service.command_line import AS_OF, call


@pytest.mark.slow
def test_tables_scroll_but_the_page_does_not_on_a_phone(chromium: Any, tmp_path: Path) -> None:
    for name, severity in (("base", "medium"), ("head", "low")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "all.yaml").write_text(LEAVERS.replace("severity: medium", f"severity: {severity}"))
    completed = call("preview", "--demo", "--as-of", AS_OF, "--base", "base", "head", "-f", "html", "-q", cwd=tmp_path)
    assert completed.code == 0, completed.err
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto((tmp_path / "out" / "preview.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('.wide').scrollWidth") > 390
