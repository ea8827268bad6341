"""Runs the command line: in a separate process if a test needs that, otherwise in this process, which is faster."""

import contextlib
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from auditor.cli.main import run

ROOT = Path(__file__).parents[3]
AS_OF = "2026-11-20T12:00:00Z"
_CLOCK = "1795176000"
"""AS_OF in seconds."""
_PROGRAM_VARIABLES = (
    "AUDITOR_",
    "GITHUB_",
    "SOURCE_DATE_EPOCH",
    "NO_COLOR",
    "FORCE_COLOR",
    "CI",
    "LANG",
    "LC_",
    "COLUMNS",
)


class Ran(Struct, frozen=True, kw_only=True):
    """The exit code and the output of a run of the program."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()


class Terminal(io.StringIO):
    """A stream that says to be a terminal."""

    def isatty(self) -> bool:
        return True


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without variables that the program reads, and with a fixed instant of audits.

    So tests behave alike on all machines and on all days; a test that needs the clock sets SOURCE_DATE_EPOCH to "".
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_PROGRAM_VARIABLES)}
    environment = {**inherited, "XDG_DATA_HOME": "/nonexistent", "LANG": "C.UTF-8", "SOURCE_DATE_EPOCH": _CLOCK, **more}
    if not environment["SOURCE_DATE_EPOCH"]:
        del environment["SOURCE_DATE_EPOCH"]  # other programs, such as pip, refuse an empty one
    return environment


def spawn(*arguments: str | Path, cwd: Path, **environment: str) -> Ran:
    """Run `python -m auditor` in a separate process, as people do."""
    process = subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, arguments)],
        cwd=cwd,
        env=clean_environment({"PYTHONPATH": str(ROOT), **environment}),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ran(code=process.returncode, out=process.stdout, err=process.stderr.decode())


def call(*arguments: str | Path, cwd: Path, **environment: str) -> Ran:
    """Run the command line in this process: the same code, without the second for the start."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True), io.StringIO()
    with placed(cwd, environment), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = run([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
    assert isinstance(out.buffer, io.BytesIO)
    return Ran(code=code, out=out.buffer.getvalue(), err=err.getvalue())


def expect(code: int, /, *arguments: str | Path, cwd: Path, **environment: str) -> Ran:
    """Run the command line in this process; fail the test if the exit code is not `code`."""
    ran = call(*arguments, cwd=cwd, **environment)
    assert ran.code == code, ran.err
    return ran


@contextlib.contextmanager
def placed(cwd: Path, environment: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    program_environment = clean_environment(environment)
    os.environ.clear()
    os.environ.update(program_environment)
    try:
        with contextlib.chdir(cwd):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def contents(folder: Path) -> dict[str, str]:
    """Return every path below a folder with a digest of its bytes; an equal result later means that nothing changed."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "/"
        for path in sorted(folder.rglob("*"))
    }
