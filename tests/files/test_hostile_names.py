"""Tests that a tenant name that is a path writes nothing outside the output folder, whatever its source."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.app.report.outputs import outputs, write_reports
from auditor.deliver.report_folder import ChildFile, write_all
from auditor.domain.errors import AuditorError, DeliveryError, SnapshotError
from auditor.domain.result.model import Result
from auditor.files.names import object_parts, tenant_name
from auditor.findings.stats import monthly_cost
from auditor.history.result_log import ResultLog
from auditor.render.view.content import PageContent
from auditor.snapshot.writer import SnapshotWriter, write
from auditor.store.objects.backends import FolderBackend
from auditor.store.store import Store
from tests.builders.result.results import result
from tests.builders.service.command_line import AS_OF, contents, expect
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import TWO_PEOPLE

NAMES = [
    "../../../escaped",
    "/tmp/auditor-escaped",
    "..",
    ".",
    "",
    "a/b",
    "a\\b",
    "C:x",
    "con",
    "a\0b",
    "Ann",
    "é",
    "a" * 64,
]


def with_tenant_name(name: str) -> Result:
    """Return a result whose first tenant has this name."""
    original = result()
    first, *others = original.tenants
    return replace(original, tenants=(replace(first, name=name), *others))


@pytest.fixture
def deep_folder(tmp_path: Path) -> Path:
    """A folder deep below the temporary one, so that files that escape from it are still detected."""
    folder = tmp_path / "one" / "two" / "three" / "four"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("demo")
    expect(1, "audit", "--demo", "--as-of", AS_OF, "-f", "json=result.json", "-q", cwd=folder)
    saved_result = json.loads((folder / "result.json").read_bytes())
    assert isinstance(saved_result, dict)
    return saved_result


def save_renamed(document: dict[str, Any], folder: Path, name: str, file: str = "result.json") -> None:
    """Save a result in which the tenant contoso has another name."""
    tenants = [{**tenant, "name": name} if tenant["name"] == "contoso" else tenant for tenant in document["tenants"]]
    (folder / file).write_text(json.dumps({**document, "tenants": tenants}), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["../../../escaped", "{deep_folder}/../escaped"])
@pytest.mark.parametrize(
    "command",
    [
        ("report", "result.json", "-q", "-f", "html,json,csv"),
        ("report", "result.json", "other.json", "-q"),
        ("store", "put", "store", "result.json", "-q"),
    ],
)
def test_result_with_a_path_as_tenant_name_writes_nothing_outside(
    command: tuple[str, ...], name: str, deep_folder: Path, tmp_path: Path, document: dict[str, Any]
) -> None:
    name = name.replace("{deep_folder}", str(deep_folder))
    single_tenant = {**document, "tenants": document["tenants"][:1]}
    save_renamed(document if "other.json" not in command else single_tenant, deep_folder, name)
    save_renamed({**document, "tenants": document["tenants"][1:]}, deep_folder, name, "other.json")
    before = contents(tmp_path)
    expect(2, *command, cwd=deep_folder)
    new_paths = {path for path in contents(tmp_path).keys() - before.keys() if "one/two/three/four/store" not in path}
    assert new_paths == set()


@pytest.mark.parametrize("name", NAMES)
def test_reports_refuse_invalid_tenant_names(name: str, deep_folder: Path, tmp_path: Path) -> None:
    before = contents(tmp_path)
    targets = outputs(["json"], deep_folder / "out")
    with pytest.raises(SnapshotError) as caught:
        write_reports(with_tenant_name(name), PageContent(with_tenant_name(name), "en"), targets)
    assert caught.value.slug == "output-name"
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["../../../escaped", "/tmp/auditor-escaped", "..", "Ann", "con"])
def test_store_refuses_invalid_tenant_names(name: str, deep_folder: Path, tmp_path: Path) -> None:
    store = Store(FolderBackend(deep_folder / "store")).create()
    before = contents(tmp_path)
    hostile = with_tenant_name(name)
    with pytest.raises(AuditorError):
        ResultLog(store.backend, name).put(hostile, hostile.tenants[0], monthly_cost(hostile.tenants[0].findings))
    assert contents(tmp_path) == before


def test_store_deletes_nothing_outside_its_folder(deep_folder: Path) -> None:
    outside_file = deep_folder / "kept.json"
    outside_file.write_text("{}")
    (deep_folder / "store").mkdir()
    (deep_folder / "store" / "contoso").symlink_to(deep_folder)
    for name in ("../kept.json", str(outside_file), "contoso/kept.json", "contoso/../../kept.json"):
        with pytest.raises(DeliveryError):
            FolderBackend(deep_folder / "store").remove(name)
    assert outside_file.exists()


def restore_from_store(name: str, root: Path) -> None:
    state = night(TWO_PEOPLE, 0)
    store = Store(FolderBackend(root / "store")).create()
    entry, _ = store.put(write(root / "snapshots", state))
    store.restore(replace(entry, manifest=replace(entry.manifest, tenant=name)), root / "restored")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["../../../escaped", "../escaped", ".."])
@pytest.mark.parametrize(
    "write_snapshot",
    [
        lambda name, root: SnapshotWriter(root / "snapshots", name, "2026-11-20T021700Z"),
        lambda name, root: write(root / "snapshots", replace(night(TWO_PEOPLE, 0), manifest=renamed_manifest(name))),
        restore_from_store,
    ],
    ids=["writer", "write", "restore"],
)
def test_snapshots_are_written_only_below_their_root(
    write_snapshot: Callable[[str, Path], object], name: str, deep_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(AuditorError):
        write_snapshot(name, deep_folder)
    assert not list(tmp_path.rglob("*escaped*"))
    assert [path.name for path in (deep_folder.parent).iterdir()] == ["four"]


def renamed_manifest(name: str) -> Any:
    return replace(night(TWO_PEOPLE, 0).manifest, tenant=name)


@pytest.mark.parametrize("name", ["contoso", "a", "0-9", "a" * 63])
def test_valid_names_are_accepted(name: str) -> None:
    assert tenant_name(name) == name
    assert object_parts(f"{name}/nights/2026-01-29T021700Z.json") == (name, "nights", "2026-01-29T021700Z.json")


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "a/../b", "a//b", "a/", "a/.hidden", "A/nights/x", "a/b\\c", "a/nul.json"]
)
def test_invalid_object_names_are_refused(name: str) -> None:
    with pytest.raises(SnapshotError):
        object_parts(name)


@pytest.mark.parametrize("names", [("..", "x"), ("a", ".."), ("a/b", "x"), ("", "x"), ("x", "")])
def test_child_files_refuse_parent_folders(names: tuple[str, ...], deep_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError):
        write_all([(ChildFile(deep_folder, names), [b"x"])])
    assert [
        path for path in tmp_path.rglob("*") if path.is_file() or path.is_relative_to(deep_folder.parent / "x")
    ] == []
