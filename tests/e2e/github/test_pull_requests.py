"""Whole runs for a pull request: what a reviewer is told, and what a stranger gets."""

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

pytestmark = needs_bash
WIDER = POLICY.replace("{accountEnabled: false}", "{userType: member}")
PLACE = "policies/people.yaml"


def with_snapshot(hub: Hub, emulator: Emulator) -> None:
    """What a night leaves behind for previews."""
    snapshot = hub.artifacts(hub.begin("nightly-audit.yml", "main")) / "snapshot-1"
    environ = {**emulator.environment(), "PATH": os.environ["PATH"]}
    assert call("collect", "-q", "-o", snapshot, cwd=hub.repository, **environ).code == 0


@pytest.mark.slow
def test_a_reviewer_sees_what_a_change_would_do(tmp_path: Path, emulator: Emulator) -> None:
    hub = team(tmp_path, emulator)
    with_snapshot(hub, emulator)
    hub.begin("nightly-audit.yml", "main")  # a night later that left nothing
    hub.pull_request({PLACE: WIDER})
    first = run_workflow(PREVIEW, request(hub, emulator))
    assert first.jobs == {"validate": "success", "preview": "failure"}, first.log
    assert first.steps[PREVIEW, "preview", "End as the preview did"] == 1
    (comment,) = hub.state["comments"]
    assert comment["body"].startswith("<!-- licence-policy-preview -->")
    assert "leavers" in comment["body"]
    assert [name for name in ("ann", "bram", "cem") if f"{name}@" in comment["body"]] == []
    assert first.names(PREVIEW) == scripts(PREVIEW, hub.repository), "every script of the workflow ran"

    hub.keep(comments=[*hub.state["comments"], {"id": 7, "user": {"login": "mallory"}, "body": comment["body"]}])
    hub.pull_request({PLACE: POLICY.replace("high", "low")})
    second = run_workflow(PREVIEW, request(hub, emulator))
    assert second.jobs == {"validate": "success", "preview": "success"}, second.log
    ours, theirs = hub.state["comments"]
    assert ours["body"] != comment["body"] == theirs["body"], "the comment is updated in place, and only ours"
    assert not emulator.journal.writes()


@pytest.mark.slow
def test_a_fork_gets_validation_and_tests_and_nothing_else(tmp_path: Path, emulator: Emulator) -> None:
    hub = team(tmp_path, emulator)
    with_snapshot(hub, emulator)
    before = len(hub.state["calls"])
    hub.pull_request({PLACE: WIDER})
    ran = run_workflow(PREVIEW, request(hub, emulator, fork=True))
    assert ran.jobs == {"validate": "success", "preview": "skipped"}, ran.log
    assert ran.names(PREVIEW) == {("validate", "Validate"), ("validate", "Test")}
    assert len(hub.state["calls"]) == before
    assert hub.state["comments"] == []


def hostile(text: str) -> str:
    return POLICY.replace("Blocked accounts hold no paid licence", text)


@pytest.mark.slow
def test_a_policy_that_does_not_parse_is_marked_and_goes_no_further(tmp_path: Path, emulator: Emulator) -> None:
    hub = team(tmp_path, emulator)
    with_snapshot(hub, emulator)
    hub.pull_request({PLACE: POLICY.replace("high", "hihg")})
    ran = run_workflow(PREVIEW, request(hub, emulator))
    assert ran.jobs == {"validate": "failure", "preview": "skipped"}
    assert ran.steps[PREVIEW, "validate", "Validate"] == 2
    assert f"::error file={PLACE},line=5," in ran.log
    assert hub.state["comments"] == []


@pytest.mark.slow
def test_a_policy_test_that_fails_is_red(tmp_path: Path, emulator: Emulator) -> None:
    hub = team(tmp_path, emulator)
    text = (hub.repository / "policies" / "capacity_test.yaml").read_text(encoding="utf-8")
    hub.pull_request({"policies/capacity.yaml": "version: 1\npolicies: []\n", "policies/capacity_test.yaml": text})
    ran = run_workflow(PREVIEW, request(hub, emulator))
    assert ran.jobs == {"validate": "failure", "preview": "skipped"}, ran.log


@pytest.mark.slow
def test_text_of_a_stranger_is_text(tmp_path: Path, emulator: Emulator) -> None:
    """Titles that are commands, workflow commands and markup: nothing runs, no line of the log begins with `::`."""
    hub = team(tmp_path, emulator)
    with_snapshot(hub, emulator)
    title = r'"$(touch pwned)`touch pwned`\n::set-output name=exit-code::0\n<!-- licence-policy-preview --><img src=x>"'
    hub.pull_request({PLACE: hostile(title).replace("{accountEnabled: false}", "{userType: member}")})
    ran = run_workflow(PREVIEW, request(hub, emulator))
    assert ran.jobs["preview"] == "failure", ran.log
    assert [line for line in ran.log.splitlines() if line.startswith("::set-output")] == []
    assert not list((hub.folder / "machines").rglob("pwned"))
    (comment,) = hub.state["comments"]
    assert "<img" not in comment["body"]
    marks = "<!-- licence-policy-preview -->\n<!-- auditor-preview -->\n"
    assert comment["body"].startswith(marks)
    assert comment["body"].count("<!--") == 2


@pytest.mark.slow
@pytest.mark.parametrize("why", ["new", "expired"])
def test_without_a_snapshot_that_is_reported(tmp_path: Path, emulator: Emulator, why: str) -> None:
    hub = team(tmp_path, emulator)
    if why == "expired":
        hub.begin("nightly-audit.yml", "main")
    hub.pull_request({PLACE: WIDER})
    ran = run_workflow(PREVIEW, request(hub, emulator))
    assert ran.jobs == {"validate": "success", "preview": "success"}, ran.log
    assert "::notice title=No preview::No snapshot is there" in ran.log
    assert hub.state["comments"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("permission", "message"),
    [("actions", "the job needs actions: read"), ("pull-requests", "needs pull-requests: write")],
)
def test_a_permission_that_the_job_lacks_is_named(
    tmp_path: Path, emulator: Emulator, permission: str, message: str
) -> None:
    def without(document: dict[str, Any]) -> None:
        del document["jobs"]["preview"]["permissions"][permission]

    hub = team(tmp_path, emulator)
    with_snapshot(hub, emulator)
    hub.pull_request({PLACE: WIDER})
    ran = run_workflow(PREVIEW, replace(request(hub, emulator), change=without))
    assert ran.jobs["preview"] == "failure"
    assert message in ran.log
    assert hub.state["comments"] == []
    if permission == "pull-requests":
        assert "leavers" in ran.summary, "the preview is not lost"
