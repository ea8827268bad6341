"""Tests that docs/architecture.md and docs/where-do-i-find.md match the code."""

import re

import pytest

from tests.package import architecture
from tests.package.tree import ROOT, files

INDEX = ROOT / "docs" / "where-do-i-find.md"


@pytest.mark.slow
def test_architecture_diagram_is_up_to_date() -> None:
    assert architecture.PICTURE.read_text(encoding="utf-8") == architecture.drawing(), "make pages"


def test_layers_and_packages_on_the_architecture_page_are_up_to_date() -> None:
    text = architecture.PAGE.read_text(encoding="utf-8")
    assert architecture.page(text) == text, "make pages"


def test_every_package_has_a_row_on_the_architecture_page() -> None:
    text = architecture.PAGE.read_text(encoding="utf-8")
    packages = {
        path.parent.relative_to(ROOT / "auditor").as_posix() for path in files("auditor") if path.name == "__init__.py"
    }
    assert set(re.findall(r"^\| `([\w/]*\w)` \|", text, re.MULTILINE)) == packages - {"."}


def test_transitive_reduction_drops_imports_implied_by_a_chain() -> None:
    chain = {("a", "b"): 1, ("b", "c"): 1, ("c", "d"): 2}
    assert architecture.essential({**chain, ("a", "c"): 5, ("a", "d"): 1}) == set(chain)


def test_every_path_of_the_index_exists() -> None:
    rows = re.findall(r"^\| (?!question|-).*\| (.+) \|$", INDEX.read_text(encoding="utf-8"), re.MULTILINE)
    paths = {path for row in rows for path in re.findall(r"`([^`]+)`", row)}
    assert len(paths) > 60
    assert {path for path in paths if not (ROOT / path).exists()} == set()
