"""The wheel contains exactly the files of the three folders."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.package.tree import MAPPED, ROOT, files, packed_names


def setuptools_table() -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table = project["tool"]["setuptools"]
    assert isinstance(table, dict)
    return table


def test_the_package_list_is_the_tree() -> None:
    own = {".".join(path.parent.relative_to(ROOT).parts) for path in files("auditor") if path.name == "__init__.py"}
    assert set(setuptools_table()["packages"]) == own | set(MAPPED.values())


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for path in files("auditor") if path.suffix == ".py"}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("folder", sorted(MAPPED))
def test_a_data_folder_holds_no_code(folder: str) -> None:
    code = [path.relative_to(ROOT).as_posix() for path in files(folder) if path.suffix == ".py"]
    assert code == [f"{folder}/__init__.py"]
    assert (ROOT / folder / "__init__.py").read_text(encoding="utf-8").count("\n") == 1


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of what `.dockerignore` lets into the image, without earlier build products."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for path in files(*(line.removeprefix("!") for line in lines if line.startswith("!"))):
        copy = source / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder), "."]
    built = subprocess.run(pip, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (made,) = folder.glob("*.whl")
    return made


def test_the_image_copies_what_exists_and_runs_as_its_own_user() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", text) for word in line.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert re.findall(r"(?m)^USER (\d+):(\d+)$", text) == [("10001", "10001")]


@pytest.mark.slow
def test_the_wheel_holds_the_three_folders_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = sorted(name for name in archive.namelist() if ".dist-info/" not in name)
        meta = {name.rpartition(".dist-info/")[2] for name in archive.namelist() if ".dist-info/" in name}
    assert packed == packed_names()
    assert "licenses/LICENSE" in meta


@pytest.mark.slow
def test_the_wheel_runs_where_no_source_is(wheel: Path, tmp_path: Path) -> None:
    """Run from the zip file: packaged data must be readable without a folder."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "own.yaml").write_text("version: 2\n", encoding="utf-8")
    code = (
        "import auditor.resources as doors, auditor\n"
        "print(auditor.__file__)\n"
        "print(sorted(entry.name for entry in doors.policies().iterdir() if entry.name.endswith('.yaml')))\n"
        "print(doors.schema('policy')[:1], doors.schema_names())\n"
        "from auditor.localization import languages, localization\n"
        "print(*languages(), localization('de').gettext('error'))\n"
    )
    path = os.pathsep.join([str(wheel), *(entry for entry in sys.path if entry.endswith("site-packages"))])
    environment = {**os.environ, "PYTHONPATH": path}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    where, policies, schema, lines = ran.stdout.splitlines()
    assert str(wheel) in where
    assert "capacity.yaml" in policies
    assert "own.yaml" not in policies
    assert schema.startswith("{")
    assert lines == "en da de nl sv tr Fehler"
