"""Tests the project's CI and release workflows and the installation of the action, without network access."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from auditor import __version__
from tests.builders.service.command_line import ROOT
from tests.e2e.github.hub import Hub
from tests.e2e.github.repositories import needs_bash
from tests.e2e.github.workflow import Event, run_workflow, scripts
from tests.package.tree import packed_names

pytestmark = [needs_bash, pytest.mark.slow]
CI, RELEASE = ".github/workflows/ci.yml", ".github/workflows/release.yml"
# A new virtual environment uses the packages of the current one, which has the versions of the locks. Commands that
# install a lock, change the current environment or run the tests are only printed ("noted: ..."). jsonschema without
# rfc3987_syntax validates the SBOM of all test packages in a second instead of half a minute.
PACKAGES = "\n".join(path for path in sys.path if path.endswith("site-packages"))
LOCKED = """\
#!/usr/bin/env bash
case "$*" in
  *" --require-hashes "*) test -f "${@: -1}" && echo "noted: python $*" ;;
  *) exec "${0%/*}/program" "$@" ;;
esac"""
PYTHON = f"""\
case "$1 $2 $3" in
  "-m venv "*)
    "{sys.executable}" -m venv --without-pip "$3"
    echo "{PACKAGES}
import sys; sys.modules['rfc3987_syntax'] = None" > "$(echo "$3"/lib/python*/site-packages)/these.pth"
    mv "$3/bin/python" "$3/bin/program"
    echo '{LOCKED}' > "$3/bin/python"
    chmod +x "$3/bin/python" ;;
  "-m pip "* | "-m pytest "*) echo "noted: python $*" ;;
  *) exec "{sys.executable}" "$@" ;;
esac"""


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A simulated GitHub with the project's repository in its current state."""
    project = Hub(folder=tmp_path / "hub")
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    for name in files:
        if name and (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "benchmarks/")):
            path = project.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((ROOT / name).read_bytes())
            path.chmod((ROOT / name).stat().st_mode)
    project.add_program("python", PYTHON)
    project.add_program("make", 'echo "noted: make $*"')
    project.commit("Begin")
    return project


def offline(hub: Hub, **options: object) -> Event:
    return Event(hub=hub, environ={"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}, **options)  # type: ignore[arg-type]


def test_ci_workflow_runs_every_step(hub: Hub) -> None:
    hub.add_program("apt-get", "exit 1")
    hub.add_program("npm", 'echo "noted: npm $*"')
    hub.add_program("docker", 'echo "noted: docker $*"')
    run = run_workflow(CI, offline(hub, name="push"))
    assert set(run.jobs.values()) == {"success"}, run.log
    assert run.names(CI) == scripts(CI)
    assert "noted: make test" in run.log
    assert "noted: make demo" in run.log
    assert "noted: docker build --tag auditor ." in run.log
    assert "auditor audit --demo -o /audit/out" in run.log
    assert "noted: python -m pip install --quiet --no-compile --require-hashes -r requirements/runtime.txt" in run.log
    assert run.log.count("noted: python -m pytest -q -n auto") == 5


def test_all_green_fails_if_one_job_fails(hub: Hub) -> None:
    def demo_only(document: dict[str, Any]) -> None:
        document["jobs"] = {name: document["jobs"][name] for name in ("demo", "all-green")}
        document["jobs"]["all-green"]["needs"] = ["demo"]

    hub.add_program("make", "exit 1")
    run = run_workflow(CI, offline(hub, name="push", change=demo_only))
    assert run.jobs["all-green"] == "failure"


def test_release_workflow_runs_every_step(hub: Hub) -> None:
    tag = f"v{__version__}"
    hub.git("tag", tag)
    run = run_workflow(RELEASE, offline(hub, name="push", ref=tag))
    assert run.jobs == {"build": "success", "publish": "success"}, run.log
    assert run.names(RELEASE) == scripts(RELEASE)
    (wheel,) = (hub.artifacts(run.number) / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(archive.namelist())
        assert f'__commit__ = "{hub.git("rev-parse", "HEAD")}"' in archive.read("auditor/__init__.py").decode()
    sbom = json.loads((hub.artifacts(run.number) / "sbom" / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert (sbom["bomFormat"], sbom["metadata"]["component"]["name"]) == ("CycloneDX", "m365-license-auditor")
    (attested,) = run.inputs("actions/attest-sbom")
    assert attested == {"subject-path": "dist/*", "sbom-path": "bill/sbom.cdx.json"}
    assert len(list((hub.artifacts(run.number) / "dist").iterdir())) == 2
    assert {"pyarrow", "msgraph-sdk"} <= {component["name"] for component in sbom["components"]}
    (published,) = run.inputs("actions/download-artifact")
    assert published["name"] == "dist"
    assert sorted(name for name in names if ".dist-info/" not in name) == packed_names()


def test_release_fails_if_the_tag_is_not_the_version(hub: Hub) -> None:
    def empty_environment(document: dict[str, Any]) -> None:
        (step,) = (step for step in document["jobs"]["build"]["steps"] if step.get("name") == "Make the environments")
        step["run"] = 'python -m venv "$RUNNER_TEMP/build"'

    hub.git("tag", "v99.0")
    run = run_workflow(RELEASE, offline(hub, name="push", ref="v99.0", change=empty_environment))
    assert run.jobs == {"build": "failure", "publish": "skipped"}
    assert "::error file=auditor/__init__.py::The tag is v99.0" in run.log


def test_action_installs_the_program_and_runs_it(hub: Hub) -> None:
    workflow = hub.repository / ".github" / "workflows" / "demo.yml"
    files = {"result": "out/result.json", "report": "out/report.html", "sarif": "out/result.sarif"}
    step = (
        "{id: audit, uses: ./, with: {demo: 'true', sarif: 'true', formats: 'html,json', fail-on: never, locale: nl}}"
    )
    workflow.write_text(
        f"on: push\njobs:\n  demo:\n    permissions: {{contents: read}}\n    steps:\n      - {step}\n    outputs:\n"
        + "".join(
            f"      {name}: ${{{{ steps.audit.outputs.{name} }}}}\n"
            for name in (*files, "findings", "highest-severity", "complete", "exit-code", "auditor")
        ),
        encoding="utf-8",
    )
    run = run_workflow(".github/workflows/demo.yml", offline(hub, name="push", action=hub.repository))
    assert run.jobs == {"demo": "success"}, run.log
    assert run.names("action.yml") == scripts("action.yml") - {("", "Mail")}
    outputs = run.outputs["demo"]
    assert {name: outputs[name] for name in files} == files
    assert (outputs["highest-severity"], outputs["complete"], outputs["exit-code"]) == ("critical", "true", "0")
    assert int(outputs["findings"]) > 100
    (sarif,) = run.inputs("github/codeql-action/upload-sarif")
    assert sarif == {"sarif_file": "out/result.sarif"}
    (upload,) = run.inputs("actions/upload-artifact")
    assert (upload["retention-days"], upload["path"]) == ("14", "out")
    assert (hub.artifacts(run.number) / "licence-audit" / "report.html").is_file()
    assert outputs["auditor"].endswith("licence-auditor/bin/auditor")
