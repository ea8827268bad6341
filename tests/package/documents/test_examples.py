"""Tests that the YAML files that pages show as examples are valid, beside the starter library where they need it."""

import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.builders.service.command_line import expect
from tests.package.tree import ROOT

PAGES = [ROOT / "policies" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
"""The README and the recipes have tests of their own."""
LIBRARY = ROOT / "policies"


def examples() -> Iterator[Any]:
    """Yield the text of each complete file: one that says the version of its format."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.finditer(r"(?ms)^( *)```yaml\n(.*?)^ *```", text) if page.name != "recipes.md" else ():
            document = textwrap.dedent(block[2])
            keys = set(yaml.safe_load(document))
            if "version" in keys and not keys & {"id"} and len(keys) > 1:
                yield pytest.param(document, id=f"{page.name}:{text[: block.start()].count(chr(10)) + 1}")


@pytest.mark.slow
@pytest.mark.parametrize("document", list(examples()))
def test_example_file_is_valid(document: str, tmp_path: Path) -> None:
    keys = set(yaml.safe_load(document))
    policies = tmp_path / "policies"
    if "tenants" in keys:
        (tmp_path / "tenants.yaml").write_text(document, encoding="utf-8")
        expect(0, "validate", "--tenants", "tenants.yaml", cwd=tmp_path)
        return
    if "extends" in keys:
        policies.mkdir()
    else:
        shutil.copytree(LIBRARY, policies, ignore=shutil.ignore_patterns("README.md"))
    name = "decisions.yaml" if "decisions" in keys else "example.yaml"
    (policies / name).write_text(document, encoding="utf-8")
    expect(0, "validate", "--strict", "policies", cwd=tmp_path)
