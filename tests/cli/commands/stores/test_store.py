"""`auditor store` and `audit --as-of`: audits of the nights in a store, restoring, pruning and checking."""

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

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stored_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights: Bob is blocked on the second, and deleted on the third."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "p.yaml").write_text(BLOCKED_POLICY)
    for day, users in enumerate([[ANN, BOB], [ANN, {**BOB, "accountEnabled": False}], [ANN]]):
        state = {**TWO_PEOPLE, "users": users}
        write(folder / "snapshots", night(state, day, asked=("id", "accountEnabled", "assignedLicenses")))
    expect(0, "store", "put", "audits", "snapshots", cwd=folder)
    return folder


@pytest.fixture
def workspace(stored_nights: Path, tmp_path: Path) -> Path:
    """A copy of the stored nights, which the test may change."""
    return shutil.copytree(stored_nights, tmp_path, dirs_exist_ok=True)


def audit(workspace: Path, location: str, *options: str) -> tuple[int, int]:
    completed = call(
        "audit", "p.yaml", "--snapshot", location, "-f", "json=-", "-q", "--tenant", "contoso", *options, cwd=workspace
    )
    assert completed.out, completed.err
    result = json.loads(completed.out)
    return completed.code, len(result["tenants"][0]["findings"])


@pytest.mark.parametrize("location", ["audits", "snapshots"])
@pytest.mark.parametrize(("day", "findings"), [(0, 0), (1, 2), (2, 0)])
def test_audit_as_of_an_instant_uses_the_latest_night_not_after_it(
    location: str, day: int, findings: int, workspace: Path
) -> None:
    instant = (START + timedelta(days=day, hours=3)).isoformat().replace("+00:00", "Z")
    assert audit(workspace, location, "--as-of", instant) == (1 if findings else 0, findings)


@pytest.mark.parametrize("location", ["audits", "snapshots"])
def test_audit_without_as_of_uses_the_latest_night(location: str, workspace: Path) -> None:
    assert audit(workspace, location) == (0, 0)


@pytest.mark.parametrize("location", ["audits", "snapshots"])
def test_as_of_before_the_first_night_is_an_error(location: str, workspace: Path) -> None:
    completed = call("audit", "p.yaml", "--snapshot", location, "--as-of", "2020-01-01", cwd=workspace)
    assert (completed.code, completed.out) == (2, b"")
    assert "snapshot-later" in completed.err


def fabrikam(workspace: Path, day: int) -> None:
    snapshot = night({**TWO_PEOPLE, "users": [ANN]}, day, asked=("id", "accountEnabled", "assignedLicenses"))
    write(workspace / "snapshots", replace(snapshot, manifest=replace(snapshot.manifest, tenant="fabrikam")))


@pytest.mark.parametrize("nights", [3, 1])
@pytest.mark.parametrize("location", ["audits", "snapshots"])
def test_tenant_with_later_nights_only_fails_and_others_are_audited(
    location: str, nights: int, workspace: Path
) -> None:
    for folder in sorted((workspace / "snapshots" / "contoso").iterdir())[nights:]:
        shutil.rmtree(folder)
    fabrikam(workspace, 3)
    assert call("store", "put", "audits", "snapshots", cwd=workspace).code == 0
    instant = (START + timedelta(hours=3)).isoformat()
    completed = expect(
        3, "audit", "p.yaml", "--snapshot", location, "--as-of", instant, "-f", "json=-", "-q", cwd=workspace
    )
    contoso, fabrikam_result = json.loads(completed.out)["tenants"]
    assert (contoso["name"], contoso["failure"]) == ("contoso", None)
    assert fabrikam_result["name"] == "fabrikam"
    assert "the first is from 2026-02-01T02:17:00Z" in fabrikam_result["failure"]


def test_fleet_with_one_night_per_tenant_can_be_audited_as_of_an_earlier_instant(workspace: Path) -> None:
    shutil.rmtree(workspace / "snapshots")
    fabrikam(workspace, 3)
    snapshot = night({**TWO_PEOPLE, "users": [ANN]}, 4, asked=("id", "accountEnabled", "assignedLicenses"))
    write(workspace / "snapshots", snapshot)
    instant = (START + timedelta(days=2, hours=23)).isoformat()
    completed = expect(
        0, "audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant, "-f", "json=-", "-q", cwd=workspace
    )
    assert [tenant["name"] for tenant in json.loads(completed.out)["tenants"]] == ["contoso", "fabrikam"]


def test_single_snapshot_can_be_audited_as_of_any_instant(workspace: Path) -> None:
    assert audit(workspace, "snapshots/contoso/2026-01-30T021700Z", "--as-of", "2020-01-01") == (1, 2)


def test_history_of_a_policy_needs_results_in_the_store(workspace: Path) -> None:
    completed = call("history", "audits", "--policy", "blocked", cwd=workspace)
    assert (completed.code, completed.out) == (2, b"")
    assert "history-results" in completed.err


def test_store_get_restores_a_night_as_a_folder(workspace: Path) -> None:
    completed = call("store", "get", "audits", "contoso", "--as-of", "2026-01-31", "-o", "back", cwd=workspace)
    assert completed.text.strip() == "back/contoso/2026-01-30T021700Z"
    assert audit(workspace, completed.text.strip()) == (1, 2)


def test_prune_deletes_only_with_the_delete_option(workspace: Path) -> None:
    prune = ("store", "prune", "audits", "--keep", "1d", "--as-of", "2026-06-01")
    listed = call(*prune, cwd=workspace)
    assert listed.text.count("would be deleted") == 2
    assert "add --delete" in listed.err
    assert len(json.loads(call("store", "list", "audits", "--json", cwd=workspace).out)) == 3
    completed = call(*prune, "--delete", cwd=workspace)
    assert completed.text.count("deleted") == 2
    remaining = json.loads(call("store", "list", "audits", "--json", cwd=workspace).out)
    assert [entry["instant"] for entry in remaining] == ["2026-01-31T02:17:00Z"]
    assert call("store", "check", "audits", cwd=workspace).code == 0
    assert audit(workspace, "audits") == (0, 0)


def test_prune_deletes_nothing_if_a_remaining_night_cannot_be_restored(workspace: Path) -> None:
    """The newest night is complete; the one before it would remain too, but a part that it depends on is missing."""
    parts = sorted((workspace / "audits" / "contoso" / "parts").iterdir())
    body = parts[1].read_bytes()
    parts[1].unlink()
    instant = (START + timedelta(days=34, hours=1)).isoformat()
    prune = ("store", "prune", "audits", "--keep", "34d", "--as-of", instant, "--delete")
    before = contents(workspace / "audits")
    for options in (prune[:-1], prune):
        completed = call(*options, cwd=workspace)
        assert (completed.code, completed.out) == (2, b"")
        assert "store-damaged" in completed.err
        assert "nothing was deleted" in completed.err
        assert parts[1].name in completed.err
        assert contents(workspace / "audits") == before
    parts[1].write_bytes(body)
    assert call(*prune, cwd=workspace).text.count("deleted") == 1


def test_prune_deletes_nothing_if_the_only_remaining_night_is_damaged(workspace: Path) -> None:
    """Its part has its name, but not its content: an older night would be the last good copy."""
    newest = max((workspace / "audits" / "contoso" / "parts").iterdir())
    body = newest.read_bytes()
    newest.write_bytes(body[:20])
    instant = (START + timedelta(days=34, hours=1)).isoformat()
    prune = ("store", "prune", "audits", "--keep", "1d", "--as-of", instant, "--delete")
    before = contents(workspace / "audits")
    completed = expect(2, *prune, cwd=workspace)
    assert "store-damaged" in completed.err
    assert newest.name in completed.err
    assert "which is kept, cannot be restored; nothing was deleted" in completed.err
    assert contents(workspace / "audits") == before
    newest.write_bytes(body)
    assert "deleted" in expect(0, *prune, cwd=workspace).text


@pytest.mark.parametrize("keep", ["", "35", "d", "0d", "35d,35d", "35d;24m", "-1d", "1y"])
def test_prune_deletes_nothing_if_keep_is_invalid(keep: str, workspace: Path) -> None:
    completed = expect(2, "store", "prune", "audits", f"--keep={keep}", "--delete", cwd=workspace)
    assert "keep-wrong" in completed.err
    assert len(json.loads(call("store", "list", "audits", "--json", cwd=workspace).out)) == 3


def test_prune_deletes_nothing_if_the_clock_is_before_the_newest_night(workspace: Path) -> None:
    completed = expect(
        2, "store", "prune", "audits", "--keep", "1d", "--delete", cwd=workspace, SOURCE_DATE_EPOCH="1000000000"
    )
    assert "keep-clock" in completed.err
    assert "but the clock shows 2001-09-09T01:46:40Z" in completed.err


def test_check_and_audit_report_a_damaged_part(workspace: Path) -> None:
    part = min((workspace / "audits" / "contoso" / "parts").iterdir())
    part.write_bytes(b"")
    completed = expect(3, "store", "check", "audits", cwd=workspace)
    assert ".zip is not the object" in completed.err
    refused = expect(2, "audit", "p.yaml", "--snapshot", "audits", "--as-of", "2026-01-30", cwd=workspace)
    assert "store-damaged" in refused.err


def test_check_reports_a_damaged_commit_and_the_complete_nights(workspace: Path) -> None:
    commits = sorted((workspace / "audits" / "contoso" / "nights").iterdir())
    commits[0].write_bytes(commits[0].read_bytes()[:100])
    completed = expect(3, "store", "check", "audits", "--json", cwd=workspace)
    entries = json.loads(completed.out)
    assert [entry["wrong"] is None for entry in entries] == [False] + [True] * (len(commits) - 1)
    assert commits[0].name in entries[0]["wrong"]
    assert call("store", "check", "audits", "--tenant", "nobody", cwd=workspace).code == 2


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("gs://bucket/x", "[store-address]"),
        ("s3://key:secret@bucket/x", "[store-address]"),
        ("az://box/x?sig=secret", "[store-address]"),
        ("s3:///x", "[store-address]: 's3:///x' has no container"),
        ("s3://bucket/../x", "[store-address]: 's3://bucket/../x' has '..' in its folder"),
        ("nowhere", "[snapshot-missing]"),
    ],
)
def test_invalid_snapshot_location_is_an_error_without_secrets(address: str, error: str, workspace: Path) -> None:
    completed = expect(2, "audit", "p.yaml", "--snapshot", address, cwd=workspace)
    assert error in completed.err
    assert "secret" not in completed.err


@pytest.fixture
def two_tenants(fleet: Path, tmp_path: Path) -> Path:
    """Snapshots of two tenants, of which the manifest of fabrikam is damaged, and a policy for audits."""
    shutil.copytree(fleet, tmp_path / "fleet")
    (manifest,) = (tmp_path / "fleet").glob("fabrikam/*/manifest.json")
    manifest.write_text("{")
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    return tmp_path


def test_put_stores_readable_snapshots_and_reports_a_damaged_one(two_tenants: Path) -> None:
    completed = expect(3, "store", "put", "audits", "fleet", cwd=two_tenants)
    assert "contoso, " in completed.err
    assert "error[snapshot-" in completed.err
    (folder,) = (two_tenants / "fleet" / "fabrikam").iterdir()
    assert str(folder.relative_to(two_tenants)) in completed.err
    expect(0, "store", "check", "audits", cwd=two_tenants)
    assert {
        night["tenant"] for night in json.loads(call("store", "list", "audits", "--json", cwd=two_tenants).out)
    } == {"contoso"}


def test_put_writes_nothing_if_nothing_can_be_read(two_tenants: Path) -> None:
    before = contents(two_tenants)
    assert call("store", "put", "audits", "fleet/fabrikam", cwd=two_tenants).code == 2
    (two_tenants / "a.json").write_text("{")
    assert call("store", "put", "audits", "fleet/fabrikam", "a.json", cwd=two_tenants).code == 2
    (two_tenants / "a.json").unlink()
    assert contents(two_tenants) == before


def test_put_stores_readable_results_and_reports_a_damaged_one(workspace: Path) -> None:
    audit_arguments = ("audit", "p.yaml", "--snapshot", "snapshots", "-q", "-f", "json=r.json")
    expect(0, *audit_arguments, cwd=workspace)
    (workspace / "damaged.json").write_text("{")
    completed = call("store", "put", "results", "damaged.json", "r.json", cwd=workspace)
    assert (completed.code, "damaged.json" in completed.err, "result stored" in completed.err) == (3, True, True)
    expect(0, "store", "check", "results", cwd=workspace)


def test_history_of_a_folder_shows_readable_tenants_and_reports_a_damaged_one(two_tenants: Path) -> None:
    completed = call("history", "fleet", "-f", "json", cwd=two_tenants)
    assert (completed.code, "fabrikam: " in completed.err) == (3, True)
    assert [tenant["name"] for tenant in json.loads(completed.out)["tenants"]] == ["contoso"]
    expect(0, "history", "fleet", "--tenant", "contoso", cwd=two_tenants)
    assert call("history", "fleet", "--tenant", "fabrikam", cwd=two_tenants).code == 2


def test_list_tells_how_many_results_are_stored(workspace: Path) -> None:
    expect(0, "audit", "p.yaml", "--snapshot", "snapshots", "-f", "json=r.json", "-q", cwd=workspace)
    expect(0, "store", "put", "results", "r.json", cwd=workspace)
    listed = expect(0, "store", "list", "results", cwd=workspace)
    assert listed.out == b""
    assert listed.err == "0 snapshots, 1 result (`auditor history` shows the results)\n"
    assert call("store", "list", "results", "-q", cwd=workspace).err == ""
