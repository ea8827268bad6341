"""Tests that a wrong system clock and misplaced files of a store are reported, and that no data is lost."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.snapshot.writer import write
from auditor.store.commit import with_digest
from tests.builders.service.command_line import AS_OF, Ran, call, contents, expect
from tests.builders.tenant.nights import START, night
from tests.builders.tenant.two_people import TWO_PEOPLE

pytestmark = pytest.mark.slow
FAR_FUTURE = "2272147200"
"""1 January 2042, in seconds since the epoch."""
PRUNE = ("store", "prune", "audits", "--keep", "35d,24m")


@pytest.fixture(scope="module")
def ten_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nights")
    for day in range(10):
        write(folder / "snapshots", night(TWO_PEOPLE, day))
    assert call("store", "put", "audits", "snapshots", cwd=folder).code == 0
    return folder / "audits"


@pytest.fixture
def nightly(ten_nights: Path, tmp_path: Path) -> Path:
    """The folder of a store with ten nights of one tenant, from 29 January 2026 on."""
    shutil.copytree(ten_nights, tmp_path / "audits")
    return tmp_path


def assert_clock_error(result: Ran) -> None:
    assert (result.code, result.out) == (2, b"")
    assert "keep-clock" in result.err
    assert "--as-of" in result.err


@pytest.mark.parametrize("options", [(), ("--delete",), ("--delete", "--tenant", "contoso")])
def test_prune_refuses_a_clock_far_ahead(options: tuple[str, ...], nightly: Path) -> None:
    before = contents(nightly / "audits")
    assert_clock_error(call(*PRUNE, *options, cwd=nightly, SOURCE_DATE_EPOCH=FAR_FUTURE))
    assert contents(nightly / "audits") == before


def test_variable_for_all_commands_does_not_confirm_a_clock_far_ahead(nightly: Path) -> None:
    before = contents(nightly / "audits")
    assert_clock_error(call(*PRUNE, "--delete", cwd=nightly, AUDITOR_AS_OF="2042-01-01"))
    assert contents(nightly / "audits") == before
    flagged = call(*PRUNE, "--delete", "--as-of", "2042-01-01", cwd=nightly, AUDITOR_AS_OF="2026-02-08")
    assert (flagged.code, flagged.text.count("deleted:")) == (0, 9)


def test_prune_of_results_refuses_a_clock_far_ahead(tmp_path: Path) -> None:
    call("audit", "--demo", "--as-of", AS_OF, "-f", "json", cwd=tmp_path)
    assert call("store", "put", "audits", "out/result.json", cwd=tmp_path).code == 0
    assert_clock_error(call(*PRUNE, "--delete", cwd=tmp_path, SOURCE_DATE_EPOCH=FAR_FUTURE))


def test_prune_accepts_an_explicit_date_far_ahead(nightly: Path) -> None:
    pruned = call(*PRUNE, "--delete", "--as-of", "2042-01-01", cwd=nightly)
    assert (pruned.code, pruned.text.count("deleted:")) == (0, 9)
    assert call("store", "check", "audits", cwd=nightly).code == 0


@pytest.mark.parametrize(
    ("interval", "delay", "code"), [(1, 7, 0), (1, 8, 2), (7, 20, 0), (7, 22, 2), (30, 89, 0), (30, 92, 2)]
)
def test_clock_tolerance_depends_on_the_interval_of_nights(
    interval: int, delay: int, code: int, tmp_path: Path
) -> None:
    for number in range(4):
        write(tmp_path / "snapshots", night(TWO_PEOPLE, interval * number))
    assert call("store", "put", "audits", "snapshots", cwd=tmp_path).code == 0
    newest = json.loads(call("store", "list", "audits", "--json", cwd=tmp_path).out)[-1]["instant"]
    now = (datetime.fromisoformat(newest) + timedelta(days=delay)).timestamp()
    assert call(*PRUNE, cwd=tmp_path, SOURCE_DATE_EPOCH=str(int(now))).code == code


def test_tenant_no_longer_collected_does_not_prevent_pruning_of_others(nightly: Path) -> None:
    later = night(TWO_PEOPLE, 400)
    later = replace(later, manifest=replace(later.manifest, tenant="fabrikam"))
    assert call("store", "put", "audits", write(nightly / "later", later), cwd=nightly).code == 0
    now = str(int((START + timedelta(days=401)).timestamp()))
    assert call(*PRUNE, "--delete", cwd=nightly, SOURCE_DATE_EPOCH=now).text.count("deleted:") == 7


@pytest.fixture(scope="module")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    completed = call("audit", "--demo", "--as-of", AS_OF, "--store", "audits", "-f", "json", cwd=folder)
    assert completed.code in {0, 1, 3}, completed.err
    return folder / "audits"


@pytest.fixture
def demo_copy(demo_store: Path, tmp_path: Path) -> Path:
    """A copy of a store with a result of each of the two demo tenants."""
    return shutil.copytree(demo_store, tmp_path / "audits")


def swap(first: Path, second: Path) -> None:
    temporary = first.with_name("beside")
    first.rename(temporary)
    second.rename(first)
    temporary.rename(second)


@pytest.mark.parametrize("kind", ["results", "nights", "results/000001.json", ""])
def test_results_and_nights_of_another_tenant_are_reported(kind: str, demo_copy: Path) -> None:
    expect(0, "history", "audits", "--tenant", "contoso", "-f", "json", cwd=demo_copy.parent)
    swap(demo_copy / "contoso" / kind, demo_copy / "fabrikam" / kind)
    after = call("history", "audits", "--tenant", "contoso", "-f", "json", cwd=demo_copy.parent)
    assert (after.code, after.out) == (2, b"")
    assert "store-damaged" in after.err
    assert "fabrikam" in after.err
    checked = call("store", "check", "audits", "--json", cwd=demo_copy.parent)
    problems = [row["wrong"] for row in json.loads(checked.out) if row["wrong"] is not None]
    assert checked.code == 3
    assert any("belongs to the tenant fabrikam" in text and "is stored under contoso" in text for text in problems)
    assert any("belongs to the tenant contoso" in text and "is stored under fabrikam" in text for text in problems)
    if kind != "nights":
        curves = call(
            "audit", "--demo", "--as-of", "2026-11-21", "--history", "audits", "-f", "json", cwd=demo_copy.parent
        )
        assert (curves.code, "store-damaged" in curves.err) == (3, True), "reports are written without curves"


def test_results_of_earlier_versions_without_tenant_name_are_read(demo_copy: Path) -> None:
    """Commits of earlier versions name the tenant only in the name of their findings."""
    path = demo_copy / "contoso" / "results" / "000001.json"
    document = json.loads(path.read_bytes())
    del document["digest"], document["tenant"]
    path.write_bytes(with_digest(document))
    assert call("history", "audits", "--tenant", "contoso", cwd=demo_copy.parent).code == 0
    shutil.copy(path, demo_copy / "fabrikam" / "results" / "000001.json")
    assert call("history", "audits", "--tenant", "fabrikam", cwd=demo_copy.parent).code == 2
