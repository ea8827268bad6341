"""Commands that read more than ten tenants live print each problem once, and a line about the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.document.policy_documents import DENIED_TO_LEAVERS
from tests.builders.service.command_line import call, expect
from tests.emulator.fixtures import SECRET, client_secret, running_emulator, small_tenant, tenants_yaml
from tests.emulator.server import Emulator

NAMES = tuple(f"tenant{number:02}" for number in range(1, 13))
UNSET = ("tenant03", "tenant07")
"""Tenants whose variables are not set."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator([small_tenant(name) for name in NAMES]) as server:
        yield server


@pytest.fixture
def workspace(tmp_path: Path, emulator: Emulator) -> Path:
    """A folder with a policy and a tenants file; two tenants have a variable that is not set."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(DENIED_TO_LEAVERS)
    credentials = {name: client_secret("UNSET_SECRET" if name in UNSET else "SET_SECRET") for name in NAMES}
    (tmp_path / "tenants.yaml").write_text(tenants_yaml(emulator, credentials))
    return tmp_path


def test_doctor_prints_each_problem_once(workspace: Path, emulator: Emulator) -> None:
    environment = {**emulator.environment(), "SET_SECRET": SECRET}
    completed = expect(3, "doctor", cwd=workspace, **environment)
    text = " ".join(completed.text.split())
    assert text.count("UNSET_SECRET is not set") == 1
    assert text.index("tenant03, tenant07") < text.index("least privilege"), "the worst problem is first"
    assert "Tenants that are ready: 10 of 12" in text
    dutch = call("doctor", "--locale", "nl", cwd=workspace, **environment)
    assert "toont alle controles van een tenant" in " ".join(dutch.text.split())
    assert " ok " not in text
    selected = call("doctor", "--tenant", "tenant01", cwd=workspace, **environment)
    assert selected.text.startswith(f"tenant01 ({emulator.tenants['tenant01'].tenant_id}")
    assert "sign-in: a token was given" in selected.text


@pytest.mark.slow
def test_collect_prints_each_problem_once_and_sums_of_what_is_stored(workspace: Path, emulator: Emulator) -> None:
    environment = {**emulator.environment(), "SET_SECRET": SECRET}
    command = ("collect", "--no-progress", "--store", "store")
    completed = expect(3, *command, cwd=workspace, **environment)
    assert [Path(line).parent.name for line in completed.text.splitlines()] == [
        name for name in NAMES if name not in UNSET
    ]
    problem, complete = completed.err.splitlines()[:2]
    assert problem.startswith("tenant03, tenant07: the environment variable UNSET_SECRET is not set (")
    assert complete == "Tenants that were read completely: 10 of 12"
    # In the same second, another store and folder: a store has one snapshot of an instant.
    quiet = call("collect", "--no-progress", "--store", "other", "-q", "-o", "again", cwd=workspace, **environment)
    assert quiet.err.splitlines() == [problem]
    assert quiet.code == 3


@pytest.mark.slow
def test_sums_count_what_was_stored_already(workspace: Path, emulator: Emulator) -> None:
    environment = {**emulator.environment(), "SET_SECRET": SECRET, "UNSET_SECRET": SECRET}
    collected = call("collect", "--no-progress", "--store", "store", cwd=workspace, **environment)
    assert (collected.code, collected.err.splitlines()[0]) == (0, "Tenants that were read completely: 12 of 12")
    assert collected.err.splitlines()[1].startswith("Snapshots stored: 12, ")
    again = call("store", "put", "store", "snapshots", cwd=workspace)
    assert (again.code, again.err.splitlines()) == (0, ["Snapshots that were already stored: 12"])
