"""What is not installed is named with the command that adds it to this installation, however it was made."""

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
WANTED = ("pyspark>=4.0", "pandas>=2.2,<3")


def without(left_out: str, where: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program with the packages of this environment, except those whose name begins with `left_out`."""
    packages = Path(next(path for path in sys.path if path.endswith("site-packages")))
    fewer = where / "packages"
    fewer.mkdir()
    for item in packages.iterdir():
        if not item.name.lower().startswith(left_out):
            (fewer / item.name).symlink_to(item)
    return subprocess.run(
        [sys.executable, "-S", "-c", RUN, str(fewer), *arguments],
        cwd=where, env=clean_environment({"PYTHONPATH": str(ROOT)}), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("left_out", "arguments", "named"),
    [
        ("pyspark", ("audit", "--demo", "--engine", "spark"), '-m pip install "pyspark>=4.0"'),
        ("xlsxwriter", ("audit", "--demo", "-f", "xlsx"), '-m pip install "xlsxwriter>=3.2"'),
    ],
)
def test_a_missing_library_is_named_with_the_command(
    tmp_path: Path, left_out: str, arguments: tuple[str, ...], named: str
) -> None:
    ran = without(left_out, tmp_path, *arguments)
    assert ran.returncode == 2, ran.stderr
    assert named in ran.stderr
    assert "bug" not in ran.stderr


def test_what_is_installed_is_not_missing() -> None:
    assert missing_requirements(None) == ()


@pytest.mark.parametrize(
    ("file", "kind"), [("pipx_metadata.json", Installer.PIPX), ("uv-receipt.toml", Installer.UV_TOOL)]
)
def test_the_tool_that_keeps_an_environment_is_known(tmp_path: Path, file: str, kind: Installer) -> None:
    (tmp_path / file).touch()
    assert installer(tmp_path) is kind


@pytest.mark.parametrize(
    ("origin", "by", "kind", "source"),
    [
        ({"url": "file:///copy", "dir_info": {"editable": True}}, "pip", Installer.CHECKOUT, "/copy"),
        ({"url": "file:///a%20copy", "dir_info": {}}, "pip", Installer.PIP, "'/a copy'"),
        ({"url": "https://git.example/a", "vcs_info": {"vcs": "git"}}, "uv\n", Installer.UV, "git+https://git.example/a"),
        ({}, "uv", Installer.UV, installation.DISTRIBUTION),
    ],
)  # fmt: skip
@pytest.mark.skipif(os.name == "nt", reason="paths of another system")
def test_the_source_of_an_installation_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: dict[str, object], by: str, kind: Installer, source: str
) -> None:
    metadata = tmp_path / "m365_license_auditor-9.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: m365-license-auditor\nVersion: 9\n")
    (metadata / "INSTALLER").write_text(by)
    if origin:
        (metadata / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(tmp_path)
    assert installer(tmp_path) is kind
    added = install_command(WANTED, Installer.UV_TOOL)
    assert added == f'uv tool install --reinstall --with "pyspark>=4.0" --with "pandas>=2.2,<3" {source}'


def test_the_container_is_known_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_CONTAINER", "1")
    assert installer() is Installer.CONTAINER
    assert "AUDITOR_CONTAINER=1" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "begin"),
    [
        (Installer.PIPX, "pipx inject m365-license-auditor "),
        (Installer.UV, "uv pip install --python "),
        (Installer.CONTAINER, "RUN python -m pip install "),
    ],
)
def test_every_tool_has_its_command(kind: Installer, begin: str) -> None:
    command = install_command(WANTED, kind)
    assert command.startswith(begin)
    assert command.endswith(' "pyspark>=4.0" "pandas>=2.2,<3"')
