"""Runs the `run:` steps of an action or a job as GitHub's runner does; `uses:` steps are not run."""

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
from tests.e2e.github.expressions import Scope, as_text, interpolate

_CONTEXTS = ("env", "github", "inputs", "matrix", "needs", "runner", "steps", "strategy", "vars")


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


def run_script(step: Mapping[str, Any], folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script of a step in bash; its output includes stderr."""
    assert "${{" not in step["run"], "an expression in a script allows injection"
    assert step["shell"] == "bash"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env=clean_environment({"SOURCE_DATE_EPOCH": "", **environ}),  # each night has an instant of its own
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )


def runner_variables(workspace: Path, temporary: Path, output: Path, summary: Path) -> dict[str, str]:
    """Return the variables that the runner sets for every step."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_REPOSITORY": "contoso/licences",
        "RUNNER_TEMP": str(temporary),
        "RUNNER_OS": "Linux",
        "RUNNER_ARCH": "X64",
    }


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
        runner = self.folder.parent / "runner"
        runner.mkdir(exist_ok=True)
        output = runner / f"output-{len(list(runner.iterdir()))}"
        output.touch()
        environ = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "GITHUB_ACTION_PATH": str(ROOT),
            **runner_variables(self.folder, runner, output, runner / output.name.replace("output-", "summary-")),
            **self.environ,
            **{key: as_text(interpolate(value, self.scope())) for key, value in step.get("env", {}).items()},
        }
        completed = run_script(step, self.folder, environ)
        self.log += completed.stdout
        if "id" in step:
            outputs = parse_outputs(output.read_text(encoding="utf-8"))
            self.values |= {f"steps.{step['id']}.outputs.{key}": value for key, value in outputs.items()}
        return completed.returncode

    def scope(self) -> Scope:
        """Return the values as the contexts that expressions read."""
        contexts: dict[str, Any] = {name: {} for name in _CONTEXTS}
        for path, value in self.values.items():
            *owners, name = path.split(".")
            context = contexts
            for owner in owners:
                context = context.setdefault(owner, {})
            context[name] = value
        return Scope(contexts=contexts)

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
