"""A command imports only the libraries that it uses."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.package.tree import ROOT

LIVE = ("aiohttp", "azure", "httpx", "kiota_abstractions", "msal", "msgraph", "msgraph_core", "requests")
"""Libraries of live collection."""
PAPER = ("babel", "jinja2", "xlsxwriter")
"""Libraries of single formats."""
COLUMNS = ("numpy", "pyarrow")
PEOPLE = ("rich",)
"""Libraries of the terminal."""
HEAVY = ("duckdb", "pandas.core", "polars", "pyarrow.dataset", "pyspark")
"""Libraries that no command here needs. PyArrow looks for pandas, so its top-level name shows up even if it is not installed."""
CHECKING = ("jsonschema", "jsonschema_rs", "yaml")
SPARED = (
    *("jsonschema", "jsonschema_rs", "numpy.ma", "asyncio", "csv", "importlib.resources"),
    *(
        "auditor.app.ci.github_actions",
        "auditor.app.audit.merge",
        "auditor.app.redaction.redact",
        "auditor.app.saved_results",
        "auditor.catalogue.microsoft",
    ),
    *("auditor.collect", "auditor.demo", "auditor.graph", "auditor.history", "auditor.policy.schema.messages"),
    *("auditor.result.codec.decoder", "auditor.settings", "auditor.store.store", "auditor.localization"),
)
"""What an audit of a folder with the starter library, in English and outside of a job, has no use for."""

NOTHING = (*LIVE, *PAPER, *COLUMNS, *PEOPLE, *HEAVY, *CHECKING)
IMPORTED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s*(\S+)$", re.MULTILINE)


def imported(*arguments: str, where: Path, code: int = 0) -> set[str]:
    """Run the program and return every module that it imported."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "auditor", *arguments],
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    output = "\n".join(line for line in ran.stderr.splitlines() if not line.startswith("import time:"))
    assert ran.returncode == code, output
    return set(IMPORTED.findall(ran.stderr))


def taken(modules: set[str], unwanted: tuple[str, ...]) -> set[str]:
    return {name for name in modules for root in unwanted if name == root or name.startswith(f"{root}.")}


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's snapshots and policies on disk."""
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run(
        [sys.executable, "-m", "auditor.demo", str(folder), "--as-of", "2026-11-20T02:17:00Z"], cwd=ROOT, check=True
    )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("schema", "policy")])
def test_words_alone_need_the_standard_library_alone(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert taken(imported(*arguments, where=tmp_path), NOTHING) == set()


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("validate", str(ROOT / "policies")), ("audit", "--help")])
def test_checking_policies_needs_no_network_and_no_page(arguments: tuple[str, ...], tmp_path: Path) -> None:
    modules = imported(*arguments, where=tmp_path)
    assert "yaml" in modules, "the list of imports was not read"
    assert taken(modules, (*LIVE, *PAPER, *PEOPLE, *HEAVY)) == set()


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("products", "e5"), ("collect", "--help")])
def test_names_of_products_and_help_need_no_columns(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert taken(imported(*arguments, where=tmp_path), (*LIVE, *PAPER, *COLUMNS, *PEOPLE, *HEAVY)) == set()


@pytest.mark.slow
def test_a_saved_snapshot_to_json_needs_columns_and_nothing_more(snapshots: Path, tmp_path: Path) -> None:
    modules = imported(
        "audit", "--snapshot", str(snapshots / "snapshots"), "-f", "json", "--fail-on", "never", where=tmp_path
    )
    assert (tmp_path / "out" / "result.json").is_file()
    assert "pyarrow.parquet" in modules, "the list of imports was not read"
    assert taken(modules, (*LIVE, *PAPER, *PEOPLE, *HEAVY)) == set()


@pytest.mark.slow
def test_an_audit_with_the_starter_library_takes_what_it_uses(snapshots: Path, tmp_path: Path) -> None:
    arguments = ("audit", "--snapshot", str(snapshots / "snapshots"), "-f", "json", "--fail-on", "never")
    modules = imported(*arguments, "--locale", "en", where=tmp_path)
    assert "auditor.guidance.lazy_library" in modules, "the list of imports was not read"
    assert taken(modules, SPARED) == set()


@pytest.mark.slow
def test_the_other_formats_need_no_network(snapshots: Path, tmp_path: Path) -> None:
    formats = ["-f", "html", "-f", "csv", "-f", "terminal"]
    folder = str(snapshots / "snapshots")
    modules = imported("audit", "--snapshot", folder, *formats, "--fail-on", "never", where=tmp_path)
    assert {"jinja2", "rich"} <= modules
    assert taken(modules, (*LIVE, *HEAVY)) == set()
