"""Tests that the wheel contains exactly the files of the folders `auditor`, `policies` and `reports`."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.localization.catalogue_messages import LANGUAGES
from tests.package.tree import MAPPED, ROOT, files, packed_names


def setuptools_table() -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table = project["tool"]["setuptools"]
    assert isinstance(table, dict)
    return table


def test_package_list_in_pyproject_matches_the_source_tree() -> None:
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in files("auditor") if path.name == "__init__.py"
    }
    assert set(setuptools_table()["packages"]) == packages | set(MAPPED.values())


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in files("auditor") if path.suffix == ".py"}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("folder", sorted(MAPPED))
def test_data_folder_contains_no_code_except_init(folder: str) -> None:
    code = [path.relative_to(ROOT).as_posix() for path in files(folder) if path.suffix == ".py"]
    assert code == [f"{folder}/__init__.py"]
    assert (ROOT / folder / "__init__.py").read_text(encoding="utf-8").count("\n") == 1


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the files that `.dockerignore` includes in the image, without earlier build products."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for path in files(*(line.removeprefix("!") for line in lines if line.startswith("!"))):
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), "."]
    completed = subprocess.run(pip, cwd=source, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    (archive,) = folder.glob("*.whl")
    return archive


def test_dockerfile_copies_existing_files_and_sets_a_non_root_user() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", text) for word in line.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert re.findall(r"(?m)^USER (\d+):(\d+)$", text) == [("10001", "10001")]


@pytest.mark.slow
def test_wheel_contains_the_three_folders_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = sorted(name for name in archive.namelist() if ".dist-info/" not in name)
        meta = {name.rpartition(".dist-info/")[2] for name in archive.namelist() if ".dist-info/" in name}
    assert packed == packed_names()
    assert "licenses/LICENSE" in meta


@pytest.mark.slow
def test_wheel_runs_without_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    """The program runs from the zip file: packaged data must be readable without a folder."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "own.yaml").write_text("version: 2\n", encoding="utf-8")
    code = (
        "import auditor.resources as resources, auditor\n"
        "print(auditor.__file__)\n"
        "print(sorted(entry.name for entry in resources.policies().iterdir() if entry.name.endswith('.yaml')))\n"
        "print(resources.schema('policy')[:1], resources.schema_names())\n"
        "from auditor.localization import languages, localization\n"
        "print(*languages(), localization('de').gettext('error'))\n"
    )
    path = os.pathsep.join([str(wheel), *(entry for entry in sys.path if entry.endswith("site-packages"))])
    environment = {**os.environ, "PYTHONPATH": path}
    completed = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stderr
    location, policies, schema, lines = completed.stdout.splitlines()
    assert str(wheel) in location
    assert "capacity.yaml" in policies
    assert "own.yaml" not in policies
    assert schema.startswith("{")
    assert lines == " ".join(("en", *LANGUAGES, "Fehler"))
