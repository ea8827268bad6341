"""Fixtures that write reports and open them in Chromium."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.result.model import Result
from auditor.findings.table import FindingTable
from tests.builders.result.audited_demo import demo_result, large_result
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import compared, result
from tests.builders.service.chromium import watched

CACHE = Path(__file__).parents[3] / "node_modules"


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Return a function from report and language to the report's file; each file is written once."""
    folder = tmp_path_factory.mktemp("reports")

    def report_file(report: str, locale: str = "en") -> Path:
        file = folder / f"{report}-{locale}.html"
        if not file.exists():
            file.write_bytes(rendered_bytes(_result(report, locale), "html", locale=locale))
        return file

    return report_file


def _result(report: str, locale: str) -> Result:
    if report == "demo":
        return demo_result(locale)
    if report == "hostile":
        return holding(
            "\n".join(HOSTILE[kind] for kind in ("html", "script", "comment", "template", "bidi", "markdown"))
        )
    if report == "unpriced":
        worst, *_ = result().tenants
        findings = FindingTable.of(tuple(replace(finding, money=None) for finding in worst.findings))
        return replace(result(), tenants=(replace(worst, findings=findings),))
    if report == "fleet":
        worst, *_ = result().tenants
        return replace(result(), tenants=tuple(replace(worst, name=f"t{number}") for number in range(1, 11)))
    return compared() if report == "sample" else large_result(int(report))


@pytest.fixture
def opened(chromium: Any, page_of: Callable[[str, str], Path]) -> Iterator[Callable[..., Any]]:
    """Return a function that opens a report. Afterwards, fail if a page made requests, logged text or raised errors."""
    with watched(chromium) as open_page:

        def open_(report: str = "sample", hash_: str = "", *, locale: str = "en", **options: Any) -> Any:
            tab = open_page(page_of(report, locale), hash_, **options)
            if options.get("java_script_enabled", True):
                tab.wait_for_selector("#all:not([hidden]) tr[data-item]", state="attached")
            return tab

        yield open_


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the source of axe-core, installed by npm; skip the test if npm or its registry is not available."""
    source = CACHE / "axe-core" / "axe.min.js"
    if not source.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("no npm on this machine: axe-core cannot be fetched")
        folder = tmp_path_factory.mktemp("npm")
        (folder / "package.json").write_text(json.dumps({"private": True}))
        completed = subprocess.run(
            [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@4"],
            cwd=folder, capture_output=True, text=True, check=False, timeout=180,
        )  # fmt: skip
        if completed.returncode:
            pytest.skip("npm could not fetch axe-core")
        source = folder / "node_modules" / "axe-core" / "axe.min.js"
    return source.read_text(encoding="utf-8")
