"""The program in a separate process: exit codes, stdout and stderr, and reproducible output."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.service.command_line import AS_OF, ROOT, clean_environment, contents, spawn

pytestmark = pytest.mark.slow


def test_audit_writes_reports_and_exits_with_1_if_findings_reach_the_threshold(workspace: Path, fleet: Path) -> None:
    completed = spawn("audit", "--snapshot", fleet, "--as-of", AS_OF, "--fail-on", "medium", cwd=workspace)
    assert (completed.code, completed.err) == (1, "")
    assert "out/report.html" in completed.text
    assert set(contents(workspace / "out")) == {
        "report.html", "result.json", "tenants", "tenants/contoso.json", "tenants/fabrikam.json"
    }  # fmt: skip


def test_stdout_contains_only_the_requested_data(workspace: Path, fleet: Path) -> None:
    completed = spawn("audit", "--snapshot", fleet, "--as-of", AS_OF, "-f", "json=-", "-v", cwd=workspace)
    assert completed.code == 0  # medium and low findings only
    assert json.loads(completed.out)["schema"] == "auditor/result/v1"
    assert "auditing" in completed.err
    assert set(contents(workspace)) == {"policies", "policies/people.yaml"}


def test_outputs_have_equal_bytes_for_any_hash_seed_and_time_zone(workspace: Path, fleet: Path) -> None:
    formats = "html,json,csv,markdown,sarif,junit,ndjson,parquet,xlsx"
    runs = []
    for seed, zone in (("1", "UTC"), ("4242", "Asia/Kathmandu")):
        completed = spawn(
            "audit", "--snapshot", fleet, "-f", formats, "-o", f"out-{seed}", cwd=workspace,
            PYTHONHASHSEED=seed, TZ=zone, SOURCE_DATE_EPOCH="1795176000",
        )  # fmt: skip
        assert completed.code == 0, completed.err
        runs.append(contents(workspace / f"out-{seed}"))
    assert runs[0] == runs[1]
    assert len(runs[0]) == 12
    assert json.loads((workspace / "out-1" / "result.json").read_text())["run"]["asOf"] == "2026-11-20T12:00:00Z"


@pytest.mark.skipif(os.name != "posix", reason="interrupts are sent by signal")
@pytest.mark.parametrize(("signal_number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_removes_temporary_files(workspace: Path, fleet: Path, signal_number: signal.Signals, code: int) -> None:
    """The test stops reading stdout, so that the program is blocked in the middle of its output at the signal."""
    arguments = [
        sys.executable,
        "-m",
        "auditor",
        "audit",
        "--snapshot",
        str(fleet),
        "--as-of",
        AS_OF,
        "-f",
        "html",
        "-f",
        "json=-",
    ]
    environment = clean_environment({"PYTHONPATH": str(ROOT)})
    with subprocess.Popen(
        arguments, cwd=workspace, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096
    ) as process:
        assert process.stdout is not None
        # Once the first byte arrives, the program is writing, and the pipe is too small for all of it.
        first_byte = os.read(process.stdout.fileno(), 1)
        process.send_signal(signal_number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, first_byte, err) == (code, b"{", b"interrupted\n")
    with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
        json.loads(first_byte + out)
    assert not [path for path in workspace.rglob("*") if path.name.startswith(".")]
