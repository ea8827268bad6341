"""Tests that libraries which another library imports needlessly are not loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.import_block import block_import, unblock_import


@pytest.mark.slow
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


def test_a_blocked_import_can_be_unblocked() -> None:
    block_import("wave")
    sys.modules.pop("wave", None)
    try:
        with pytest.raises(ModuleNotFoundError, match="blocked"):
            __import__("wave")
    finally:
        unblock_import("wave")
    assert __import__("wave").__name__ == "wave"
