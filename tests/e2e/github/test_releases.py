"""The project's own workflows and the action's installation, with the packages of this environment and no network."""

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

pytestmark = needs_bash
CI, RELEASE = ".github/workflows/ci.yml", ".github/workflows/release.yml"
# A new environment sees the packages of this one, which is what the locks ask for. Installing a lock, and what would change
# this environment or run these tests in themselves, is noted and not done. Without its grammar of addresses, jsonschema
# validates the bill of all the tests' packages in a second instead of half a minute.
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
    """The project's repository as it is in the working copy."""
    found = Hub(folder=tmp_path / "hub")
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    for name in files:
        if name and (ROOT / name).is_file() and not name.startswith(("tests/", "docs/", "benchmarks/")):
            path = found.repository / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((ROOT / name).read_bytes())
            path.chmod((ROOT / name).stat().st_mode)
    found.stand_in("python", PYTHON)
    found.stand_in("make", 'echo "noted: make $*"')
    found.commit("Begin")
    return found


def offline(hub: Hub, **more: object) -> Event:
    return Event(hub=hub, environ={"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}, **more)  # type: ignore[arg-type]


@pytest.mark.slow
def test_every_step_of_the_checks(hub: Hub) -> None:
    hub.stand_in("apt-get", "exit 1")
    hub.stand_in("npm", 'echo "noted: npm $*"')
    hub.stand_in("docker", 'echo "noted: docker $*"')
    ran = run_workflow(CI, offline(hub, name="push"))
    assert set(ran.jobs.values()) == {"success"}, ran.log
    assert ran.names(CI) == scripts(CI)
    assert "noted: make test" in ran.log
    assert "noted: make demo" in ran.log
    assert "noted: docker build --tag auditor ." in ran.log
    assert "auditor audit --demo -o /audit/out" in ran.log
    assert "noted: python -m pip install --quiet --no-compile --require-hashes -r requirements/runtime.txt" in ran.log
    assert ran.log.count("noted: python -m pytest -q -n auto") == 5


@pytest.mark.slow
def test_one_job_that_fails_is_not_all_green(hub: Hub) -> None:
    def demo_only(document: dict[str, Any]) -> None:
        document["jobs"] = {name: document["jobs"][name] for name in ("demo", "all-green")}
        document["jobs"]["all-green"]["needs"] = ["demo"]

    hub.stand_in("make", "exit 1")
    ran = run_workflow(CI, offline(hub, name="push", change=demo_only))
    assert ran.jobs["all-green"] == "failure"


@pytest.mark.slow
def test_every_step_of_a_release(hub: Hub) -> None:
    tag = f"v{__version__}"
    hub.git("tag", tag)
    ran = run_workflow(RELEASE, offline(hub, name="push", ref=tag))
    assert ran.jobs == {"build": "success", "publish": "success"}, ran.log
    assert ran.names(RELEASE) == scripts(RELEASE)
    (wheel,) = (hub.artifacts(ran.number) / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = sorted(archive.namelist())
        assert f'__commit__ = "{hub.git("rev-parse", "HEAD")}"' in archive.read("auditor/__init__.py").decode()
    bill = json.loads((hub.artifacts(ran.number) / "sbom" / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "m365-license-auditor")
    (attested,) = ran.inputs("actions/attest-sbom")
    assert attested == {"subject-path": "dist/*", "sbom-path": "bill/sbom.cdx.json"}
    assert len(list((hub.artifacts(ran.number) / "dist").iterdir())) == 2
    assert {"pyarrow", "msgraph-sdk"} <= {one["name"] for one in bill["components"]}
    (published,) = ran.inputs("actions/download-artifact")
    assert published["name"] == "dist"
    assert sorted(name for name in held if ".dist-info/" not in name) == packed_names()


@pytest.mark.slow
def test_a_tag_that_is_not_the_version_is_no_release(hub: Hub) -> None:
    def empty_environment(document: dict[str, Any]) -> None:
        (step,) = (each for each in document["jobs"]["build"]["steps"] if each.get("name") == "Make the environments")
        step["run"] = 'python -m venv "$RUNNER_TEMP/build"'

    hub.git("tag", "v99.0")
    ran = run_workflow(RELEASE, offline(hub, name="push", ref="v99.0", change=empty_environment))
    assert ran.jobs == {"build": "failure", "publish": "skipped"}
    assert "::error file=auditor/__init__.py::The tag is v99.0" in ran.log


@pytest.mark.slow
def test_the_action_installs_itself_and_runs(hub: Hub) -> None:
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
    ran = run_workflow(".github/workflows/demo.yml", offline(hub, name="push", action=hub.repository))
    assert ran.jobs == {"demo": "success"}, ran.log
    assert ran.names("action.yml") == scripts("action.yml") - {("", "Mail")}
    found = ran.outputs["demo"]
    assert {name: found[name] for name in files} == files
    assert (found["highest-severity"], found["complete"], found["exit-code"]) == ("critical", "true", "0")
    assert int(found["findings"]) > 100
    (sarif,) = ran.inputs("github/codeql-action/upload-sarif")
    assert sarif == {"sarif_file": "out/result.sarif"}
    (upload,) = ran.inputs("actions/upload-artifact")
    assert (upload["retention-days"], upload["path"]) == ("14", "out")
    assert (hub.artifacts(ran.number) / "licence-audit" / "report.html").is_file()
    assert found["auditor"].endswith("licence-auditor/bin/auditor")
