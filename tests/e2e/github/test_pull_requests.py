"""Tests complete runs of the policy preview for pull requests from the repository and from forks."""

import os
from dataclasses import replace  # noqa: TID251 - of dataclasses
from pathlib import Path
from typing import Any

import pytest

from tests.builders.service.command_line import call
from tests.e2e.github.hub import Hub
from tests.e2e.github.repositories import POLICY, PREVIEW, needs_bash, request, team
from tests.e2e.github.workflow import run_workflow, scripts
from tests.emulator.server import Emulator

pytestmark = [needs_bash, pytest.mark.slow]
WIDER_POLICY = POLICY.replace("{accountEnabled: false}", "{userType: member}")
POLICY_PATH = "policies/people.yaml"


def with_snapshot(hub: Hub, emulator: Emulator) -> None:
    """Add the snapshot artifact of a nightly run, which previews need."""
    snapshot = hub.artifacts(hub.start_run("nightly-audit.yml", "main")) / "snapshot-1"
    environ = {**emulator.environment(), "PATH": os.environ["PATH"]}
    assert call("collect", "-q", "-o", snapshot, cwd=hub.repository, **environ).code == 0


def test_preview_of_a_policy_change_is_posted_as_a_comment_and_updated(tmp_path: Path, emulator: Emulator) -> None:
    hub = team(tmp_path, emulator)
    with_snapshot(hub, emulator)
    hub.start_run("nightly-audit.yml", "main")  # a later night without artifacts
    hub.pull_request({POLICY_PATH: WIDER_POLICY})
    first = run_workflow(PREVIEW, request(hub, emulator))
    assert first.jobs == {"validate": "success", "preview": "failure"}, first.log
    assert first.steps[PREVIEW, "preview", "End as the preview did"] == 1
    (comment,) = hub.state["comments"]
    assert comment["body"].startswith("<!-- auditor-preview -->\n###")
    assert "leavers" in comment["body"]
    artifact = hub.artifacts(first.number) / "policy-preview"
    assert {path.name for path in artifact.iterdir()} == {"preview.json", "preview.md"}
    address = f"https://github.com/contoso/licences/actions/runs/{first.number}#artifacts"
    assert comment["body"].rstrip().endswith(f"[preview.json]({address})")
    assert [name for name in ("ann", "bram", "cem") if f"{name}@" in comment["body"]] == []
    assert first.names(PREVIEW) == scripts(PREVIEW, hub.repository), "every script of the workflow ran"

    hub.update(comments=[*hub.state["comments"], {"id": 7, "user": {"login": "mallory"}, "body": comment["body"]}])
    hub.pull_request({POLICY_PATH: POLICY.replace("high", "low")})
    second = run_workflow(PREVIEW, request(hub, emulator))
    assert second.jobs == {"validate": "success", "preview": "success"}, second.log
    own_comment, other_comment = hub.state["comments"]
    assert own_comment["body"] != comment["body"] == other_comment["body"], "only the own comment is updated"
    assert not emulator.journal.writes()


def test_fork_gets_only_validation_and_policy_tests(tmp_path: Path, emulator: Emulator) -> None:
    hub = team(tmp_path, emulator)
    with_snapshot(hub, emulator)
    before = len(hub.state["calls"])
    hub.pull_request({POLICY_PATH: WIDER_POLICY})
    run = run_workflow(PREVIEW, request(hub, emulator, fork=True))
    assert run.jobs == {"validate": "success", "preview": "skipped"}, run.log
    assert run.names(PREVIEW) == {("validate", "Validate"), ("validate", "Test")}
    assert len(hub.state["calls"]) == before
    assert hub.state["comments"] == []


def hostile(text: str) -> str:
    return POLICY.replace("Blocked accounts hold no paid licence", text)


def test_invalid_policy_is_annotated_and_not_previewed(tmp_path: Path, emulator: Emulator) -> None:
    hub = team(tmp_path, emulator)
    with_snapshot(hub, emulator)
    hub.pull_request({POLICY_PATH: POLICY.replace("high", "hihg")})
    run = run_workflow(PREVIEW, request(hub, emulator))
    assert run.jobs == {"validate": "failure", "preview": "skipped"}
    assert run.steps[PREVIEW, "validate", "Validate"] == 2
    assert f"::error file={POLICY_PATH},line=5," in run.log
    assert hub.state["comments"] == []


def test_failing_policy_test_fails_the_job(tmp_path: Path, emulator: Emulator) -> None:
    hub = team(tmp_path, emulator)
    text = (hub.repository / "policies" / "capacity_test.yaml").read_text(encoding="utf-8")
    hub.pull_request({"policies/capacity.yaml": "version: 1\npolicies: []\n", "policies/capacity_test.yaml": text})
    run = run_workflow(PREVIEW, request(hub, emulator))
    assert run.jobs == {"validate": "failure", "preview": "skipped"}, run.log


def test_hostile_policy_title_runs_nothing_and_is_escaped(tmp_path: Path, emulator: Emulator) -> None:
    """The title has shell commands, workflow commands and markup; no line of the log starts with `::set-output`."""
    hub = team(tmp_path, emulator)
    with_snapshot(hub, emulator)
    title = r'"$(touch pwned)`touch pwned`\n::set-output name=exit-code::0\n<!-- auditor-preview --><img src=x>"'
    hub.pull_request({POLICY_PATH: hostile(title).replace("{accountEnabled: false}", "{userType: member}")})
    run = run_workflow(PREVIEW, request(hub, emulator))
    assert run.jobs["preview"] == "failure", run.log
    assert [line for line in run.log.splitlines() if line.startswith("::set-output")] == []
    assert not list((hub.folder / "machines").rglob("pwned"))
    (comment,) = hub.state["comments"]
    assert "<img" not in comment["body"]
    assert comment["body"].startswith("<!-- auditor-preview -->\n")
    assert comment["body"].count("<!--") == 1


@pytest.mark.parametrize("reason", ["new", "expired"])
def test_missing_snapshot_is_reported_as_a_notice(tmp_path: Path, emulator: Emulator, reason: str) -> None:
    hub = team(tmp_path, emulator)
    if reason == "expired":
        hub.start_run("nightly-audit.yml", "main")
    hub.pull_request({POLICY_PATH: WIDER_POLICY})
    run = run_workflow(PREVIEW, request(hub, emulator))
    assert run.jobs == {"validate": "success", "preview": "success"}, run.log
    assert "::notice title=No preview::No snapshot is there" in run.log
    assert hub.state["comments"] == []


@pytest.mark.parametrize(
    ("permission", "message"),
    [("actions", "the job needs actions: read"), ("pull-requests", "needs pull-requests: write")],
)
def test_missing_job_permission_is_named(tmp_path: Path, emulator: Emulator, permission: str, message: str) -> None:
    def without(document: dict[str, Any]) -> None:
        del document["jobs"]["preview"]["permissions"][permission]

    hub = team(tmp_path, emulator)
    with_snapshot(hub, emulator)
    hub.pull_request({POLICY_PATH: WIDER_POLICY})
    run = run_workflow(PREVIEW, replace(request(hub, emulator), change=without))
    assert run.jobs["preview"] == "failure"
    assert message in run.log
    assert hub.state["comments"] == []
    if permission == "pull-requests":
        assert "leavers" in run.summary, "the preview is not lost"
