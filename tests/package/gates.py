"""Runs all checks of the project and prints a summary."""

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

Kind = Literal["lint", "test"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One command that must exit 0."""

    name: str
    kind: Kind
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a gate."""

    gate: Gate
    held: bool
    seconds: float


def gates() -> Iterator[Gate]:
    """Yield all gates, the longest of lint first."""
    yield Gate("types", "lint", ("mypy", "--strict", "auditor", "tests", "benchmarks"))
    yield Gate("style", "lint", ("ruff", "check", "--quiet", "."))
    yield Gate("format", "lint", ("ruff", "format", "--check", "--quiet", "."))
    yield Gate("layers", "lint", ("lint-imports", "--no-cache"))
    yield from _workflows()
    yield Gate("documentation site", "lint", ("python", "-m", "tests.package.site"))
    yield Gate("cost", "test", ("python", "-m", "benchmarks.guard"))
    yield Gate("tests", "test", ("pytest", "-q", "-n", "2"))


def _workflows() -> Iterator[Gate]:
    """Yield the gates of GitHub files."""
    workflows = sorted(_below(".github/workflows", "*.yml"))
    actions = sorted([*_below(".", "action.yml"), *_below(".github/actions", "**/action.yml")])
    check = ("check-jsonschema", "--builtin-schema")
    safety = ("zizmor", "--offline", "--quiet", "--no-progress", "--persona", "auditor")
    yield Gate("workflow safety", "lint", (*safety, ".github", *actions))
    yield Gate("workflow schema", "lint", (*check, "vendor.github-workflows", *workflows))
    yield Gate("workflow timeouts", "lint", (*check, "custom.github-workflows-require-timeout", *workflows))
    yield Gate("dependabot schema", "lint", (*check, "vendor.dependabot", ".github/dependabot.yml"))
    forms = sorted(set(_below(".github/ISSUE_TEMPLATE", "*.yml")) - {".github/ISSUE_TEMPLATE/config.yml"})
    yield Gate("issue forms", "lint", (*check, "vendor.github-issue-forms", *forms))
    config = ".github/ISSUE_TEMPLATE/config.yml"
    yield Gate("issue form config", "lint", (*check, "vendor.github-issue-config", config))
    yield Gate("workflow language", "lint", ("python", "-m", "tests.package.language_service"))
    yield Gate("workflow scripts", "lint", ("python", "-m", "tests.package.shell_steps"))
    if actions:
        yield Gate("action schema", "lint", (*check, "vendor.github-actions", *actions))


def _below(folder: str, pattern: str) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob(pattern)]


def run(gate: Gate) -> Ran:
    """Run one gate and show its output: of a lint gate when it has ended, because two of them run at a time."""
    program, *arguments = gate.command
    heading = f"\n── {gate.name}: {shlex.join(gate.command)}"
    together = subprocess.PIPE if gate.kind == "lint" else None
    if together is None:
        print(heading, flush=True)
    begun = time.monotonic()
    done = subprocess.run([BIN / program, *arguments], cwd=ROOT, stdout=together, stderr=subprocess.STDOUT, check=False)
    if together is not None:
        print(heading, (done.stdout or b"").decode(errors="replace"), sep="\n", end="", flush=True)
    return Ran(gate, held=done.returncode == 0, seconds=time.monotonic() - begun)


def main(arguments: Sequence[str]) -> int:
    """Run the gates of the given kinds, by default all; return 1 if one failed, 2 for an unknown kind."""
    if unknown := set(arguments) - {"lint", "test"}:
        print(f"there is no kind of gate called {', '.join(sorted(unknown))}: lint, test", file=sys.stderr)
        return 2
    wanted = [gate for gate in gates() if not arguments or gate.kind in arguments]
    # The checker of types takes as long as all other lint gates together.
    with ThreadPoolExecutor(max_workers=2) as pool:
        done = list(pool.map(run, (gate for gate in wanted if gate.kind == "lint")))
    done += [run(gate) for gate in wanted if gate.kind == "test"]
    print("\n── summary")
    for one in done:
        print(f"{'ok    ' if one.held else 'FAILED'} {one.seconds:7.1f} s  {one.gate.name}")
    failed = sum(not one.held for one in done)
    print(f"{len(done) - failed} of {len(done)} checks hold" + (f", {failed} do not" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
