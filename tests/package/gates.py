"""Runs all checks of the project and prints a summary."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from msgspec import Struct

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

Kind = Literal["lint", "test"]


class Gate(Struct, frozen=True):
    """One command that must exit 0."""

    name: str
    kind: Kind
    command: tuple[str, ...]


class Ran(Struct, frozen=True):
    """The result of a gate."""

    gate: Gate
    passed: bool
    seconds: float


def gates() -> Iterator[Gate]:
    """Yield all gates, the longest first."""
    # Tests wait for servers, browsers and programs: one process more than cores keeps the cores busy.
    yield Gate("tests", "test", ("pytest", "-q", "-n", str((os.cpu_count() or 1) + 1)))
    yield Gate("types", "lint", ("mypy", "--strict", "auditor", "tests", "benchmarks"))
    yield Gate("cost", "test", ("python", "-m", "benchmarks.guard"))
    yield Gate("documentation site", "lint", ("python", "-m", "tests.package.site"))
    yield Gate("style", "lint", ("ruff", "check", "--quiet", "."))
    yield Gate("format", "lint", ("ruff", "format", "--check", "--quiet", "."))
    yield Gate("layers", "lint", ("lint-imports", "--no-cache"))
    safety = ("zizmor", "--offline", "--quiet", "--no-progress", "--persona", "auditor")
    yield Gate("workflow safety", "lint", (*safety, ".github", "action.yml"))
    yield Gate("workflow schemas", "lint", ("python", "-m", "tests.package.github_schemas"))
    yield Gate("workflow language", "lint", ("python", "-m", "tests.package.language_service"))
    yield Gate("workflow scripts", "lint", ("python", "-m", "tests.package.shell_steps"))


def run(gate: Gate) -> Ran:
    """Run one gate and show its output: at once for the tests, at the end for every other gate."""
    program, *arguments = gate.command
    heading = f"\n── {gate.name}: {shlex.join(gate.command)}"
    streamed = gate.name == "tests"
    if streamed:
        print(heading, flush=True)
    begun = time.monotonic()
    if streamed and not (ROOT / "tests" / "store" / "__pycache__").exists():
        # A new working copy is compiled once, and not by each worker at the same time.
        subprocess.run([BIN / program, "--collect-only", "-q"], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    output = None if streamed else subprocess.PIPE
    done = subprocess.run([BIN / program, *arguments], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False)
    if not streamed:
        print(heading, done.stdout.decode(errors="replace"), sep="\n", end="", flush=True)
    return Ran(gate, passed=done.returncode == 0, seconds=time.monotonic() - begun)


def main(arguments: Sequence[str]) -> int:
    """Run the gates of the given kinds, by default all; return 1 if one failed, 2 for an unknown kind."""
    if unknown := set(arguments) - {"lint", "test"}:
        print(f"there is no kind of gate called {', '.join(sorted(unknown))}: lint, test", file=sys.stderr)
        return 2
    wanted = [gate for gate in gates() if not arguments or gate.kind in arguments]
    # The other gates run one after the other beside the tests, or beside mypy, which takes as long as all of them.
    with ThreadPoolExecutor(max_workers=2) as pool:
        done = list(pool.map(run, wanted))
    print("\n── summary")
    for one in done:
        print(f"{'ok    ' if one.passed else 'FAILED'} {one.seconds:7.1f} s  {one.gate.name}")
    failed = sum(not one.passed for one in done)
    print(f"{len(done) - failed} of {len(done)} checks passed" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
