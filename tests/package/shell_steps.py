"""Checks the `run:` steps of the action and the workflows with shellcheck."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from tests.package.tree import ROOT


class Step(Struct, frozen=True, kw_only=True):
    """A step that runs a script."""

    location: str
    """`file: job: name or number`."""
    name: str
    script: str
    shell: str
    document: dict[str, Any]


def shell_files() -> list[Path]:
    """Return the files that contain steps."""
    return [ROOT / "action.yml", *sorted((ROOT / ".github" / "workflows").glob("*.yml"))]


def steps(path: Path) -> Iterator[Step]:
    """Yield every step of a file that has a script."""
    document = yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)
    groups = {"": document["runs"]} if "runs" in document else document["jobs"]
    for job, group in groups.items():
        for number, step in enumerate(group["steps"], start=1):
            if "run" in step:
                name = step.get("name", str(number))
                yield Step(
                    location=f"{path.relative_to(ROOT).as_posix()}: {job}: {name}",
                    name=name,
                    script=step["run"],
                    shell=step.get("shell", ""),
                    document=step,
                )


def main() -> int:
    """Check every script; return 1 if there are findings."""
    checked = [step for path in shell_files() for step in steps(path)]
    failures = 0
    with tempfile.TemporaryDirectory(prefix="steps-") as folder:
        for number, step in enumerate(checked):
            script = Path(folder) / f"{number}.sh"
            script.write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{step.script}", encoding="utf-8")
            program = Path(sys.executable).parent / "shellcheck"
            completed = subprocess.run([program, "--format=gcc", script], capture_output=True, text=True, check=False)
            if completed.returncode:
                failures += 1
                sys.stderr.write(f"{step.location}\n{completed.stdout}{completed.stderr}")
    sys.stderr.write(f"shellcheck: {len(checked)} scripts, {failures} with findings\n")
    return 1 if failures or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
