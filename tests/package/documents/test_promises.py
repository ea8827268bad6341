"""Every test that the pages about security name exists."""

import re

import pytest

from tests.package.tree import ROOT

PAGES = ("SECURITY.md", "docs/security.md")
NAMED = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?|`::(\w+)`")


def named(page: str) -> list[tuple[str, str]]:
    """Return file and function of every test that a page names; `::name` belongs to the file named before it."""
    found, file = [], ""
    for path, function, alone in NAMED.findall((ROOT / page).read_text(encoding="utf-8")):
        file = path or file
        found.append((file, function or alone))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    tests = named(page)
    assert len(tests) > 10
    for file, function in tests:
        assert (ROOT / file).is_file(), file
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {function}(" in text if function else "def test_" in text, f"{file}::{function}"


def test_every_promise_names_a_test() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!promise|-).*$", page.split("## Each promise and its test")[1], re.MULTILINE)
    assert len(rows) > 8
    assert all("tests/" in row.split("|")[2] for row in rows)
