"""`auditor store` and `audit --as-of` as people use them: what was true on that day."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.snapshot.writer import write
from tests.builders.service.command_line import call, contents, expect
from tests.builders.tenant.nights import START, night
from tests.builders.tenant.two_people import ANN, BLOCKED_POLICY, BOB, TWO_PEOPLE

LATER = "2027-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights: Bob is blocked on the second, and gone on the third."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "p.yaml").write_text(BLOCKED_POLICY)
    for day, users in enumerate([[ANN, BOB], [ANN, {**BOB, "accountEnabled": False}], [ANN]]):
        state = {**TWO_PEOPLE, "users": users}
        write(folder / "snapshots", night(state, day, asked=("id", "accountEnabled", "assignedLicenses")))
    expect(0, "store", "put", "audits", "snapshots", cwd=folder)
    return folder


@pytest.fixture
def workspace(stored: Path, tmp_path: Path) -> Path:
    """A copy of the nights, which the test may change."""
    return shutil.copytree(stored, tmp_path, dirs_exist_ok=True)


def audited(workspace: Path, where: str, *options: str) -> tuple[int, int]:
    done = call(
        "audit", "p.yaml", "--snapshot", where, "-f", "json=-", "-q", "--tenant", "contoso", *options, cwd=workspace
    )
    assert done.out, done.err
    result = json.loads(done.out)
    return done.code, len(result["tenants"][0]["findings"])


@pytest.mark.slow
@pytest.mark.parametrize("where", ["audits", "snapshots"])
@pytest.mark.parametrize(("day", "findings"), [(0, 0), (1, 2), (2, 0)])
def test_an_audit_as_of_an_instant_sees_the_latest_night_not_after_it(
    where: str, day: int, findings: int, workspace: Path
) -> None:
    at = (START + timedelta(days=day, hours=3)).isoformat().replace("+00:00", "Z")
    assert audited(workspace, where, "--as-of", at) == (1 if findings else 0, findings)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["audits", "snapshots"])
def test_without_an_instant_it_is_the_latest_night(where: str, workspace: Path) -> None:
    assert audited(workspace, where) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["audits", "snapshots"])
def test_an_instant_before_the_first_night_is_one_clear_error(where: str, workspace: Path) -> None:
    done = call("audit", "p.yaml", "--snapshot", where, "--as-of", "2020-01-01", cwd=workspace)
    assert (done.code, done.out) == (2, b"")
    assert "snapshot-later" in done.err


def fabrikam(workspace: Path, day: int) -> None:
    snapshot = night({**TWO_PEOPLE, "users": [ANN]}, day, asked=("id", "accountEnabled", "assignedLicenses"))
    write(workspace / "snapshots", replace(snapshot, manifest=replace(snapshot.manifest, tenant="fabrikam")))


@pytest.mark.slow
@pytest.mark.parametrize("nights", [3, 1])
@pytest.mark.parametrize("where", ["audits", "snapshots"])
def test_a_tenant_that_has_only_a_later_night_is_not_audited_and_says_so(
    where: str, nights: int, workspace: Path
) -> None:
    for folder in sorted((workspace / "snapshots" / "contoso").iterdir())[nights:]:
        shutil.rmtree(folder)
    fabrikam(workspace, 3)
    assert call("store", "put", "audits", "snapshots", cwd=workspace).code == 0
    at = (START + timedelta(hours=3)).isoformat()
    done = expect(3, "audit", "p.yaml", "--snapshot", where, "--as-of", at, "-f", "json=-", "-q", cwd=workspace)
    contoso, other = json.loads(done.out)["tenants"]
    assert (contoso["name"], contoso["failure"]) == ("contoso", None)
    assert other["name"] == "fabrikam"
    assert "the first is of 2026-02-01T02:17:00Z" in other["failure"]


@pytest.mark.slow
def test_a_fleet_that_was_collected_once_is_judged_by_the_instant_before_it(workspace: Path) -> None:
    shutil.rmtree(workspace / "snapshots")
    fabrikam(workspace, 3)
    snapshot = night({**TWO_PEOPLE, "users": [ANN]}, 4, asked=("id", "accountEnabled", "assignedLicenses"))
    write(workspace / "snapshots", snapshot)
    at = (START + timedelta(days=2, hours=23)).isoformat()
    done = expect(0, "audit", "p.yaml", "--snapshot", "snapshots", "--as-of", at, "-f", "json=-", "-q", cwd=workspace)
    assert [tenant["name"] for tenant in json.loads(done.out)["tenants"]] == ["contoso", "fabrikam"]


@pytest.mark.slow
def test_a_single_snapshot_is_judged_by_any_instant(workspace: Path) -> None:
    assert audited(workspace, "snapshots/contoso/2026-01-30T021700Z", "--as-of", "2020-01-01") == (1, 2)


@pytest.mark.slow
def test_a_store_without_results_does_not_know_since_when(workspace: Path) -> None:
    asked = call("history", "audits", "--policy", "blocked", cwd=workspace)
    assert (asked.code, asked.out) == (2, b"")
    assert "history-results" in asked.err


@pytest.mark.slow
def test_a_night_comes_back_as_a_folder(workspace: Path) -> None:
    done = call("store", "get", "audits", "contoso", "--as-of", "2026-01-31", "-o", "back", cwd=workspace)
    assert done.text.strip() == "back/contoso/2026-01-30T021700Z"
    assert audited(workspace, done.text.strip()) == (1, 2)


@pytest.mark.slow
def test_prune_lists_first_and_deletes_only_with_the_option(workspace: Path) -> None:
    prune = ("store", "prune", "audits", "--keep", "1d", "--as-of", "2026-06-01")
    ran = call(*prune, cwd=workspace)
    assert ran.text.count("would be deleted") == 2
    assert "add --delete" in ran.err
    assert len(json.loads(call("store", "list", "audits", "--json", cwd=workspace).out)) == 3
    done = call(*prune, "--delete", cwd=workspace)
    assert done.text.count("deleted") == 2
    left = json.loads(call("store", "list", "audits", "--json", cwd=workspace).out)
    assert [each["instant"] for each in left] == ["2026-01-31T02:17:00Z"]
    assert call("store", "check", "audits", cwd=workspace).code == 0
    assert audited(workspace, "audits") == (0, 0)


@pytest.mark.slow
def test_nights_that_stay_and_cannot_be_restored_keep_all_others(workspace: Path) -> None:
    """The newest night is whole by itself; the one before it would stay too, and lacks what it is built on."""
    parts = sorted((workspace / "audits" / "contoso" / "parts").iterdir())
    body = parts[1].read_bytes()
    parts[1].unlink()
    at = (START + timedelta(days=34, hours=1)).isoformat()
    prune = ("store", "prune", "audits", "--keep", "34d", "--as-of", at, "--delete")
    before = contents(workspace / "audits")
    for options in (prune[:-1], prune):
        done = call(*options, cwd=workspace)
        assert (done.code, done.out) == (2, b"")
        assert "store-damaged" in done.err
        assert "nothing was deleted" in done.err
        assert parts[1].name in done.err
        assert contents(workspace / "audits") == before
    parts[1].write_bytes(body)
    assert call(*prune, cwd=workspace).text.count("deleted") == 1


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["", "35", "d", "0d", "35d,35d", "35d;24m", "-1d", "1y"])
def test_a_policy_of_retention_that_is_not_understood_deletes_nothing(keep: str, workspace: Path) -> None:
    done = expect(2, "store", "prune", "audits", f"--keep={keep}", "--delete", cwd=workspace)
    assert "keep-wrong" in done.err
    assert len(json.loads(call("store", "list", "audits", "--json", cwd=workspace).out)) == 3


@pytest.mark.slow
def test_a_clock_that_runs_backwards_deletes_nothing(workspace: Path) -> None:
    done = expect(
        2, "store", "prune", "audits", "--keep", "1d", "--delete", cwd=workspace, SOURCE_DATE_EPOCH="1000000000"
    )
    assert "keep-clock" in done.err


@pytest.mark.slow
def test_a_damaged_store_is_reported_by_check(workspace: Path) -> None:
    part = min((workspace / "audits" / "contoso" / "parts").iterdir())
    part.write_bytes(b"")
    done = expect(3, "store", "check", "audits", cwd=workspace)
    assert "is not the object" in done.err
    refused = expect(2, "audit", "p.yaml", "--snapshot", "audits", "--as-of", "2026-01-30", cwd=workspace)
    assert "store-damaged" in refused.err


@pytest.mark.slow
def test_a_damaged_commit_is_reported_by_check_beside_the_nights_that_are_whole(workspace: Path) -> None:
    commits = sorted((workspace / "audits" / "contoso" / "nights").iterdir())
    commits[0].write_bytes(commits[0].read_bytes()[:100])
    done = expect(3, "store", "check", "audits", "--json", cwd=workspace)
    found = json.loads(done.out)
    assert [each["wrong"] is None for each in found] == [False] + [True] * (len(commits) - 1)
    assert commits[0].name in found[0]["wrong"]
    assert call("store", "check", "audits", "--tenant", "nobody", cwd=workspace).code == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("address", "slug"),
    [
        ("gs://bucket/x", "store-address"),
        ("s3://key:secret@bucket/x", "store-address"),
        ("az://box/x?sig=secret", "store-address"),
        ("s3:///x", "store-address"),
        ("nowhere", "snapshot-missing"),
    ],
)
def test_a_place_that_is_none_is_one_clear_error(address: str, slug: str, workspace: Path) -> None:
    done = expect(2, "audit", "p.yaml", "--snapshot", address, cwd=workspace)
    assert slug in done.err
    assert "secret" not in done.err
