"""What GitHub's runner does with the `run:` steps of an action or a job, as far as it can be done without GitHub.

`uses:` steps are not run. Expressions are those the files really hold: a lookup, `||` with a text, `==` with a text.
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


def parsed(text: str) -> dict[str, str]:
    """What the runner reads of an output file: `name=value`, or `name<<mark`, lines, `mark`; the last counts."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for head in lines:
        name, mark, rest = re.fullmatch(r"([\w-]*)(<<|=|)(.*)", head).groups()  # type: ignore[union-attr]
        if mark == "<<":
            found[name] = "\n".join(iter(lambda: next(lines), rest))
        elif mark:
            found[name] = rest
        else:
            assert not head, f"the runner would refuse the line {head!r}"
    return found


def evaluated(text: str, known: Values) -> str:
    """A value with its expressions replaced; KeyError for one that no test has thought of."""

    def value(found: re.Match[str]) -> str:
        whole = found[1].strip()
        lookup, _, fallback = whole.partition(" || ")
        if whole in known:
            return known[whole]
        return known.get(lookup) or fallback.strip("'")

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


@dataclass(slots=True, kw_only=True)
class Job:
    """A workspace, its environment, and everything that steps left behind."""

    folder: Path
    environ: dict[str, str]
    known: dict[str, str] = field(default_factory=dict)
    """Expressions and their values: `inputs.x`, `steps.y.outputs.z`."""
    log: str = ""

    @property
    def summary(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("../runner/summary-*")))

    def step(self, file: str, name: str, *, job: str = "") -> int:
        """Run one step in bash as the runner does, and keep its outputs; returns its exit code."""
        document = yaml.load((ROOT / file).read_text(encoding="utf-8"), yaml.BaseLoader)
        steps: list[dict[str, Any]] = (document["runs"] if not job else document["jobs"][job])["steps"]
        step = next(one for one in steps if one.get("name") == name)
        assert "${{" not in step["run"], "an expression in a script is text that a stranger may write"
        assert step["shell"] == "bash"
        runner = self.folder.parent / "runner"
        runner.mkdir(exist_ok=True)
        output = runner / f"output-{len(list(runner.iterdir()))}"
        output.touch()
        done = subprocess.run(
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
                    **{key: evaluated(value, self.known) for key, value in step.get("env", {}).items()},
                }
            ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.log += done.stdout + done.stderr
        if "id" in step:
            outputs = parsed(output.read_text(encoding="utf-8"))
            self.known |= {f"steps.{step['id']}.outputs.{key}": value for key, value in outputs.items()}
        return done.returncode

    def output(self, step: str, name: str) -> str:
        return self.known.get(f"steps.{step}.outputs.{name}", "")


def action_inputs(**given: str) -> dict[str, str]:
    """The inputs of the action with their defaults, as expressions."""
    document = yaml.load((ROOT / "action.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
    wanted = {name: item["default"] for name, item in document["inputs"].items()}
    for name, value in given.items():
        assert name.replace("_", "-") in wanted
        wanted[name.replace("_", "-")] = value
    return {f"inputs.{name}": value for name, value in wanted.items()}
