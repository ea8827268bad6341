"""A tenant's name that is a path writes nothing anywhere, whoever read it and however it came in."""

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
from auditor.findings.stats import sums
from auditor.history.result_log import Ledger
from auditor.render.html.content import PageContent
from auditor.snapshot.writer import SnapshotWriter, write
from auditor.store.objects.backends import FolderBackend
from auditor.store.store import Store
from tests.builders.result.results import result
from tests.builders.service.command_line import AS_OF, call, contents
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


def named(name: str) -> Result:
    """A result whose first tenant has another name."""
    found = result()
    first, *others = found.tenants
    return replace(found, tenants=(replace(first, name=name), *others))


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder deep below the temporary one, so that what escapes from it is still seen."""
    folder = tmp_path / "one" / "two" / "three" / "four"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("demo")
    done = call("audit", "--demo", "--as-of", AS_OF, "-f", "json=result.json", "-q", cwd=folder)
    assert done.code == 1, done.err
    found = json.loads((folder / "result.json").read_bytes())
    assert isinstance(found, dict)
    return found


def saved(document: dict[str, Any], folder: Path, name: str, file: str = "result.json") -> None:
    """Save a result in which contoso is called something else."""
    tenants = [{**each, "name": name} if each["name"] == "contoso" else each for each in document["tenants"]]
    (folder / file).write_text(json.dumps({**document, "tenants": tenants}), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["../../../escaped", "{there}/../escaped"])
@pytest.mark.parametrize(
    "command",
    [
        ("report", "result.json", "-q", "-f", "html,json,csv"),
        ("report", "result.json", "other.json", "-q"),
        ("store", "put", "store", "result.json", "-q"),
    ],
)
def test_a_result_from_elsewhere_writes_nothing_outside(
    command: tuple[str, ...], name: str, there: Path, tmp_path: Path, document: dict[str, Any]
) -> None:
    name = name.replace("{there}", str(there))
    one = {**document, "tenants": document["tenants"][:1]}
    saved(document if "other.json" not in command else one, there, name)
    saved({**document, "tenants": document["tenants"][1:]}, there, name, "other.json")
    before = contents(tmp_path)
    done = call(*command, cwd=there)
    assert done.code == 2, done.err
    new = {path for path in contents(tmp_path).keys() - before.keys() if "one/two/three/four/store" not in path}
    assert new == set()


@pytest.mark.parametrize("name", NAMES)
def test_the_files_of_a_tenant_need_a_name_of_one(name: str, there: Path, tmp_path: Path) -> None:
    before = contents(tmp_path)
    wanted = outputs([("json", None)], there / "out")
    with pytest.raises(SnapshotError) as refused:
        write_reports(named(name), PageContent(named(name), "en"), wanted)
    assert refused.value.slug == "output-name"
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["../../../escaped", "/tmp/auditor-escaped", "..", "Ann", "con"])
def test_a_store_keeps_nothing_under_such_a_name(name: str, there: Path, tmp_path: Path) -> None:
    store = Store(FolderBackend(there / "store")).create()
    before = contents(tmp_path)
    hostile = named(name)
    with pytest.raises(AuditorError):
        Ledger(store.backend, name).put(hostile, hostile.tenants[0], sums(hostile.tenants[0].findings))
    assert contents(tmp_path) == before


def test_a_store_deletes_nothing_outside(there: Path) -> None:
    kept = there / "kept.json"
    kept.write_text("{}")
    (there / "store").mkdir()
    (there / "store" / "contoso").symlink_to(there)
    for name in ("../kept.json", str(kept), "contoso/kept.json", "contoso/../../kept.json"):
        with pytest.raises(DeliveryError):
            FolderBackend(there / "store").remove(name)
    assert kept.exists()


def from_store(name: str, root: Path) -> None:
    state = night(TWO_PEOPLE, 0)
    store = Store(FolderBackend(root / "store")).create()
    found, _ = store.put(write(root / "snapshots", state))
    store.restore(replace(found, manifest=replace(found.manifest, tenant=name)), root / "restored")


@pytest.mark.parametrize("name", ["../../../escaped", "../escaped", ".."])
@pytest.mark.parametrize(
    "writing",
    [
        lambda name, root: SnapshotWriter(root / "snapshots", name, "2026-11-20T021700Z"),
        lambda name, root: write(root / "snapshots", replace(night(TWO_PEOPLE, 0), manifest=named_manifest(name))),
        from_store,
    ],
    ids=["writer", "write", "restore"],
)
def test_a_snapshot_stays_below_its_root(
    writing: Callable[[str, Path], object], name: str, there: Path, tmp_path: Path
) -> None:
    with pytest.raises(AuditorError):
        writing(name, there)
    assert not list(tmp_path.rglob("*escaped*"))
    assert [path.name for path in (there.parent).iterdir()] == ["four"]


def named_manifest(name: str) -> Any:
    return replace(night(TWO_PEOPLE, 0).manifest, tenant=name)


@pytest.mark.parametrize("name", ["contoso", "a", "0-9", "a" * 63])
def test_good_names_pass(name: str) -> None:
    assert tenant_name(name) == name
    assert object_parts(f"{name}/nights/2026-01-29T021700Z.json") == (name, "nights", "2026-01-29T021700Z.json")


@pytest.mark.parametrize(
    "name", ["/etc/x", "../x", "a/../b", "a//b", "a/", "a/.hidden", "A/nights/x", "a/b\\c", "a/nul.json"]
)
def test_objects_have_plain_names(name: str) -> None:
    with pytest.raises(SnapshotError):
        object_parts(name)


@pytest.mark.parametrize("names", [("..", "x"), ("a", ".."), ("a/b", "x"), ("", "x"), ("x", "")])
def test_no_part_of_a_path_leads_up(names: tuple[str, ...], there: Path, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError):
        write_all([(ChildFile(there, names), [b"x"])])
    assert [path for path in tmp_path.rglob("*") if path.is_file() or path.is_relative_to(there.parent / "x")] == []
