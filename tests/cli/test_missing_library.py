"""Missing optional libraries: the message shows the install command for the way the program was installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from auditor import installation
from auditor.installation import Installer, install_command, installer, missing_requirements
from tests.builders.service.command_line import ROOT, clean_environment

RUN = "import site, sys; site.addsitedir(sys.argv.pop(1)); from auditor.__main__ import main; sys.exit(main())"
REQUIREMENTS = ("pyspark>=4.0", "pandas>=2.2,<3")


def run_without(excluded: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program with the packages of this environment, except those whose name begins with `excluded`."""
    packages = Path(next(path for path in sys.path if path.endswith("site-packages")))
    site_packages = folder / "packages"
    site_packages.mkdir()
    for item in packages.iterdir():
        if not item.name.lower().startswith(excluded):
            (site_packages / item.name).symlink_to(item)
    return subprocess.run(
        [sys.executable, "-S", "-c", RUN, str(site_packages), *arguments],
        cwd=folder, env=clean_environment({"PYTHONPATH": str(ROOT)}), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("excluded", "arguments", "command"),
    [
        ("pyspark", ("audit", "--demo", "--engine", "spark"), '-m pip install "pyspark>=4.0"'),
        ("xlsxwriter", ("audit", "--demo", "-f", "xlsx"), '-m pip install "xlsxwriter>=3.2"'),
    ],
)
def test_missing_library_is_reported_with_its_install_command(
    tmp_path: Path, excluded: str, arguments: tuple[str, ...], command: str
) -> None:
    completed = run_without(excluded, tmp_path, *arguments)
    assert completed.returncode == 2, completed.stderr
    assert command in completed.stderr
    assert "bug" not in completed.stderr


def test_no_requirement_is_missing_in_this_environment() -> None:
    assert missing_requirements(None) == ()


@pytest.mark.parametrize(
    ("file", "kind"), [("pipx_metadata.json", Installer.PIPX), ("uv-receipt.toml", Installer.UV_TOOL)]
)
def test_installer_is_detected_by_its_metadata_file(tmp_path: Path, file: str, kind: Installer) -> None:
    (tmp_path / file).touch()
    assert installer(tmp_path) is kind


@pytest.mark.parametrize(
    ("origin", "tool", "kind", "source"),
    [
        ({"url": "file:///copy", "dir_info": {"editable": True}}, "pip", Installer.CHECKOUT, "/copy"),
        ({"url": "file:///a%20copy", "dir_info": {}}, "pip", Installer.PIP, "'/a copy'"),
        ({"url": "https://git.example/a", "vcs_info": {"vcs": "git"}}, "uv\n", Installer.UV, "git+https://git.example/a"),
        ({}, "uv", Installer.UV, installation.DISTRIBUTION),
    ],
)  # fmt: skip
@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
def test_install_command_names_the_source_of_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: dict[str, object], tool: str, kind: Installer, source: str
) -> None:
    metadata = tmp_path / "m365_license_auditor-9.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: m365-license-auditor\nVersion: 9\n")
    (metadata / "INSTALLER").write_text(tool)
    if origin:
        (metadata / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(tmp_path)
    assert installer(tmp_path) is kind
    command = install_command(REQUIREMENTS, Installer.UV_TOOL)
    assert command == f'uv tool install --reinstall --with "pyspark>=4.0" --with "pandas>=2.2,<3" {source}'


def test_container_is_detected_by_its_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_CONTAINER", "1")
    assert installer() is Installer.CONTAINER
    assert "AUDITOR_CONTAINER=1" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "prefix"),
    [
        (Installer.PIPX, "pipx inject m365-license-auditor "),
        (Installer.UV, "uv pip install --python "),
        (Installer.CONTAINER, "RUN python -m pip install "),
    ],
)
def test_install_command_of_every_installer(kind: Installer, prefix: str) -> None:
    command = install_command(REQUIREMENTS, kind)
    assert command.startswith(prefix)
    assert command.endswith(' "pyspark>=4.0" "pandas>=2.2,<3"')
