"""A store whose clock, or whose files' places, are not what they should be: told, and nothing is lost or mixed up."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.snapshot.writer import write
from auditor.store.commit import sealed
from tests.builders.service.command_line import AS_OF, Ran, call, contents
from tests.builders.tenant.nights import START, night
from tests.builders.tenant.two_people import TWO_PEOPLE

FAR = "2272147200"
"""1 January 2042, in seconds."""
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
    """Ten nights of one tenant, from 29 January 2026 on."""
    shutil.copytree(ten_nights, tmp_path / "audits")
    return tmp_path


def refused(ran: Ran) -> None:
    assert (ran.code, ran.out) == (2, b"")
    assert "keep-clock" in ran.err
    assert "--as-of" in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--delete",), ("--delete", "--tenant", "contoso")])
def test_a_clock_far_ahead_deletes_nothing(options: tuple[str, ...], nightly: Path) -> None:
    before = contents(nightly / "audits")
    refused(call(*PRUNE, *options, cwd=nightly, SOURCE_DATE_EPOCH=FAR))
    assert contents(nightly / "audits") == before


@pytest.mark.slow
def test_a_clock_far_ahead_takes_no_findings_where_only_results_are_kept(tmp_path: Path) -> None:
    call("audit", "--demo", "--as-of", AS_OF, "-f", "json", cwd=tmp_path)
    assert call("store", "put", "audits", "out/result.json", cwd=tmp_path).code == 0
    refused(call(*PRUNE, "--delete", cwd=tmp_path, SOURCE_DATE_EPOCH=FAR))


@pytest.mark.slow
def test_an_instant_that_is_given_is_taken(nightly: Path) -> None:
    done = call(*PRUNE, "--delete", "--as-of", "2042-01-01", cwd=nightly)
    assert (done.code, done.text.count("deleted:")) == (0, 9)
    assert call("store", "check", "audits", cwd=nightly).code == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("apart", "late", "code"), [(1, 7, 0), (1, 8, 2), (7, 20, 0), (7, 22, 2), (30, 89, 0), (30, 92, 2)]
)
def test_how_far_ahead_depends_on_how_often_the_store_is_written_to(
    apart: int, late: int, code: int, tmp_path: Path
) -> None:
    for number in range(4):
        write(tmp_path / "snapshots", night(TWO_PEOPLE, apart * number))
    assert call("store", "put", "audits", "snapshots", cwd=tmp_path).code == 0
    newest = json.loads(call("store", "list", "audits", "--json", cwd=tmp_path).out)[-1]["instant"]
    now = (datetime.fromisoformat(newest) + timedelta(days=late)).timestamp()
    assert call(*PRUNE, cwd=tmp_path, SOURCE_DATE_EPOCH=str(int(now))).code == code


@pytest.mark.slow
def test_a_tenant_that_is_collected_no_longer_does_not_stop_retention_of_the_others(nightly: Path) -> None:
    later = night(TWO_PEOPLE, 400)
    later = replace(later, manifest=replace(later.manifest, tenant="fabrikam"))
    assert call("store", "put", "audits", write(nightly / "later", later), cwd=nightly).code == 0
    now = str(int((START + timedelta(days=401)).timestamp()))
    assert call(*PRUNE, "--delete", cwd=nightly, SOURCE_DATE_EPOCH=now).text.count("deleted:") == 7


@pytest.fixture(scope="module")
def demo_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    done = call("audit", "--demo", "--as-of", AS_OF, "--store", "audits", "-f", "json", cwd=folder)
    assert done.code in {0, 1, 3}, done.err
    return folder / "audits"


@pytest.fixture
def two(demo_store: Path, tmp_path: Path) -> Path:
    """A store of the two built-in tenants, with a result of each."""
    return shutil.copytree(demo_store, tmp_path / "audits")


def swap(one: Path, other: Path) -> None:
    beside = one.with_name("beside")
    one.rename(beside)
    other.rename(one)
    beside.rename(other)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["results", "nights", "results/000001.json", ""])
def test_results_and_nights_of_another_tenant_are_reported_and_not_believed(kind: str, two: Path) -> None:
    right = call("history", "audits", "--tenant", "contoso", "-f", "json", cwd=two.parent)
    assert right.code == 0, right.err
    swap(two / "contoso" / kind, two / "fabrikam" / kind)
    asked = call("history", "audits", "--tenant", "contoso", "-f", "json", cwd=two.parent)
    assert (asked.code, asked.out) == (2, b"")
    assert "store-damaged" in asked.err
    assert "fabrikam" in asked.err
    checked = call("store", "check", "audits", "--json", cwd=two.parent)
    wrong = [each["wrong"] for each in json.loads(checked.out) if each["wrong"] is not None]
    assert checked.code == 3
    assert any("belongs to the tenant fabrikam" in text and "is stored under contoso" in text for text in wrong)
    assert any("belongs to the tenant contoso" in text and "is stored under fabrikam" in text for text in wrong)
    if kind != "nights":
        curves = call("audit", "--demo", "--as-of", "2026-11-21", "--history", "audits", "-f", "json", cwd=two.parent)
        assert (curves.code, "store-damaged" in curves.err) == (3, True), "the reports come without curves"


@pytest.mark.slow
def test_a_result_without_the_tenants_name_is_read_as_before(two: Path) -> None:
    """Commits of earlier versions name the tenant in the name of their findings alone."""
    path = two / "contoso" / "results" / "000001.json"
    document = json.loads(path.read_bytes())
    del document["digest"], document["tenant"]
    path.write_bytes(sealed(document))
    assert call("history", "audits", "--tenant", "contoso", cwd=two.parent).code == 0
    shutil.copy(path, two / "fabrikam" / "results" / "000001.json")
    assert call("history", "audits", "--tenant", "fabrikam", cwd=two.parent).code == 2
