"""Exit codes: 0 and 1 only after a complete audit, also with closed streams, other encodings and internal errors."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.service.command_line import AS_OF, ROOT, call, clean_environment, expect, spawn

pytestmark = pytest.mark.slow
AUDIT = ("audit", "--as-of", AS_OF, "-f", "terminal", "--fail-on", "low")
posix = pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes the streams")


def shell(line: str, workspace: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which `auditor` is the program."""
    program = f'auditor() {{ {shlex.quote(sys.executable)} -m auditor "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", program], cwd=workspace, env=clean_environment({"PYTHONPATH": str(ROOT), **environment}),
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip


@posix
@pytest.mark.parametrize(
    ("streams", "code"),
    [
        ("| true; exit ${PIPESTATUS[0]}", 1),
        ("2>&-", 1),
        (">&-", 1),
        (">&- 2>&- <&-", 1),
        ("2> /dev/full", 1),
        ("> /dev/full", 3),
        ("> /dev/full 2> /dev/full", 3),
    ],
)
def test_audit_keeps_its_exit_code_if_output_streams_are_closed(
    workspace: Path, fleet: Path, streams: str, code: int
) -> None:
    """A closed stream changes nothing; if stdout is full, the requested output is not written: exit code 3."""
    if "full" in streams and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    command = shlex.join(["auditor", *AUDIT, "--snapshot", str(fleet)])
    completed = shell(f"{command} {streams}", workspace)
    assert completed.returncode == code, completed.stderr
    assert b"Traceback" not in completed.stderr
    assert (b"stdout-unwritable" in completed.stderr) == (streams == "> /dev/full")
    assert b"Exception ignored" not in completed.stderr


@posix
def test_report_files_are_complete_if_standard_streams_are_closed(workspace: Path, fleet: Path) -> None:
    completed = shell(f"auditor audit --snapshot {fleet} --as-of {AS_OF} -f json -f terminal >&- 2>&- <&-", workspace)
    assert completed.returncode == 0
    assert (workspace / "out" / "result.json").read_bytes().startswith(b"{")
    assert (workspace / "out" / "result.json").read_bytes().endswith(b"}\n")


@posix
@pytest.mark.parametrize("line", ["auditor --help", "auditor audit --help", "auditor schema policy"])
def test_exit_code_is_3_if_stdout_is_full(workspace: Path, line: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    assert shell(f"{line} > /dev/full", workspace).returncode == 3


@posix
@pytest.mark.parametrize("line", ["auditor --help", "auditor products E3"])
def test_exit_code_is_0_if_the_reader_of_stdout_is_gone(workspace: Path, line: str) -> None:
    assert shell(f"{line} | true; exit ${{PIPESTATUS[0]}}", workspace).returncode == 0


@pytest.mark.parametrize(
    ("module", "raised", "flags"),
    [
        ("pyarrow", "RuntimeError('x')", ()),
        ("pyarrow", "MemoryError()", ("-v",)),
        ("pyarrow", "SystemExit(1)", ()),
        ("argparse", "ImportError('x')", ()),
        ("argparse", "MemoryError()", ("-v",)),
        ("argparse", "SystemExit(0)", ()),
    ],
)
def test_internal_error_exits_with_70(
    workspace: Path, fleet: Path, tmp_path: Path, module: str, raised: str, flags: tuple[str, ...]
) -> None:
    """A broken library: pyarrow is imported by the audit, argparse by the command line itself."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / f"{module}.py").write_text(f"raise {raised}\n", encoding="utf-8")
    completed = spawn(
        *AUDIT, "--snapshot", fleet, *flags, cwd=workspace, PYTHONPATH=os.pathsep.join((str(broken), str(ROOT)))
    )
    assert completed.code == 70, (completed.err, completed.out)
    assert "bug" in completed.err
    assert ("Traceback" in completed.err) == (flags != () and module == "pyarrow")


@pytest.mark.parametrize(
    ("encoding", "arguments", "code"),
    [
        ("ascii", ("audit", "policies/people.yaml", "--locale", "tr", "-f", "terminal", "--snapshot"), 0),
        ("cp850", ("plan", "policies/people.yaml", "--locale", "tr", "-f", "terminal", "--snapshot"), 0),
        ("cp1252", ("validate", "policies/wrong.yaml", "--locale", "tr"), 2),
        ("ascii", ("explain", "Ğüneş → ✓"), 2),
    ],
)
def test_output_is_written_in_any_code_page(
    workspace: Path, fleet: Path, encoding: str, arguments: tuple[str, ...], code: int
) -> None:
    """As in a Windows pipe: these encodings lack box characters, symbols, Turkish letters and letters of names."""
    (workspace / "policies" / "wrong.yaml").write_text(
        "version: 1\n# Ğüneş → ✓\npolicies: [{id: 'Ğ→'}]\n", encoding="utf-8"
    )
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    options = [str(fleet), "--as-of", AS_OF] if arguments[-1] == "--snapshot" else []
    completed = subprocess.run(
        [sys.executable, "-m", "auditor", *arguments, *options], cwd=workspace, capture_output=True, check=False,
        env=clean_environment({"PYTHONPATH": str(ROOT), **environment}), timeout=60,
    )  # fmt: skip
    assert completed.returncode == code, completed.stderr
    assert b"Traceback" not in completed.stderr
    assert completed.stdout + completed.stderr


def test_two_hyphens_end_the_options(workspace: Path) -> None:
    """The name of a policy file may begin with a hyphen and look like an option."""
    policy = (workspace / "policies" / "people.yaml").read_text()
    (workspace / "-q.yaml").write_text(policy)
    (workspace / "--strict").write_text(policy.replace("leavers", "others").replace("spare,", "spares,"))
    assert call("validate", "--", "-q.yaml", "--strict", cwd=workspace).code == 0
    assert "2 files" in call("validate", "--", "-q.yaml", "--strict", cwd=workspace).err
    assert call("validate", "-q", "--", "-q.yaml", cwd=workspace).err == ""
    missing = expect(2, "validate", "--", "-v", cwd=workspace)
    assert "-v" in missing.err
    assert "usage:" not in missing.err
