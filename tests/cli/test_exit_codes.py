"""Exit codes are a promise: 0 and 1 come from a whole audit only, and no stream, encoding or bug changes that."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.cli.main import main_parser
from tests.builders.service.command_line import AS_OF, ROOT, call, clean_environment, expect, spawn

AUDIT = ("audit", "--as-of", AS_OF, "-f", "terminal", "--fail-on", "low")
posix = pytest.mark.skipif(os.name != "posix", reason="files are closed, and devices are full, in a POSIX shell")


def shell(line: str, here: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which `auditor` is the program."""
    program = f'auditor() {{ {shlex.quote(sys.executable)} -m auditor "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", program], cwd=here, env=clean_environment({"PYTHONPATH": str(ROOT), **environment}),
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.slow
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
def test_an_audit_ends_with_its_own_code_whoever_listens(here: Path, saved: Path, streams: str, code: int) -> None:
    """A reader that is gone changes nothing; a stdout that is full means that what was asked for was not written."""
    if "full" in streams and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    asked = shlex.join(["auditor", *AUDIT, "--snapshot", str(saved)])
    ran = shell(f"{asked} {streams}", here)
    assert ran.returncode == code, ran.stderr
    assert b"Traceback" not in ran.stderr
    assert (b"stdout-unwritable" in ran.stderr) == (streams == "> /dev/full")
    assert b"Exception ignored" not in ran.stderr


@pytest.mark.slow
@posix
def test_a_report_does_not_land_in_a_closed_standard_file(here: Path, saved: Path) -> None:
    ran = shell(f"auditor audit --snapshot {saved} --as-of {AS_OF} -f json -f terminal >&- 2>&- <&-", here)
    assert ran.returncode == 0
    assert (here / "out" / "result.json").read_bytes().startswith(b"{")
    assert (here / "out" / "result.json").read_bytes().endswith(b"}\n")


@pytest.mark.slow
@posix
@pytest.mark.parametrize("line", ["auditor --help", "auditor audit --help", "auditor schema policy"])
def test_what_was_asked_for_and_not_written_is_no_success(here: Path, line: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    assert shell(f"{line} > /dev/full", here).returncode == 3


@pytest.mark.slow
@posix
@pytest.mark.parametrize("line", ["auditor --help", "auditor products E3"])
def test_a_reader_that_is_gone_is_no_failure(here: Path, line: str) -> None:
    assert shell(f"{line} | true; exit ${{PIPESTATUS[0]}}", here).returncode == 0


@pytest.mark.slow
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
def test_a_bug_ends_with_70_wherever_it_is_and_however_it_is_reported(
    here: Path, saved: Path, tmp_path: Path, module: str, raised: str, flags: tuple[str, ...]
) -> None:
    """A broken installation of a library, and of one that the command line itself needs."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / f"{module}.py").write_text(f"raise {raised}\n", encoding="utf-8")
    ran = spawn(*AUDIT, "--snapshot", saved, *flags, cwd=here, PYTHONPATH=os.pathsep.join((str(broken), str(ROOT))))
    assert ran.code == 70, (ran.err, ran.out)
    assert "bug" in ran.err
    assert ("Traceback" in ran.err) == (flags != () and module == "pyarrow")


def test_the_help_tells_the_code_of_a_bug() -> None:
    assert "\n  70   " in main_parser().format_help()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "asked", "code"),
    [
        ("ascii", ("audit", "policies/people.yaml", "--locale", "tr", "-f", "terminal", "--snapshot"), 0),
        ("cp850", ("plan", "policies/people.yaml", "--locale", "tr", "-f", "terminal", "--snapshot"), 0),
        ("cp1252", ("validate", "policies/wrong.yaml", "--locale", "tr"), 2),
        ("ascii", ("explain", "Ğüneş → ✓"), 2),
    ],
)
def test_output_fits_into_any_code_page(
    here: Path, saved: Path, encoding: str, asked: tuple[str, ...], code: int
) -> None:
    """As Windows pipes it: names of people, boxes, marks and all letters of Turkish have no place in these."""
    (here / "policies" / "wrong.yaml").write_text("version: 1\n# Ğüneş → ✓\npolicies: [{id: 'Ğ→'}]\n", encoding="utf-8")
    page = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    more = [str(saved), "--as-of", AS_OF] if asked[-1] == "--snapshot" else []
    ran = subprocess.run(
        [sys.executable, "-m", "auditor", *asked, *more], cwd=here, capture_output=True, check=False,
        env=clean_environment({"PYTHONPATH": str(ROOT), **page}), timeout=60,
    )  # fmt: skip
    assert ran.returncode == code, ran.stderr
    assert b"Traceback" not in ran.stderr
    assert ran.stdout + ran.stderr


def test_two_hyphens_end_the_options(here: Path) -> None:
    """A policy file may begin with a hyphen, and look like an option."""
    policy = (here / "policies" / "people.yaml").read_text()
    (here / "-q.yaml").write_text(policy)
    (here / "--strict").write_text(policy.replace("leavers", "others").replace("spare,", "spares,"))
    assert call("validate", "--", "-q.yaml", "--strict", cwd=here).code == 0
    assert "2 files" in call("validate", "--", "-q.yaml", "--strict", cwd=here).err
    assert call("validate", "-q", "--", "-q.yaml", cwd=here).err == ""
    missing = expect(2, "validate", "--", "-v", cwd=here)
    assert "-v" in missing.err
    assert "usage:" not in missing.err
