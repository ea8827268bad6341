"""The same store in Azure Blob and S3: nights come back, two writers never mix, and what is wrong is told."""

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

ASKED = ("id", "accountEnabled", "assignedLicenses")


@pytest.fixture(
    scope="module", params=[pytest.param("azure", marks=pytest.mark.slow), pytest.param("s3", marks=pytest.mark.slow)]
)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    start = azurite if request.param == "azure" else moto
    with start(tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def workspace(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and an environment that signs in at the server."""
    for name, value in {**server.environment, "AUDITOR_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    return tmp_path


def ran(workspace: Path, server: Server, *arguments: str) -> Ran:
    return call(*arguments, cwd=workspace, AUDITOR_CACHE=str(workspace / "cache"), **server.environment)


@pytest.mark.slow
def test_nights_go_there_and_come_back_and_are_audited_and_thinned_out(server: Server, workspace: Path) -> None:
    address = f"{server.address}/whole"
    given = [
        write(workspace / "snapshots", night({**TWO_PEOPLE, "users": users}, day, asked=ASKED))
        for day, users in enumerate([[ANN, BOB], [ANN, {**BOB, "accountEnabled": False}], [ANN]])
    ]
    put = ran(workspace, server, "store", "put", address, "snapshots")
    assert (put.code, put.err.count("snapshot stored")) == (0, 3), put.err
    for folder in given:
        back = ran(
            workspace, server, "store", "get", address, "contoso", "--as-of", f"{folder.name[:13]}:59:00Z", "-o", "back"
        )
        assert back.code == 0, back.err
        assert_same_tables(folder, workspace / back.text.strip())
    assert (workspace / "cache").is_dir()
    audited = ran(
        workspace, server, "audit", "p.yaml", "--snapshot", address, "--as-of", "2026-01-31", "-f", "json=-", "-q"
    )
    assert (audited.code, len(json.loads(audited.out)["tenants"][0]["findings"])) == (1, 2), audited.err
    done = ran(workspace, server, "history", address, "-f", "json")
    assert json.loads(done.out)["tenants"][0]["nights"] == 3
    gone = ran(workspace, server, "store", "prune", address, "--keep", "1d", "--as-of", "2026-11-22", "--delete")
    assert gone.text.count("deleted") == 2, gone.err
    assert (
        json.loads(ran(workspace, server, "store", "list", address, "--json").out)[0]["instant"]
        == "2026-01-31T02:17:00Z"
    )
    assert ran(workspace, server, "store", "check", address).code == 0


@pytest.mark.slow
def test_of_two_writers_of_one_night_one_comes_first_and_nothing_is_mixed(server: Server, workspace: Path) -> None:
    address = parse(f"{server.address}/two")
    one = write(workspace / "one", night({**TWO_PEOPLE, "users": [ANN]}, 0))
    two = write(workspace / "two", night({**TWO_PEOPLE, "users": [ANN, BOB]}, 0))
    Store(backend_of(address)).create()

    def put(folder: Path) -> str:
        try:
            return Store(backend_of(address)).put(folder)[0].identity
        except SnapshotError as error:
            return error.slug

    with ThreadPoolExecutor(2) as pool:
        outcome = sorted(pool.map(put, [one, two]))
    assert outcome[1] == "store-exists"
    (kept,) = Store(backend_of(address)).nights()
    assert kept.identity == outcome[0]
    assert_same_tables(
        one if len(kept.row_groups) and kept.row_groups[0] == 1 else two,
        Store(backend_of(address)).restore(kept, workspace),
    )


@pytest.mark.usefixtures("workspace")
def test_an_object_is_created_once(server: Server) -> None:
    far = backend_of(parse(f"{server.address}/once"))
    assert [far.create("a/b", b"first"), far.create("a/b", b"second")] == [True, False]
    assert (far.read("a/b"), far.read("a/c"), far.names("a")) == (b"first", None, ("a/b",))
    far.remove("a/b")
    far.remove("a/b")
    assert far.names("") == ()


def test_a_container_that_is_not_there_is_one_clear_error(server: Server, workspace: Path) -> None:
    scheme = server.address.split("://")[0]
    done = ran(workspace, server, "audit", "p.yaml", "--snapshot", f"{scheme}://nobody-has-this/x")
    assert done.code == 2
    assert "error[store-" in done.err
    assert "Traceback" not in done.err


@pytest.mark.slow
def test_a_cached_object_that_was_changed_is_fetched_again(server: Server, workspace: Path) -> None:
    address = f"{server.address}/cache"
    write(workspace / "snapshots", night(TWO_PEOPLE, 0, asked=ASKED))
    assert ran(workspace, server, "store", "put", address, "snapshots").code == 0
    assert ran(workspace, server, "store", "get", address, "contoso", "-o", "a").code == 0
    (kept,) = (workspace / "cache").rglob("*.zip")
    kept.write_bytes(b"harm")
    assert ran(workspace, server, "store", "get", address, "contoso", "-o", "b").code == 0
