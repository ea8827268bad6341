"""A tenant that was in the earlier run and is not in this one is named."""

import json
import shutil
from pathlib import Path

import pytest

from tests.builders.document.policy_documents import SPARE_SEATS
from tests.builders.service.command_line import Ran, call
from tests.builders.tenant.demo_snapshots import saved_demo

TEXT = "the tenant fabrikam was in the run of 2026-11-20 and is not in this one"


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshots of the two demo tenants, and an audit of both: a result and a store."""
    folder = tmp_path_factory.mktemp("audited")
    (folder / "p.yaml").write_text(SPARE_SEATS)
    saved_demo(folder / "snapshots")
    options = ("--as-of", "2026-11-20T03:00:00Z", "-f", "json=out/result.json", "--store", "audits", "-q")
    assert audit(folder, *options).code == 0
    return folder


@pytest.fixture
def workspace(audited: Path, tmp_path: Path) -> Path:
    """A copy of them without the snapshots of fabrikam."""
    copy = shutil.copytree(audited, tmp_path / "here")
    shutil.rmtree(copy / "snapshots" / "fabrikam")
    return copy


def audit(workspace: Path, *options: str) -> Ran:
    return call("audit", "p.yaml", "--snapshot", "snapshots", "--fail-on", "never", *options, cwd=workspace)


LATER = ("--as-of", "2026-11-21T03:00:00Z", "-f", "json=r.json")


def notices(workspace: Path) -> list[str]:
    fleet = json.loads((workspace / "r.json").read_text())["fleet"]
    return [notice["subject"] for notice in fleet["notices"] if notice["code"] == "tenant.missing"]


def test_comparison_names_the_tenant_in_the_result_and_in_a_warning(workspace: Path) -> None:
    completed = audit(workspace, *LATER, "--compare", "out/result.json")
    assert completed.code == 0
    assert f"warning[tenant-missing]: {TEXT}" in completed.err
    assert notices(workspace) == ["fabrikam"]


@pytest.mark.parametrize(("shard", "named"), [("1/1", ["fabrikam"]), ("1/2", [])])
def test_only_part_of_a_run_names_the_tenant(workspace: Path, shard: str, named: list[str]) -> None:
    """The nightly workflow always divides the tenants, by default into one part."""
    completed = audit(workspace, *LATER, "--compare", "out/result.json", "--shard", shard)
    assert completed.code == 0, completed.err
    assert notices(workspace) == named


@pytest.mark.parametrize("location", ["out", "audits"])
def test_history_names_the_tenant_in_a_warning(workspace: Path, location: str) -> None:
    completed = audit(workspace, *LATER, "--history", location)
    assert completed.code == 0, completed.err
    assert completed.err.count("tenant-missing") == 1
    assert f"warning[tenant-missing]: {TEXT}" in completed.err


@pytest.mark.parametrize("option", [("--compare", "out/result.json"), ("--history", "out"), ("--history", "audits")])
def test_selected_tenants_are_not_missing(workspace: Path, option: tuple[str, str]) -> None:
    completed = audit(workspace, *LATER, *option, "--tenant", "contoso")
    assert completed.code == 0, completed.err
    assert "tenant-missing" not in completed.err
    assert notices(workspace) == []
