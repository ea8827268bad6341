"""Tests stores in Azure Blob Storage and S3: restoring nights, concurrent writers, and errors."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from auditor.domain.errors import SnapshotError
from auditor.snapshot.writer import write
from auditor.store.objects.location import backend_of, parse
from auditor.store.store import Store
from tests.builders.service.command_line import Ran, call
from tests.builders.service.object_stores import Server, azurite, moto
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, BLOCKED_POLICY, BOB, TWO_PEOPLE, assert_same_tables

PROPERTIES = ("id", "accountEnabled", "assignedLicenses")


@pytest.fixture(
    scope="module", params=[pytest.param("azure", marks=pytest.mark.slow), pytest.param("s3", marks=pytest.mark.slow)]
)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    start = azurite if request.param == "azure" else moto
    with start(tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def workspace(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, with environment variables that sign in to the server."""
    for name, value in {**server.environment, "AUDITOR_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    return tmp_path


def run(workspace: Path, server: Server, *arguments: str) -> Ran:
    return call(*arguments, cwd=workspace, AUDITOR_CACHE=str(workspace / "cache"), **server.environment)


@pytest.mark.slow
def test_nights_are_stored_restored_audited_and_pruned(server: Server, workspace: Path) -> None:
    address = f"{server.address}/whole"
    folders = [
        write(workspace / "snapshots", night({**TWO_PEOPLE, "users": users}, day, asked=PROPERTIES))
        for day, users in enumerate([[ANN, BOB], [ANN, {**BOB, "accountEnabled": False}], [ANN]])
    ]
    stored = run(workspace, server, "store", "put", address, "snapshots")
    assert (stored.code, stored.err.count("snapshot stored")) == (0, 3), stored.err
    for folder in folders:
        restored = run(
            workspace, server, "store", "get", address, "contoso", "--as-of", f"{folder.name[:13]}:59:00Z", "-o", "back"
        )
        assert restored.code == 0, restored.err
        assert_same_tables(folder, workspace / restored.text.strip())
    assert (workspace / "cache").is_dir()
    audited = run(
        workspace, server, "audit", "p.yaml", "--snapshot", address, "--as-of", "2026-01-31", "-f", "json=-", "-q"
    )
    assert (audited.code, len(json.loads(audited.out)["tenants"][0]["findings"])) == (1, 2), audited.err
    history = run(workspace, server, "history", address, "-f", "json")
    assert json.loads(history.out)["tenants"][0]["nights"] == 3
    pruned = run(workspace, server, "store", "prune", address, "--keep", "1d", "--as-of", "2026-11-22", "--delete")
    assert pruned.text.count("deleted") == 2, pruned.err
    assert (
        json.loads(run(workspace, server, "store", "list", address, "--json").out)[0]["instant"]
        == "2026-01-31T02:17:00Z"
    )
    assert run(workspace, server, "store", "check", address).code == 0


@pytest.mark.slow
def test_two_concurrent_writers_of_one_night_store_one_of_them(server: Server, workspace: Path) -> None:
    address = parse(f"{server.address}/two")
    first = write(workspace / "one", night({**TWO_PEOPLE, "users": [ANN]}, 0))
    second = write(workspace / "two", night({**TWO_PEOPLE, "users": [ANN, BOB]}, 0))
    Store(backend_of(address)).create()

    def put(folder: Path) -> str:
        try:
            return Store(backend_of(address)).put(folder)[0].identity
        except SnapshotError as error:
            return error.slug

    with ThreadPoolExecutor(2) as pool:
        outcome = sorted(pool.map(put, [first, second]))
    assert outcome[1] == "store-exists"
    (entry,) = Store(backend_of(address)).nights()
    assert entry.identity == outcome[0]
    assert_same_tables(
        first if len(entry.row_groups) and entry.row_groups[0] == 1 else second,
        Store(backend_of(address)).restore(entry, workspace),
    )


@pytest.mark.usefixtures("workspace")
def test_only_replace_overwrites_an_object(server: Server) -> None:
    backend = backend_of(parse(f"{server.address}/once"))
    assert [backend.create("a/b", b"first"), backend.create("a/b", b"second")] == [True, False]
    assert (backend.read("a/b"), backend.read("a/c"), backend.names("a")) == (b"first", None, ("a/b",))
    backend.replace("a/b", b"third")
    backend.replace("a/d", b"new")
    assert backend.read_many(["a/b", "a/d"]) == [b"third", b"new"]
    backend.remove("a/d")
    backend.remove("a/b")
    backend.remove("a/b")
    assert backend.names("") == ()


def test_missing_container_is_an_error(server: Server, workspace: Path) -> None:
    address = f"{server.address.split('://')[0]}://nobody-has-this/x"
    for command in (("audit", "p.yaml", "--snapshot"), ("audit", "--demo", "--store"), ("store", "list")):
        result = run(workspace, server, *command, address)
        assert result.code == 2
        assert f"error[store-missing]: the bucket or container of {address} does not exist" in result.err


@pytest.mark.slow
def test_damaged_cached_object_is_fetched_again(server: Server, workspace: Path) -> None:
    address = f"{server.address}/cache"
    write(workspace / "snapshots", night(TWO_PEOPLE, 0, asked=PROPERTIES))
    assert run(workspace, server, "store", "put", address, "snapshots").code == 0
    assert run(workspace, server, "store", "get", address, "contoso", "-o", "a").code == 0
    (cached,) = (workspace / "cache").rglob("*.zip")
    cached.write_bytes(b"harm")
    assert run(workspace, server, "store", "get", address, "contoso", "-o", "b").code == 0
