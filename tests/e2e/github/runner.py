"""Runs the `run:` steps of an action or a job as GitHub's runner does.

`uses:` steps are not run. The only supported expressions are those in the files: a lookup, `||` and `==` with a text.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.builders.service.command_line import ROOT, clean_environment

Values = Mapping[str, str]


def parse_outputs(text: str) -> dict[str, str]:
    """Parse an output file: `name=value`, or `name<<mark`, lines, `mark`. The last value of a name is used."""
    outputs: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for head in lines:
        name, mark, rest = re.fullmatch(r"([\w-]*)(<<|=|)(.*)", head).groups()  # type: ignore[union-attr]
        if mark == "<<":
            outputs[name] = "\n".join(iter(lambda: next(lines), rest))
        elif mark:
            outputs[name] = rest
        else:
            assert not head, f"the runner would refuse the line {head!r}"
    return outputs


def interpolate(text: str, values: Values) -> str:
    """Return a text with its expressions replaced by their values; unknown lookups give their fallback."""

    def value(match: re.Match[str]) -> str:
        expression = match[1].strip()
        lookup, _, fallback = expression.partition(" || ")
        if expression in values:
            return values[expression]
        return values.get(lookup) or fallback.strip("'")

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


@dataclass(slots=True, kw_only=True)
class Job:
    """A workspace, its environment, and the outputs, summaries and log of its steps."""

    folder: Path
    environ: dict[str, str]
    values: dict[str, str] = field(default_factory=dict)
    """Expression (`inputs.x`, `steps.y.outputs.z`) → its value."""
    log: str = ""

    @property
    def summary(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("../runner/summary-*")))

    def step(self, file: str, name: str, *, job: str = "") -> int:
        """Run a step in bash as the runner does, keep its outputs, and return its exit code."""
        document = yaml.load((ROOT / file).read_text(encoding="utf-8"), yaml.BaseLoader)
        steps: list[dict[str, Any]] = (document["runs"] if not job else document["jobs"][job])["steps"]
        step = next(step for step in steps if step.get("name") == name)
        assert "${{" not in step["run"], "an expression in a script allows injection"
        assert step["shell"] == "bash"
        runner = self.folder.parent / "runner"
        runner.mkdir(exist_ok=True)
        output = runner / f"output-{len(list(runner.iterdir()))}"
        output.touch()
        completed = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env=clean_environment(
                {
                    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                    "PYTHONPATH": str(ROOT),
                    "GITHUB_ACTIONS": "true",
                    "GITHUB_ACTION_PATH": str(ROOT),
                    "GITHUB_WORKSPACE": str(self.folder),
                    "GITHUB_OUTPUT": str(output),
                    "GITHUB_STEP_SUMMARY": str(output).replace("output-", "summary-"),
                    "GITHUB_REPOSITORY": "contoso/licences",
                    "RUNNER_TEMP": str(runner),
                    "RUNNER_OS": "Linux",
                    "RUNNER_ARCH": "X64",
                    **self.environ,
                    **{key: interpolate(value, self.values) for key, value in step.get("env", {}).items()},
                }
            ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.log += completed.stdout + completed.stderr
        if "id" in step:
            outputs = parse_outputs(output.read_text(encoding="utf-8"))
            self.values |= {f"steps.{step['id']}.outputs.{key}": value for key, value in outputs.items()}
        return completed.returncode

    def output(self, step: str, name: str) -> str:
        return self.values.get(f"steps.{step}.outputs.{name}", "")


def action_inputs(**inputs: str) -> dict[str, str]:
    """Return the action's inputs as expressions, with the given values or their defaults."""
    document = yaml.load((ROOT / "action.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
    values = {name: item["default"] for name, item in document["inputs"].items()}
    for name, value in inputs.items():
        assert name.replace("_", "-") in values
        values[name.replace("_", "-")] = value
    return {f"inputs.{name}": value for name, value in values.items()}
