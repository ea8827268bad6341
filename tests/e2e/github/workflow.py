"""Runs the workflow of an event like GitHub's runner: every `run:` step is run in bash.

Actions of others (`uses:`) are not run. Checkout, upload and download of artifacts are simulated, so that a job has the
artifacts of earlier jobs; every other action is only recorded with its inputs. The steps of this project's action are
run.
"""

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from auditor import __home__
from tests.builders.service.command_line import ROOT
from tests.e2e.github.expressions import Scope, as_text, condition, interpolate
from tests.e2e.github.hub import Hub
from tests.e2e.github.runner import parse_outputs, run_script, runner_variables

_OWN_ACTION = re.compile(rf"\./|{__home__}@.+")
Step = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class WorkflowRun:
    """The outcome of a workflow run."""

    number: int
    jobs: dict[str, str] = field(default_factory=dict)
    """Job, or job and matrix value, → success, failure or skipped."""
    steps: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """File, job and name of each `run:` step that ran → its exit code; the highest one if it ran more than once."""
    used: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Every action that was used, with its inputs."""
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: str = ""
    summary: str = ""

    def inputs(self, action: str) -> list[Mapping[str, str]]:
        return [inputs for name, inputs in self.used if name.startswith(action)]

    def names(self, file: str) -> set[tuple[str, str]]:
        """Return job and name of each step of a file that ran."""
        return {(job, name) for step_file, job, name in self.steps if step_file == file}


@dataclass(slots=True, kw_only=True)
class Event:
    """The event that starts a workflow, and the environment of its run."""

    hub: Hub
    name: str = "schedule"
    payload: Mapping[str, Any] = field(default_factory=dict)
    ref: str = "main"
    environ: Mapping[str, str] = field(default_factory=dict)
    """Additional variables of the runner; those for the sign-in are only passed to jobs with `id-token: write`."""
    installed: Path | None = None
    """The installed program; if it is set, the action's step `Install` is skipped."""
    action: Path = ROOT
    """The folder of the project's own action."""
    attempt: int = 1
    run: int | None = None
    """The number of an earlier run, if it is run again."""
    change: Callable[[dict[str, Any]], None] = lambda _: None
    """A change that is made to the workflow first, such as removing a permission."""
    fork: bool = False


def run_workflow(file: str, event: Event) -> WorkflowRun:
    """Run every job of a workflow in the order of their needs; `file` is relative to the repository."""
    document = yaml.load((event.hub.repository / file).read_text(encoding="utf-8"), yaml.BaseLoader)
    event.change(document)
    number = event.hub.start_run(Path(file).name, event.ref) if event.run is None else event.run
    run = WorkflowRun(number=number)
    waiting = dict(document["jobs"])
    results: dict[str, dict[str, Any]] = {}
    while waiting:
        name = next(name for name, job in waiting.items() if results.keys() >= set(_needs(job)))
        job = waiting.pop(name)
        results[name] = _job(file, document, name, job, event, run, {need: results[need] for need in _needs(job)})
    run.outputs = {name: result["outputs"] for name, result in results.items()}
    return run


def scripts(path: str, root: Path = ROOT) -> set[tuple[str, str]]:
    """Return job and name of every `run:` step of a workflow or an action."""
    document = yaml.load((root / path).read_text(encoding="utf-8"), yaml.BaseLoader)
    groups = {"": document["runs"]} if "runs" in document else document["jobs"]
    return {(job, _step_name(step)) for job, group in groups.items() for step in group["steps"] if "run" in step}


def _step_name(step: Step) -> str:
    return str(step.get("name") or step["run"].splitlines()[0])


def _needs(job: dict[str, Any]) -> list[str]:
    needs = job.get("needs", [])
    return [needs] if isinstance(needs, str) else list(needs)


def _job(
    file: str,
    document: dict[str, Any],
    name: str,
    job: dict[str, Any],
    event: Event,
    run: WorkflowRun,
    needs: dict[str, Any],
) -> dict[str, Any]:
    contexts = {"github": _github(event, run, job), "vars": event.hub.variables, "needs": needs, "env": {}}
    failed = any(need["result"] != "success" for need in needs.values())
    if not condition(job.get("if", "success()"), Scope(contexts=contexts, failed=failed)):
        run.jobs[name] = "skipped"
        return {"result": "skipped", "outputs": {}}
    conclusions = []
    outputs: dict[str, Any] = {}
    for values in _matrix(job, contexts):
        for section in ("strategy", "matrix"):
            contexts[section] = {"job-total": len(_matrix(job, contexts))} if section == "strategy" else values
        runner = _Job(
            file=file, name=name, event=event, run=run, contexts=dict(contexts), permissions=_permissions(job, event)
        )
        runner.environ |= {
            key: as_text(interpolate(value, runner.scope())) for key, value in document.get("env", {}).items()
        }
        runner.steps(job["steps"], file, name)
        conclusions.append("failure" if runner.failed else "success")
        outputs |= {key: as_text(interpolate(value, runner.scope())) for key, value in job.get("outputs", {}).items()}
        run.jobs[" ".join([name, *(str(value) for value in values.values())])] = conclusions[-1]
    return {"result": "failure" if "failure" in conclusions else "success", "outputs": outputs}


def _matrix(job: dict[str, Any], contexts: dict[str, Any]) -> list[dict[str, Any]]:
    axes = dict(job.get("strategy", {}).get("matrix", {}))
    included = axes.pop("include", [])
    scope = Scope(contexts=contexts)
    values = {key: interpolate(value, scope) if isinstance(value, str) else value for key, value in axes.items()}
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())] + list(included)


def _permissions(job: dict[str, Any], event: Event) -> dict[str, str]:
    """Return the permissions of a job's token. For a pull request from a fork they are read-only, without sign-in."""
    permissions: dict[str, str] = job.get("permissions", {})
    if event.fork:
        return {permission: "read" for permission in permissions if permission != "id-token"}
    return permissions


def _github(event: Event, run: WorkflowRun, job: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_name": event.name,
        "event": {"repository": {"default_branch": "main"}, **event.payload},
        "ref": f"refs/heads/{event.ref}",
        "ref_name": event.ref,
        "repository": "contoso/licences",
        "server_url": "https://github.com",
        "run_id": str(run.number),
        "run_attempt": str(event.attempt),
        "token": json.dumps(_permissions(job, event)),
    }


@dataclass(slots=True, kw_only=True)
class _Job:
    """A machine that runs the steps of a job, and those of actions in it."""

    file: str
    name: str
    event: Event
    run: WorkflowRun
    contexts: dict[str, Any]
    permissions: dict[str, str]
    environ: dict[str, str] = field(default_factory=dict)
    failed: bool = False
    machine: Path = field(init=False)

    def __post_init__(self) -> None:
        machines = self.event.hub.folder / "machines"
        self.machine = machines / str(len(list(machines.iterdir())) if machines.exists() else 0)
        for folder in ("work", "temp", "files"):
            (self.machine / folder).mkdir(parents=True)
        self.contexts |= {"steps": {}, "env": {}, "runner": {"temp": str(self.machine / "temp")}}

    def scope(self, **contexts: Any) -> Scope:
        return Scope(contexts={**self.contexts, **contexts}, failed=self.failed)

    def steps(self, steps: list[Step], file: str, job: str) -> None:
        """Run the steps whose condition holds; after a failed step, only those with `always()`."""
        for step in steps:
            if not condition(step.get("if", "success()"), self.scope()):
                continue
            code, outputs = self.run_script(step, file, job) if "run" in step else self.use(step)
            if "id" in step:
                self.contexts["steps"][step["id"]] = {"outputs": outputs, "outcome": "failure" if code else "success"}
            if code and step.get("continue-on-error") != "true":
                self.failed = True

    def use(self, step: Step) -> tuple[int, dict[str, str]]:
        inputs = {key: as_text(interpolate(value, self.scope())) for key, value in step.get("with", {}).items()}
        self.run.used.append((step["uses"], inputs))
        if _OWN_ACTION.fullmatch(step["uses"].split(" ")[0]):
            return self.run_own_action(inputs)
        simulated = {
            "actions/checkout": self.check_out,
            "actions/upload-artifact": self.upload,
            "actions/download-artifact": self.download,
        }
        name = step["uses"].split("@")[0]
        return (simulated[name](inputs) if name in simulated else 0), {}

    def run_own_action(self, inputs: dict[str, str]) -> tuple[int, dict[str, str]]:
        """Run the steps of the project's own action, which see its inputs and each other, but not the job's steps."""
        document = yaml.load((ROOT / "action.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
        assert inputs.keys() <= document["inputs"].keys(), "an input that the action does not have"
        outer, failed = self.contexts, self.failed
        values = {key: inputs.get(key, item.get("default", "")) for key, item in document["inputs"].items()}
        self.contexts = {"github": outer["github"], "runner": outer["runner"], "inputs": values, "steps": {}}
        self.failed = False
        self.steps(document["runs"]["steps"], "action.yml", "")
        outputs = {key: as_text(interpolate(item["value"], self.scope())) for key, item in document["outputs"].items()}
        code = int(self.failed)
        self.contexts, self.failed = outer, failed
        return code, outputs

    def run_script(self, step: Step, file: str, job: str) -> tuple[int, dict[str, str]]:
        installed = self.event.installed
        if (file, step.get("id")) == ("action.yml", "install") and installed is not None:
            return 0, {"auditor": str(installed)}
        number = len(list((self.machine / "files").iterdir()))
        output, summary = (self.machine / "files" / f"{number}-{kind}" for kind in ("output", "summary"))
        output.touch()
        step_env = {key: as_text(interpolate(value, self.scope())) for key, value in step.get("env", {}).items()}
        folder = self.machine / "work" / step.get("working-directory", "")
        completed = run_script(step, folder, self.environment(output, summary) | step_env)
        self.run.log += f"── {job}: {_step_name(step)}\n{completed.stdout}"
        self.run.summary += summary.read_text(encoding="utf-8") if summary.exists() else ""
        key = (file, job, _step_name(step))
        self.run.steps[key] = max(completed.returncode, self.run.steps.get(key, 0))
        return completed.returncode, parse_outputs(output.read_text(encoding="utf-8"))

    def environment(self, output: Path, summary: Path) -> dict[str, str]:
        """Return the environment of a step without its `env:`."""
        github = self.contexts["github"]
        signing_in = self.permissions.get("id-token") == "write"
        return {
            **self.event.hub.environment(),
            **({} if self.event.installed is None else {"PYTHONPATH": str(ROOT)}),
            **runner_variables(self.machine / "work", self.machine / "temp", output, summary),
            "GITHUB_ACTION_PATH": str(self.event.action),
            "GITHUB_REF_NAME": github["ref_name"],
            "GITHUB_RUN_ID": github["run_id"],
            "GITHUB_SERVER_URL": github["server_url"],
            **{key: value for key, value in self.event.environ.items() if signing_in or not key.startswith("ACTIONS_")},
            **self.environ,
        }

    def check_out(self, inputs: dict[str, str]) -> int:
        ref = "refs/pull/1/merge" if self.event.name == "pull_request" else self.event.ref
        work = self.machine / "work"
        hub = self.event.hub
        depth = ("--depth", inputs.get("fetch-depth", "1"))
        for arguments in (
            ("init", "-q"),
            ("fetch", "-q", *depth, f"file://{hub.repository}", ref),
            ("checkout", "-q", "FETCH_HEAD"),
        ):
            subprocess.run(["git", *arguments], cwd=work, check=True, capture_output=True)
        return 0

    def upload(self, inputs: dict[str, str]) -> int:
        target = self.event.hub.artifacts(self.run.number) / inputs["name"]
        sources = [path for path in sorted((self.machine / "work").glob(inputs["path"])) if path.exists()]
        files = [
            path
            for source in sources
            for path in ([source] if source.is_file() else source.rglob("*"))
            if path.is_file()
        ]
        if not files:
            return int(inputs.get("if-no-files-found") == "error")
        if target.exists():
            if inputs.get("overwrite") != "true":
                return 1
            shutil.rmtree(target)
        for path in files:
            root = sources[0] if sources[0].is_dir() else sources[0].parent
            copy = target / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        return 0

    def download(self, inputs: dict[str, str]) -> int:
        """Copy one artifact into the folder, or each that matches a pattern into a separate subfolder."""
        artifacts = self.event.hub.artifacts(self.run.number)
        folder = self.machine / "work" / inputs["path"]
        if "name" in inputs:
            if not (artifacts / inputs["name"]).is_dir():
                return 1
            shutil.copytree(artifacts / inputs["name"], folder, dirs_exist_ok=True)
            return 0
        for artifact in sorted(artifacts.glob(inputs["pattern"])):
            shutil.copytree(artifact, folder / artifact.name, dirs_exist_ok=True)
        return 0
