"""Tests which nights of a store are audited if a commit of one tenant is damaged."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.builders.document.policy_documents import SPARE_SEATS
from tests.builders.service.command_line import call, expect
from tests.builders.tenant.demo_snapshots import saved_demo

NIGHTS = ("2026-11-18T021700Z", "2026-11-19T021700Z")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two nights of the two demo tenants, and one policy file."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "p.yaml").write_text(SPARE_SEATS)
    for day in (18, 19):
        saved_demo(folder / "snapshots", datetime(2026, 11, day, 2, 17, tzinfo=UTC))
    expect(0, "store", "put", "audits", "snapshots", cwd=folder)
    return folder


@pytest.fixture
def workspace(stored: Path, tmp_path: Path) -> Path:
    return shutil.copytree(stored, tmp_path / "here")


def failures(workspace: Path, *options: str) -> tuple[int, dict[str, str | None]]:
    """Return the exit code of an audit, and the failure of each tenant."""
    completed = call("audit", "p.yaml", "-f", "json=r.json", "--fail-on", "never", *options, cwd=workspace)
    tenants = json.loads((workspace / "r.json").read_text())["tenants"] if completed.code != 2 else ()
    return completed.code, {tenant["name"]: tenant.get("failure") for tenant in tenants}


@pytest.mark.slow
@pytest.mark.parametrize("night", NIGHTS)
def test_damaged_commit_affects_its_tenant_only(night: str, workspace: Path) -> None:
    """The latest one makes the tenant unavailable; an older one does not matter."""
    (workspace / "audits" / "fabrikam" / "nights" / f"{night}.json").write_text("garbage")
    options = ("--snapshot", "audits", "--as-of", "2026-11-19T03:00:00Z")
    code, by_tenant = failures(workspace, *options)
    assert by_tenant["contoso"] is None
    if night == NIGHTS[0]:
        assert (code, by_tenant["fabrikam"]) == (0, None)
    else:
        assert code == 3
        assert f"audits/fabrikam/nights/{night}.json" in str(by_tenant["fabrikam"])
        assert "restore the object from a copy" in str(by_tenant["fabrikam"])
    assert failures(workspace, *options, "--tenant", "contoso") == (0, {"contoso": None})


@pytest.mark.slow
def test_damaged_commit_after_the_asked_instant_does_not_matter(workspace: Path) -> None:
    (workspace / "audits" / "fabrikam" / "nights" / f"{NIGHTS[1]}.json").write_text("garbage")
    options = ("--snapshot", "audits", "--as-of", "2026-11-18T03:00:00Z")
    assert failures(workspace, *options) == (0, {"contoso": None, "fabrikam": None})


def test_store_with_only_damaged_commits_is_refused(workspace: Path) -> None:
    for commit in workspace.glob("audits/*/nights/*.json"):
        commit.write_text("garbage")
    assert failures(workspace, "--snapshot", "audits") == (2, {})
