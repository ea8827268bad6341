"""The program as a process of its own: exit codes, what goes to stdout and what to stderr, and equal bytes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.service.command_line import AS_OF, ROOT, clean_environment, contents, spawn

pytestmark = pytest.mark.slow


def test_an_audit_writes_reports_and_its_code_tells_what_was_found(here: Path, saved: Path) -> None:
    ran = spawn("audit", "--snapshot", saved, "--as-of", AS_OF, "--fail-on", "medium", cwd=here)
    assert (ran.code, ran.err) == (1, "")
    assert "out/report.html" in ran.text
    assert set(contents(here / "out")) == {
        "report.html", "result.json", "tenants", "tenants/contoso.json", "tenants/fabrikam.json"
    }  # fmt: skip


def test_data_asked_for_on_stdout_is_alone_there(here: Path, saved: Path) -> None:
    ran = spawn("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json=-", "-v", cwd=here)
    assert ran.code == 0  # medium and low findings only
    assert json.loads(ran.out)["schema"] == "auditor/result/v1"
    assert "auditing" in ran.err
    assert set(contents(here)) == {"policies", "policies/people.yaml"}


def test_a_mistake_is_one_message_on_stderr_and_nothing_else(here: Path, saved: Path) -> None:
    (here / "policies" / "people.yaml").write_text(
        "version: 1\npolicies: [{id: a, severity: high, seats: {spare: 5}}]\n"
    )
    before = contents(here)
    ran = spawn("audit", "--snapshot", saved, cwd=here)
    assert (ran.code, ran.out) == (2, b"")
    assert ran.err.startswith("policies/people.yaml:2:51: error[policy-wrong-type]: ")
    assert ran.err.count("error[") == 1
    assert "Traceback" not in ran.err
    assert contents(here) == before


def test_two_runs_are_equal_to_the_byte_whatever_the_hash_seed_and_the_place(here: Path, saved: Path) -> None:
    formats = "html,json,csv,markdown,sarif,junit,ndjson,parquet,xlsx"
    runs = []
    for seed, zone in (("1", "UTC"), ("4242", "Asia/Kathmandu")):
        ran = spawn(
            "audit", "--snapshot", saved, "-f", formats, "-o", f"out-{seed}", cwd=here,
            PYTHONHASHSEED=seed, TZ=zone, SOURCE_DATE_EPOCH="1795176000",
        )  # fmt: skip
        assert ran.code == 0, ran.err
        runs.append(contents(here / f"out-{seed}"))
    assert runs[0] == runs[1]
    assert len(runs[0]) == 12
    assert json.loads((here / "out-1" / "result.json").read_text())["run"]["asOf"] == "2026-11-20T12:00:00Z"


def test_the_demo_needs_nothing(tmp_path: Path) -> None:
    ran = spawn("audit", "--demo", "-f", "json", cwd=tmp_path, SOURCE_DATE_EPOCH="1795176000")
    assert ran.code == 1, ran.err
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [tenant["name"] for tenant in result["tenants"]] == ["contoso", "fabrikam"]


def test_whoever_stops_reading_hears_no_complaint(here: Path, saved: Path) -> None:
    arguments = [sys.executable, "-m", "auditor", "audit", "--snapshot", str(saved), "--as-of", AS_OF, "-f", "json=-"]
    environment = clean_environment({"PYTHONPATH": str(ROOT)})
    with subprocess.Popen(
        arguments, cwd=here, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(30) == 0  # as the audit of medium and low findings ends


@pytest.mark.skipif(os.name != "posix", reason="interrupts are sent by signal")
def test_an_interrupt_ends_with_its_own_code(here: Path, saved: Path) -> None:
    """A reader who stops reading holds the program where the signal finds it: in the middle of its output."""
    arguments = [sys.executable, "-m", "auditor", "audit", "--snapshot", str(saved), "--as-of", AS_OF, "-f", "json=-"]
    environment = clean_environment({"PYTHONPATH": str(ROOT)})
    with subprocess.Popen(
        arguments, cwd=here, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096
    ) as running:
        assert running.stdout is not None
        # The first byte is there when the program writes, and it cannot write all of it.
        begun = os.read(running.stdout.fileno(), 1)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, begun, err) == (130, b"{", b"interrupted\n")
    with pytest.raises(ValueError, match=r"delimiter|Expecting|Unterminated"):
        json.loads(begun + out)
    assert {path.name for path in here.iterdir()} == {"policies"}
