"""Tests that each command imports only the libraries that it uses, also through other libraries."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.import_block import block_import, unblock_import
from tests.package.tree import ROOT

pytestmark = pytest.mark.slow
LIVE = ("aiohttp", "azure", "httpx", "kiota_abstractions", "msal", "msgraph", "msgraph_core", "requests")
"""Libraries of live collection."""
FORMATS = ("babel", "jinja2", "xlsxwriter")
"""Libraries that only some formats use."""
COLUMNS = ("numpy", "pyarrow")
TERMINAL = ("rich",)
"""Libraries for output on the terminal."""
HEAVY = ("pandas.core", "polars", "pyarrow.dataset", "pyspark")
"""Libraries that no command here needs.

`pandas.core`, not `pandas`: PyArrow tries to import pandas, so that name is listed even if pandas is not installed.
"""
VALIDATION = ("jsonschema", "jsonschema_rs", "yaml")
UNUSED_BY_AUDIT = (
    *("jsonschema", "jsonschema_rs", "numpy.ma", "asyncio", "csv", "importlib.resources"),
    *(
        "auditor.app.ci.github_actions",
        "auditor.app.audit.merge",
        "auditor.result.redaction.redact",
        "auditor.app.saved_results",
        "auditor.catalogue.microsoft",
    ),
    *("auditor.collect", "auditor.demo", "auditor.graph", "auditor.history", "auditor.policy.schema.messages"),
    *("auditor.result.codec.decoder", "auditor.settings", "auditor.store.store", "auditor.localization"),
)
"""Modules that an audit of a folder with the starter library does not use in English and outside of a CI job."""

ALL_LIBRARIES = (*LIVE, *FORMATS, *COLUMNS, *TERMINAL, *HEAVY, *VALIDATION)
IMPORTED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s*(\S+)$", re.MULTILINE)


def imported(*arguments: str, cwd: Path) -> set[str]:
    """Run the program and return every module that it imported."""
    completed = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "auditor", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "SOURCE_DATE_EPOCH": "1795176000"},
        capture_output=True,
        text=True,
        check=False,
    )
    output = "\n".join(line for line in completed.stderr.splitlines() if not line.startswith("import time:"))
    assert completed.returncode == 0, output
    return set(IMPORTED.findall(completed.stderr))


def matching(modules: set[str], unwanted: tuple[str, ...]) -> set[str]:
    return {name for name in modules for root in unwanted if name == root or name.startswith(f"{root}.")}


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's snapshots and policies on disk."""
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run(
        [sys.executable, "-m", "auditor.demo", str(folder), "--as-of", "2026-11-20T02:17:00Z"], cwd=ROOT, check=True
    )
    return folder


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("schema", "policy")])
def test_help_version_and_schema_import_only_the_standard_library(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert matching(imported(*arguments, cwd=tmp_path), ALL_LIBRARIES) == set()


@pytest.mark.parametrize("arguments", [("validate", str(ROOT / "policies")), ("audit", "--help")])
def test_validate_and_audit_help_import_no_network_or_format_libraries(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    modules = imported(*arguments, cwd=tmp_path)
    assert "yaml" in modules, "the list of imports was not read"
    assert matching(modules, (*LIVE, *FORMATS, *TERMINAL, *HEAVY)) == set()


@pytest.mark.parametrize("arguments", [("products", "e5"), ("collect", "--help")])
def test_products_and_collect_help_import_no_numpy_or_pyarrow(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert matching(imported(*arguments, cwd=tmp_path), (*LIVE, *FORMATS, *COLUMNS, *TERMINAL, *HEAVY)) == set()


def test_audit_of_a_snapshot_to_json_imports_pyarrow_but_no_other_libraries(snapshots: Path, tmp_path: Path) -> None:
    modules = imported(
        "audit", "--snapshot", str(snapshots / "snapshots"), "-f", "json", "--fail-on", "never", cwd=tmp_path
    )
    assert (tmp_path / "out" / "result.json").is_file()
    assert "pyarrow.parquet" in modules, "the list of imports was not read"
    assert matching(modules, (*LIVE, *FORMATS, *TERMINAL, *HEAVY)) == set()


def test_audit_with_the_starter_library_imports_no_unused_modules(snapshots: Path, tmp_path: Path) -> None:
    arguments = ("audit", "--snapshot", str(snapshots / "snapshots"), "-f", "json", "--fail-on", "never")
    modules = imported(*arguments, "--locale", "en", cwd=tmp_path)
    assert "auditor.guidance.library" in modules, "the list of imports was not read"
    assert matching(modules, UNUSED_BY_AUDIT) == set()


def test_audit_to_html_csv_and_terminal_imports_no_network_libraries(snapshots: Path, tmp_path: Path) -> None:
    formats = ["-f", "html", "-f", "csv", "-f", "terminal"]
    folder = str(snapshots / "snapshots")
    modules = imported("audit", "--snapshot", folder, *formats, "--fail-on", "never", cwd=tmp_path)
    assert {"jinja2", "rich"} <= modules
    assert matching(modules, (*LIVE, *HEAVY)) == set()


def test_an_installed_pandas_is_never_imported(tmp_path: Path) -> None:
    """PyArrow would import pandas when it creates the first array, which takes most of a second."""
    marker = tmp_path / "imported"
    package = tmp_path / "pandas"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(marker)!r}, 'w').close()\n__version__ = '2.3.3'\n")
    arguments = ["audit", "--demo", "-f", "json", "-f", "parquet", "-o", str(tmp_path / "out")]
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {**os.environ, "PYTHONPATH": path}
    completed = subprocess.run([sys.executable, "-m", "auditor", *arguments], env=environment, check=False)
    assert completed.returncode in {0, 1, 3}
    assert (tmp_path / "out" / "findings.parquet").is_file()
    assert not marker.exists()


def test_the_entry_point_imports_only_the_exit_codes() -> None:
    """It reports a bug and an interruption even if no other module of the program can be imported."""
    code = "import gc, os, sys; old = {*sys.modules}; import auditor.__main__; print(*({*sys.modules} - old))"
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(printed.split()) == {"auditor", "auditor.exit_codes", "auditor.__main__"}


def test_file_systems_of_arrow_are_not_imported() -> None:
    """`pyarrow.parquet` would import those of Amazon, Azure, Google and Hadoop, which take 4 MiB."""
    code = (
        "import sys; from auditor.__main__ import configure_process; configure_process(); import pyarrow.parquet;"
        "print(*(name for name in sys.modules if name.startswith('pyarrow.') and name.endswith('fs')))"
    )
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(printed.split()) == {"pyarrow.fs", "pyarrow._fs"}


def test_a_blocked_import_can_be_unblocked() -> None:
    block_import("wave")
    sys.modules.pop("wave", None)
    try:
        with pytest.raises(ModuleNotFoundError, match="blocked"):
            __import__("wave")
    finally:
        unblock_import("wave")
    assert __import__("wave").__name__ == "wave"
