"""A workflow file and an event into what GitHub's runner would do with them: every `run:` step for real, in bash.

Not GitHub's: `uses:` of other people's actions. Checkout and the passing on of artifacts are stood in for, so that one
job has what another made; every other action is noted with its inputs and does nothing. This project's is expanded.
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
from tests.builders.service.command_line import ROOT, clean_environment
from tests.e2e.github.expressions import Known, as_text, condition, filled
from tests.e2e.github.hub import Hub
from tests.e2e.github.runner import parsed

_OURS = re.compile(rf"\./|{__home__}@.+")
Step = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Ran:
    """What became of a run."""

    number: int
    jobs: dict[str, str] = field(default_factory=dict)
    """Job, or job and matrix value, → success, failure or skipped."""
    steps: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """File, job and name of each `run:` step that ran → its exit code; the worst where it ran more than once."""
    used: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Every action that was called, with its inputs."""
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: str = ""
    summary: str = ""

    def inputs(self, action: str) -> list[Mapping[str, str]]:
        return [given for name, given in self.used if name.startswith(action)]

    def names(self, file: str) -> set[tuple[str, str]]:
        """The steps of a file that ran, as job and name."""
        return {(job, name) for where, job, name in self.steps if where == file}


@dataclass(slots=True, kw_only=True)
class Event:
    """Why a workflow runs, and how."""

    hub: Hub
    name: str = "schedule"
    payload: Mapping[str, Any] = field(default_factory=dict)
    ref: str = "main"
    environ: Mapping[str, str] = field(default_factory=dict)
    """What the runner's environment has besides; sign-in variables reach jobs with `id-token: write` only."""
    installed: Path | None = None
    """The program that `Install` of the action left behind, so that it does not run again in every job."""
    action: Path = ROOT
    """Where the project's own action is."""
    attempt: int = 1
    run: int | None = None
    """An earlier run that is run again."""
    change: Callable[[dict[str, Any]], None] = lambda _: None
    """What is altered in the workflow first, such as a permission taken away."""
    fork: bool = False


def run_workflow(file: str, event: Event, *, source: Path | None = None) -> Ran:
    """Run every job of a workflow in the order of their needs; `file` is within the repository, or `source`."""
    document = yaml.load(((source or event.hub.repository) / file).read_text(encoding="utf-8"), yaml.BaseLoader)
    event.change(document)
    number = event.hub.begin(Path(file).name, event.ref) if event.run is None else event.run
    ran = Ran(number=number)
    waiting = dict(document["jobs"])
    results: dict[str, dict[str, Any]] = {}
    while waiting:
        name = next(name for name, job in waiting.items() if results.keys() >= set(_needs(job)))
        job = waiting.pop(name)
        results[name] = _job(file, document, name, job, event, ran, {need: results[need] for need in _needs(job)})
    ran.outputs = {name: result["outputs"] for name, result in results.items()}
    return ran


def scripts(path: str, root: Path = ROOT) -> set[tuple[str, str]]:
    """Every `run:` step of a workflow or an action, as job and name."""
    document = yaml.load((root / path).read_text(encoding="utf-8"), yaml.BaseLoader)
    groups = {"": document["runs"]} if "runs" in document else document["jobs"]
    return {(job, _called(step)) for job, group in groups.items() for step in group["steps"] if "run" in step}


def _called(step: Step) -> str:
    return str(step.get("name") or step["run"].splitlines()[0])


def _needs(job: dict[str, Any]) -> list[str]:
    found = job.get("needs", [])
    return [found] if isinstance(found, str) else list(found)


def _job(
    file: str, document: dict[str, Any], name: str, job: dict[str, Any], event: Event, ran: Ran, needs: dict[str, Any]
) -> dict[str, Any]:
    contexts = {"github": _github(event, ran, job), "vars": event.hub.variables, "needs": needs, "env": {}}
    failed = any(need["result"] != "success" for need in needs.values())
    if not condition(job.get("if", "success()"), Known(contexts=contexts, failed=failed)):
        ran.jobs[name] = "skipped"
        return {"result": "skipped", "outputs": {}}
    ends = []
    outputs: dict[str, Any] = {}
    for values in _matrix(job, contexts):
        for section in ("strategy", "matrix"):
            contexts[section] = {"job-total": len(_matrix(job, contexts))} if section == "strategy" else values
        one = _Job(
            file=file, name=name, event=event, ran=ran, contexts=dict(contexts), permissions=_granted(job, event)
        )
        one.environ |= {key: as_text(filled(value, one.known())) for key, value in document.get("env", {}).items()}
        one.steps(job["steps"], file, name)
        ends.append("failure" if one.failed else "success")
        outputs |= {key: as_text(filled(value, one.known())) for key, value in job.get("outputs", {}).items()}
        ran.jobs[" ".join([name, *(str(value) for value in values.values())])] = ends[-1]
    return {"result": "failure" if "failure" in ends else "success", "outputs": outputs}


def _matrix(job: dict[str, Any], contexts: dict[str, Any]) -> list[dict[str, Any]]:
    axes = dict(job.get("strategy", {}).get("matrix", {}))
    more = axes.pop("include", [])
    known = Known(contexts=contexts)
    values = {key: filled(value, known) if isinstance(value, str) else value for key, value in axes.items()}
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())] + list(more)


def _granted(job: dict[str, Any], event: Event) -> dict[str, str]:
    """What a job's token may do: for a pull request from a fork reading at most, and no sign-in."""
    granted: dict[str, str] = job.get("permissions", {})
    if event.fork:
        return {what: "read" for what in granted if what != "id-token"}
    return granted


def _github(event: Event, ran: Ran, job: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_name": event.name,
        "event": {"repository": {"default_branch": "main"}, **event.payload},
        "ref": f"refs/heads/{event.ref}",
        "ref_name": event.ref,
        "repository": "contoso/licences",
        "server_url": "https://github.com",
        "run_id": str(ran.number),
        "run_attempt": str(event.attempt),
        "token": json.dumps(_granted(job, event)),
    }


@dataclass(slots=True, kw_only=True)
class _Job:
    """A machine that runs the steps of one job, or of an action in it."""

    file: str
    name: str
    event: Event
    ran: Ran
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

    def known(self, **more: Any) -> Known:
        return Known(contexts={**self.contexts, **more}, failed=self.failed)

    def steps(self, steps: list[Step], file: str, job: str) -> None:
        """Run what is to run; a step that fails lets those through that say `always()`."""
        for step in steps:
            if not condition(step.get("if", "success()"), self.known()):
                continue
            code, outputs = self.script(step, file, job) if "run" in step else self.action(step)
            if "id" in step:
                self.contexts["steps"][step["id"]] = {"outputs": outputs, "outcome": "failure" if code else "success"}
            if code and step.get("continue-on-error") != "true":
                self.failed = True

    def action(self, step: Step) -> tuple[int, dict[str, str]]:
        given = {key: as_text(filled(value, self.known())) for key, value in step.get("with", {}).items()}
        self.ran.used.append((step["uses"], given))
        if _OURS.fullmatch(step["uses"].split(" ")[0]):
            return self.ours(given)
        stands_in = {
            "actions/checkout": self.check_out,
            "actions/upload-artifact": self.upload,
            "actions/download-artifact": self.download,
        }
        name = step["uses"].split("@")[0]
        return (stands_in[name](given) if name in stands_in else 0), {}

    def ours(self, given: dict[str, str]) -> tuple[int, dict[str, str]]:
        """Expand the project's own action: its steps know its inputs and each other, and nothing of the job's."""
        document = yaml.load((ROOT / "action.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
        assert given.keys() <= document["inputs"].keys(), "an input that the action does not have"
        outer, failed = self.contexts, self.failed
        inputs = {key: given.get(key, item.get("default", "")) for key, item in document["inputs"].items()}
        self.contexts = {"github": outer["github"], "runner": outer["runner"], "inputs": inputs, "steps": {}}
        self.failed = False
        self.steps(document["runs"]["steps"], "action.yml", "")
        outputs = {key: as_text(filled(item["value"], self.known())) for key, item in document["outputs"].items()}
        code = int(self.failed)
        self.contexts, self.failed = outer, failed
        return code, outputs

    def script(self, step: Step, file: str, job: str) -> tuple[int, dict[str, str]]:
        assert "${{" not in step["run"], "an expression in a script is text that a stranger may write"
        assert step["shell"] == "bash"
        installed = self.event.installed
        if (file, step.get("id")) == ("action.yml", "install") and installed is not None:
            return 0, {"auditor": str(installed)}
        number = len(list((self.machine / "files").iterdir()))
        output, summary = (self.machine / "files" / f"{number}-{kind}" for kind in ("output", "summary"))
        output.touch()
        given = {key: as_text(filled(value, self.known())) for key, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.machine / "work" / step.get("working-directory", ""),
            env=clean_environment(self.surroundings(output, summary) | given),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
            check=False,
        )
        self.ran.log += f"── {job}: {_called(step)}\n{done.stdout}"
        self.ran.summary += summary.read_text(encoding="utf-8") if summary.exists() else ""
        key = (file, job, _called(step))
        self.ran.steps[key] = max(done.returncode, self.ran.steps.get(key, 0))
        return done.returncode, parsed(output.read_text(encoding="utf-8"))

    def surroundings(self, output: Path, summary: Path) -> dict[str, str]:
        """The environment of a step, before its own `env:`."""
        github = self.contexts["github"]
        signing_in = self.permissions.get("id-token") == "write"
        return {
            **self.event.hub.environment(),
            **({} if self.event.installed is None else {"PYTHONPATH": str(ROOT)}),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.event.action),
            "GITHUB_WORKSPACE": str(self.machine / "work"),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_REPOSITORY": github["repository"],
            "GITHUB_REF_NAME": github["ref_name"],
            "GITHUB_RUN_ID": github["run_id"],
            "GITHUB_SERVER_URL": github["server_url"],
            "RUNNER_TEMP": str(self.machine / "temp"),
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            **{key: value for key, value in self.event.environ.items() if signing_in or not key.startswith("ACTIONS_")},
            **self.environ,
        }

    def check_out(self, given: dict[str, str]) -> int:
        ref = "refs/pull/1/merge" if self.event.name == "pull_request" else self.event.ref
        work = self.machine / "work"
        hub = self.event.hub
        deep = ("--depth", given.get("fetch-depth", "1"))
        for arguments in (
            ("init", "-q"),
            ("fetch", "-q", *deep, f"file://{hub.repository}", ref),
            ("checkout", "-q", "FETCH_HEAD"),
        ):
            subprocess.run(["git", *arguments], cwd=work, check=True, capture_output=True)
        return 0

    def upload(self, given: dict[str, str]) -> int:
        target = self.event.hub.artifacts(self.ran.number) / given["name"]
        sources = [path for path in sorted((self.machine / "work").glob(given["path"])) if path.exists()]
        found = [path for one in sources for path in ([one] if one.is_file() else one.rglob("*")) if path.is_file()]
        if not found:
            return int(given.get("if-no-files-found") == "error")
        if target.exists():
            if given.get("overwrite") != "true":
                return 1
            shutil.rmtree(target)
        for path in found:
            root = sources[0] if sources[0].is_dir() else sources[0].parent
            kept = target / path.relative_to(root)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, kept)
        return 0

    def download(self, given: dict[str, str]) -> int:
        """One by its name into the folder, or each that fits a pattern into a folder of its own."""
        store = self.event.hub.artifacts(self.ran.number)
        to = self.machine / "work" / given["path"]
        if "name" in given:
            if not (store / given["name"]).is_dir():
                return 1
            shutil.copytree(store / given["name"], to, dirs_exist_ok=True)
            return 0
        for one in sorted(store.glob(given["pattern"])):
            shutil.copytree(one, to / one.name, dirs_exist_ok=True)
        return 0
