"""Tests that every test named in SECURITY.md and docs/security.md exists."""

import re

import pytest

from tests.package.tree import ROOT

PAGES = ("SECURITY.md", "docs/security.md")
TEST_NAME = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?|`::(\w+)`")


def named_tests(page: str) -> list[tuple[str, str]]:
    """Return file and function of every test that a page names. A `::name` on its own belongs to the previous file."""
    tests, file = [], ""
    for path, function, function_only in TEST_NAME.findall((ROOT / page).read_text(encoding="utf-8")):
        file = path or file
        tests.append((file, function or function_only))
    return tests


@pytest.mark.parametrize("page", PAGES)
def test_every_test_named_on_a_security_page_exists(page: str) -> None:
    tests = named_tests(page)
    assert len(tests) > 10
    for file, function in tests:
        assert (ROOT / file).is_file(), file
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {function}(" in text if function else "def test_" in text, f"{file}::{function}"


def test_every_promise_in_security_md_names_a_test() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!promise|-).*$", page.split("## Each promise and its test")[1], re.MULTILINE)
    assert len(rows) > 8
    assert all("tests/" in row.split("|")[2] for row in rows)
