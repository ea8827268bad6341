"""Tests `make guidance`: the list of guidance due for a review on a date, and the pages that it writes."""

from pathlib import Path

import pytest

from auditor.app.audit.remediation import packaged_library
from tests.package.guidance_freshness import main


@pytest.mark.slow
def test_all_articles_are_due_after_a_year_and_pages_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["2099-01-01", str(tmp_path)]) == 0
    first, *due = capsys.readouterr().out.splitlines()
    assert int(first.removeprefix("Older than 12 months on 2099-01-01: ")) >= len(packaged_library().articles)
    assert due[-1] == "Announced for a date after 2099-01-01: 0"
    assert list(tmp_path.rglob("*.md"))


@pytest.mark.slow
def test_announced_changes_are_listed_with_their_dates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["2020-01-01", str(tmp_path)]) == 0
    older, announced, *changes = capsys.readouterr().out.splitlines()
    assert older == "Older than 12 months on 2020-01-01: 0"
    assert announced == f"Announced for a date after 2020-01-01: {len(changes)}"
    assert {" begins: " in line or " ends: " in line for line in changes} == {True}


def test_invalid_date_exits_with_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["2026-13-01"]) == 2
    assert "write it as YYYY-MM-DD" in capsys.readouterr().err
