"""Checks the `run:` steps of the action and the workflows with shellcheck."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.package.tree import ROOT


def shell_files() -> list[Path]:
    """Return the files that contain steps."""
    return [ROOT / "action.yml", *sorted((ROOT / ".github" / "workflows").glob("*.yml"))]


def scripts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield location (`file: job: name or number`) and script of every step of a file that has a script."""
    document = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
    groups = {"": document["runs"]} if "runs" in document else document["jobs"]
    for job, group in groups.items():
        for number, step in enumerate(group["steps"], start=1):
            if "run" in step:
                yield f"{path.relative_to(ROOT).as_posix()}: {job}: {step.get('name', number)}", step["run"]


def main() -> int:
    """Check every script; return 1 if there are findings."""
    checked = [step for path in shell_files() for step in scripts(path)]
    failures = 0
    with tempfile.TemporaryDirectory(prefix="steps-") as folder:
        for number, (location, text) in enumerate(checked):
            script = Path(folder) / f"{number}.sh"
            script.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{text}", encoding="utf-8")
            program = Path(sys.executable).parent / "shellcheck"
            completed = subprocess.run([program, "--format=gcc", script], capture_output=True, text=True, check=False)
            if completed.returncode:
                failures += 1
                sys.stderr.write(f"{location}\n{completed.stdout}{completed.stderr}")
    sys.stderr.write(f"shellcheck: {len(checked)} scripts, {failures} with findings\n")
    return 1 if failures or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
