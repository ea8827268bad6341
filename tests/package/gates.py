"""Runs all checks of the project, or those of one kind, and prints a summary."""

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
    """A command that must exit with code 0."""

    name: str
    kind: Kind
    command: tuple[str, ...]


class GateResult(Struct, frozen=True):
    """The result of a gate."""

    gate: Gate
    passed: bool
    seconds: float


def gates() -> Iterator[Gate]:
    """Yield all gates, the longest first."""
    # Tests wait for servers, browsers and programs: one worker more than there are cores keeps all cores busy.
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


def run(gate: Gate) -> GateResult:
    """Run a gate. The output of the tests is shown while they run, that of all other gates when they end."""
    program, *arguments = gate.command
    heading = f"\n── {gate.name}: {shlex.join(gate.command)}"
    streamed = gate.name == "tests"
    if streamed:
        print(heading, flush=True)
    started = time.monotonic()
    if streamed and not (ROOT / "tests" / "store" / "__pycache__").exists():
        # In a new working copy, compile the modules once; otherwise every worker compiles them at the same time.
        subprocess.run([BIN / program, "--collect-only", "-q"], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    output = None if streamed else subprocess.PIPE
    completed = subprocess.run(
        [BIN / program, *arguments], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, check=False
    )
    if not streamed:
        print(heading, completed.stdout.decode(errors="replace"), sep="\n", end="", flush=True)
    return GateResult(gate, passed=completed.returncode == 0, seconds=time.monotonic() - started)


def main(arguments: Sequence[str]) -> int:
    """Run the gates of the given kinds, by default all; return 1 if one failed, 2 for an unknown kind."""
    if unknown := set(arguments) - {"lint", "test"}:
        print(f"there is no kind of gate called {', '.join(sorted(unknown))}: lint, test", file=sys.stderr)
        return 2
    selected = [gate for gate in gates() if not arguments or gate.kind in arguments]
    # One thread runs the tests, or mypy, which takes as long as all others together; the other one runs the rest.
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(run, selected))
    print("\n── summary")
    for result in results:
        print(f"{'ok    ' if result.passed else 'FAILED'} {result.seconds:7.1f} s  {result.gate.name}")
    failed = sum(not result.passed for result in results)
    print(f"{len(results) - failed} of {len(results)} checks passed" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
