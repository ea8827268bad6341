"""`auditor plan` and `audit` of live tenants: one read per tenant, `--save-snapshot`, and tenants that fail."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.document.policy_documents import DENIED_TO_LEAVERS
from tests.builders.service.command_line import expect
from tests.emulator.fixtures import SECRET, client_secret, running_emulator, small_tenant, tenants_yaml
from tests.emulator.server import Emulator

HEALTHY = {"S": SECRET, "T": SECRET}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with running_emulator([small_tenant("contoso"), small_tenant("fabrikam")]) as server:
        yield server


@pytest.fixture
def workspace(tmp_path: Path, emulator: Emulator) -> Path:
    """A folder with a policy and a tenants file; the secrets of the tenants are in the variables S and T."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "rules.yaml").write_text(DENIED_TO_LEAVERS, encoding="utf-8")
    credentials = dict(zip(emulator.tenants, map(client_secret, HEALTHY), strict=True))
    (tmp_path / "tenants.yaml").write_text(tenants_yaml(emulator, credentials), encoding="utf-8")
    return tmp_path


@pytest.mark.slow
def test_plan_reads_live_tenants_once_for_all_outputs_and_the_saved_snapshot(
    workspace: Path, emulator: Emulator
) -> None:
    arguments = ("plan", "--tenants", "tenants.yaml", "--locale", "nl", "-f", "json,html", "--save-snapshot", "kept")
    expect(0, *arguments, cwd=workspace, **emulator.environment(), **HEALTHY)
    plan = json.loads((workspace / "out/plan.json").read_text(encoding="utf-8"))
    assert [tenant["name"] for tenant in plan["tenants"]] == ["contoso", "fabrikam"]
    for tenant in plan["tenants"]:
        assert tenant["complete"]
        (action,) = tenant["actions"]
        assert [request["path"].split("/")[1] for request in action["requests"]] == ["users"]
        assert tenant["proof"]["fixed"] == action["findings"]
    assert '<html lang="nl">' in (workspace / "out/plan.html").read_text(encoding="utf-8")
    assert len(emulator.journal.of("/organization")) == 2
    assert not emulator.journal.writes()
    expect(0, "plan", "--snapshot", "kept", "-q", "-f", "json=again.json", cwd=workspace)
    offline = json.loads((workspace / "again.json").read_text(encoding="utf-8"))
    assert offline["tenants"] == plan["tenants"]


@pytest.mark.slow
def test_plan_contains_other_tenants_if_one_cannot_be_read(workspace: Path, emulator: Emulator) -> None:
    expect(3, "plan", cwd=workspace, **emulator.environment(), S=SECRET, T="wrong")
    contoso, fabrikam = json.loads((workspace / "out/plan.json").read_text(encoding="utf-8"))["tenants"]
    assert contoso["complete"]
    assert len(contoso["proof"]["fixed"]) == 1
    assert not fabrikam["complete"]
    assert "AADSTS7000215" in fabrikam["omitted"][0]
    assert fabrikam["actions"] == []
    expect(0, "plan", "--tenant", "contoso", "-q", cwd=workspace, **emulator.environment(), **HEALTHY)


@pytest.mark.slow
def test_audit_reads_live_tenants_once_and_saves_the_snapshot(workspace: Path, emulator: Emulator) -> None:
    arguments = ("audit", "--no-progress", "-f", "json", "--fail-on", "never", "--save-snapshot", "kept")
    expect(3, *arguments, cwd=workspace, **emulator.environment(), S=SECRET, T="wrong")
    assert [path.name for path in (workspace / "kept").iterdir()] == ["contoso"]
    assert len(emulator.journal.of("/organization")) == 1
    expect(0, "audit", "--snapshot", "kept", "-f", "json", "--fail-on", "never", "-o", "again", cwd=workspace)
    live, offline = (
        json.loads((workspace / folder / "result.json").read_text(encoding="utf-8"))["tenants"][0]["findings"]
        for folder in ("out", "again")
    )
    assert live == offline


@pytest.mark.slow
@pytest.mark.parametrize("command", ["audit", "plan"])
def test_temporary_snapshots_of_live_tenants_are_removed(workspace: Path, emulator: Emulator, command: str) -> None:
    temporary = workspace / "temporary"
    temporary.mkdir()
    environment = emulator.environment() | HEALTHY | {"TMPDIR": str(temporary)}
    expect(1 if command == "audit" else 0, command, "--no-progress", "-f", "json", cwd=workspace, **environment)
    assert len(emulator.journal.of("/organization")) == 2
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("arguments", [("--demo",), ("--snapshot", "kept")])
@pytest.mark.parametrize("command", ["audit", "plan"])
def test_save_snapshot_requires_live_tenants(tmp_path: Path, command: str, arguments: tuple[str, ...]) -> None:
    completed = expect(2, command, *arguments, "--save-snapshot", "more", cwd=tmp_path)
    assert "--save-snapshot requires tenants that are read live" in completed.err
    assert list(tmp_path.iterdir()) == []


def test_missing_tenants_file_is_an_error(tmp_path: Path) -> None:
    completed = expect(2, "plan", cwd=tmp_path)
    assert "there is no tenants.yaml, and neither --snapshot nor --demo is specified" in completed.err
    assert "with --demo none is needed" in completed.err
