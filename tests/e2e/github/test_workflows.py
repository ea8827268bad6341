"""Tests the permissions of the workflows, and single steps of them, run in bash with a fake `gh`."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor.render.preview.markdown import MARK
from tests.builders.service.command_line import ROOT
from tests.e2e.github.runner import Job

FOLDER = ".github/workflows"
NIGHTLY, PREVIEW = f"{FOLDER}/nightly-audit.yml", f"{FOLDER}/policy-preview.yml"
LOG_CALL = 'printf "%s\\n" "$*" >> "$GH_LOG"\n'

needs_bash = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None or shutil.which("jq") is None,
    reason="steps are run by bash with jq, as on a Linux runner",
)


def workflow(name: str) -> dict[str, Any]:
    document = yaml.load((ROOT / name).read_text(encoding="utf-8"), yaml.BaseLoader)
    assert isinstance(document, dict)
    return document


def job_in(folder: Path, gh: str = "exit 1\n") -> Job:
    """Return a job in a new repository, with a fake `gh` that logs its arguments and then runs the given script."""
    repository, programs = folder / "repository", folder / "programs"
    repository.mkdir()
    programs.mkdir()
    (programs / "gh").write_text(f"#!/usr/bin/env bash\n{LOG_CALL}{gh}", encoding="utf-8")
    (programs / "gh").chmod(0o755)
    path = f"{programs}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    return Job(folder=repository, environ={"PATH": path, "GH_LOG": str(folder / "gh-calls")})


def gh_calls(folder: Path) -> str:
    return (folder / "gh-calls").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / FOLDER).glob("*.yml")), ids=lambda path: path.name)
def test_workflow_has_no_default_permissions_secrets_or_unsafe_triggers(path: Path) -> None:
    document = workflow(f"{FOLDER}/{path.name}")
    assert document["permissions"] == {}
    assert "pull_request_target" not in document["on"]
    assert "workflow_run" not in document["on"]
    assert not re.search(r"\$\{\{[^}]*\bsecrets\b", path.read_text(encoding="utf-8"))
    assert [job for job in document["jobs"].values() if "timeout-minutes" not in job] == []


def test_jobs_of_a_pull_request_cannot_sign_in() -> None:
    jobs = workflow(PREVIEW)["jobs"]
    assert jobs["validate"]["permissions"] == {"contents": "read"}
    assert "id-token" not in jobs["preview"]["permissions"]
    assert jobs["preview"]["if"] == "github.event.pull_request.head.repo.full_name == github.repository"


def test_nightly_schedule_is_not_at_a_quarter_of_the_hour() -> None:
    (schedule,) = workflow(NIGHTLY)["on"]["schedule"]
    assert int(schedule["cron"].split()[0]) % 15
    assert schedule["timezone"]


@pytest.mark.slow
@needs_bash
@pytest.mark.parametrize(("shards", "code", "expected"), [("3", 0, "[1,2,3]"), ("$(id)", 2, ""), ("0", 2, "")])
def test_variable_audit_shards_sets_the_number_of_shards(tmp_path: Path, shards: str, code: int, expected: str) -> None:
    job = job_in(tmp_path, "echo private\n")
    (job.folder / "tenants.yaml").touch()
    job.values["vars.AUDIT_SHARDS"] = shards
    assert job.step(NIGHTLY, "Divide the tenants", job="plan") == code, job.log
    assert job.output("shards", "shards") == expected


def write_complete_result(folder: Path) -> None:
    folder.mkdir(parents=True)
    document = {
        "run": {"asOf": "2026-01-01T00:00:00Z"},
        "tenants": [{"complete": True}],
        "summary": {"notEvaluated": 0},
    }
    (folder / "result.json").write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.slow
@needs_bash
def test_report_stops_if_a_shard_has_no_result(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    job.values["needs.plan.outputs.shards"] = "[1,2]"
    write_complete_result(job.folder / "shards" / "audit-shard-1")
    write_complete_result(job.folder / "shards" / "audit-shard-1" / "tenants")
    assert job.step(NIGHTLY, "Take the results of all shards", job="report") == 3
    assert "Only 1 of 2 parts" in job.log
    write_complete_result(job.folder / "shards" / "audit-shard-2")
    assert job.step(NIGHTLY, "Take the results of all shards", job="report") == 0
    assert job.output("shards", "results").splitlines() == [
        f"shards/audit-shard-{number}/result.json" for number in (1, 2)
    ]


@needs_bash
@pytest.mark.parametrize(("old", "method"), [("", "POST"), ("55", "PATCH")])
def test_existing_comment_is_updated(tmp_path: Path, old: str, method: str) -> None:
    job = job_in(tmp_path, f'if [ "$2" = --paginate ]; then echo "{old}"; fi\n')
    job.values["github.event.pull_request.number"] = "12"
    (job.folder / "preview").mkdir()
    preview = "ç" * 30_000 + "\n\n</details>\n"
    (job.folder / "preview" / "preview.md").write_text(preview, encoding="utf-8")
    assert job.step(PREVIEW, "Comment", job="preview") == 0, job.log
    assert f"--method {method}" in gh_calls(tmp_path)
    comment = (job.folder / "comment.md").read_text(encoding="utf-8")
    assert comment.startswith(preview), "the program limits the size, and the end is kept"


def test_preview_step_searches_for_the_marker_of_the_renderer() -> None:
    steps = {step.get("name"): step for step in workflow(PREVIEW)["jobs"]["preview"]["steps"]}
    assert f'startswith("{MARK}")' in steps["Comment"]["run"]
