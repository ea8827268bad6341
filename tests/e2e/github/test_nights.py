"""Tests complete nightly runs of the workflow that `auditor init` writes."""

import json
from collections.abc import Iterator
from dataclasses import replace  # noqa: TID251 - of dataclasses
from pathlib import Path
from typing import Any

import pytest

from auditor import __home__
from tests.builders.service.command_line import call, expect
from tests.builders.service.github_api import GithubApi, github_api
from tests.builders.service.mail_relay import Running, relay
from tests.e2e.github.hub import Hub
from tests.e2e.github.repositories import NIGHTLY, needs_bash, night, team
from tests.e2e.github.workflow import WorkflowRun, run_workflow, scripts
from tests.emulator.fixtures import running_emulator, small_tenant
from tests.emulator.server import Emulator

pytestmark = [needs_bash, pytest.mark.slow]
ONLY_AFTER_FAILURES = {("audit", "Say what is missing"), ("report", "End as the history did")}
PLAN = {"plan.json", "plan.html", "questions.yaml", "approvals.csv", "plan.ps1", "undo.ps1"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with relay(tmp_path, auth=True) as running:
        yield running


@pytest.fixture
def api() -> Iterator[GithubApi]:
    with github_api() as running:
        yield running


def saved_result(hub: Hub, run: WorkflowRun, name: str = "licence-audit") -> dict[str, Any]:
    document = json.loads((hub.artifacts(run.number) / name / "result.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def stored_nights(hub: Hub, run: WorkflowRun) -> int:
    """Return the number of nights in the history artifact of a run."""
    folder = hub.artifacts(run.number) / "licence-history"
    listed = expect(0, "store", "list", str(folder), "--json", cwd=hub.folder)
    return len(json.loads(listed.out))


def set_as_of(hub: Hub, run: WorkflowRun, as_of: str) -> None:
    """Change the instant of the result of a run."""
    path = hub.artifacts(run.number) / "licence-audit" / "result.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["run"]["asOf"] = as_of
    path.write_text(json.dumps(document), encoding="utf-8")


def test_consecutive_nights_compare_results_and_keep_history(
    tmp_path: Path, emulator: Emulator, server: Running, api: GithubApi
) -> None:
    hub = team(tmp_path, emulator, server, api=api)
    first = run_workflow(NIGHTLY, night(hub, emulator))
    assert first.jobs == {"plan": "success", "audit 1": "failure", "report": "success"}, first.log
    assert "No complete result of the last runs is left" in first.log
    assert "Nothing to compare with" in first.log
    assert "::error file=policies/people.yaml,line=3,title=Blocked accounts" in first.log
    assert {name for name, _ in first.used if name.startswith(f"{__home__}@")}
    audit = saved_result(hub, first)
    assert [tenant["complete"] for tenant in audit["tenants"]] == [True]
    assert {finding["change"] for finding in audit["tenants"][0]["findings"]} == {None}
    for name in ("report.html", "summary.md", "findings.csv", "report.xlsx", "sent.jsonl"):
        assert (hub.artifacts(first.number) / "licence-audit" / name).stat().st_size
    assert first.summary.count("\n## What to do first\n") == 1, "the summary of the parts is in that of the report"
    opened = api.open_issues
    assert 0 < len(opened) <= len(audit["tenants"][0]["actions"])
    assert "bram" not in json.dumps(opened)
    assert len(server.box.mails) == 1
    assert (hub.artifacts(first.number) / "snapshot-1").is_dir()
    plan = hub.artifacts(first.number) / "licence-plan-1"
    assert plan.is_dir(), first.log
    assert {path.name for path in plan.iterdir()} >= PLAN
    planned = json.loads((plan / "plan.json").read_text(encoding="utf-8"))
    assert planned["asOf"] == audit["run"]["asOf"]
    assert [len(tenant["proof"]["fixed"]) for tenant in planned["tenants"]] == [2]
    assert (hub.artifacts(first.number) / "licence-history").is_dir()
    assert "No earlier history is left: it begins tonight" in first.log
    assert len(emulator.journal.of("/organization")) == 1, "audit, plan, history and previews share one collection"

    again = run_workflow(NIGHTLY, night(hub, emulator, run=first.number, attempt=2))
    assert again.jobs["report"] == "success", again.log
    assert len(server.box.mails) == 1, "an attempt of the same run sends nothing twice"
    # Every script of the workflow ran, except those for failures, which other tests run.
    assert again.names(NIGHTLY) | ONLY_AFTER_FAILURES == scripts(NIGHTLY, hub.repository)
    assert again.names("action.yml") | {("", "Install")} == scripts("action.yml")

    set_as_of(hub, first, "2026-01-01T00:00:00Z")
    third = run_workflow(NIGHTLY, night(hub, emulator))
    assert "::warning title=No complete audit for" in third.log
    assert "2026-01-01T00:00:00Z" in third.summary
    assert third.jobs["audit 1"] == "success", "what was open the night before does not fail the job again"
    assert "No earlier history is left" not in third.log
    assert stored_nights(hub, third) == stored_nights(hub, first) + 1
    plans = sorted((hub.artifacts(third.number) / "licence-plans-1").rglob("*Z.json"))
    assert len(plans) == 3, "the plans of both attempts and of tonight"
    (verified,) = [tenant["verification"] for tenant in saved_result(hub, third)["tenants"]]
    assert verified["plannedAt"] == planned["asOf"], "an earlier plan is verified, not tonight's"
    assert {finding["change"] for finding in saved_result(hub, third)["tenants"][0]["findings"]} == {"unchanged"}
    assert len(api.issues) == len(opened), "nothing is opened twice"
    assert not emulator.journal.writes()


def test_incomplete_audit_fails_the_job_is_mailed_and_names_missing_data(
    tmp_path: Path, emulator: Emulator, server: Running
) -> None:
    hub = team(tmp_path, emulator, server, AUDIT_FAIL_ON="never")
    emulator.faults.add("denied", path="/users", times=None)
    run = run_workflow(NIGHTLY, night(hub, emulator))
    assert run.jobs["audit 1"] == "failure", run.log
    assert run.steps["action.yml", "", "End as the audit did"] == 3
    assert "The audit of " in run.log
    assert ("audit", "Say what is missing") in run.names(NIGHTLY)
    assert saved_result(hub, run)["tenants"][0]["complete"] is False
    assert len(server.box.mails) == 1
    later = run_workflow(NIGHTLY, night(hub, emulator))
    assert "No complete result of the last runs is left" in later.log


def test_shards_of_a_fleet_are_merged(tmp_path: Path, server: Running) -> None:
    """Four shards for two tenants: shards without a tenant also have a result, and all have the same instant."""
    with running_emulator([small_tenant("contoso"), small_tenant("fabrikam")]) as emulator:
        hub = team(tmp_path, emulator, server, AUDIT_SHARDS="4")
        run = run_workflow(NIGHTLY, night(hub, emulator))
        assert run.jobs["report"] == "success", run.log
        assert len([name for name in run.jobs if name.startswith("audit ")]) == 4
        counts = [len(saved_result(hub, run, f"audit-shard-{number}")["tenants"]) for number in range(1, 5)]
        assert sorted(counts)[-2:] in ([1, 1], [0, 2])
        assert counts.count(0) >= 2
        assert [tenant["name"] for tenant in saved_result(hub, run)["tenants"]] == ["contoso", "fabrikam"]
        kinds = [path.name.rpartition("-")[0] for path in hub.artifacts(run.number).glob("*-[1-4]")]
        assert (kinds.count("snapshot"), kinds.count("licence-plan")) in {(1, 1), (2, 2)}
        assert stored_nights(hub, run) == 2
        assert len(server.box.mails) == 1


def test_invalid_policy_publishes_nothing(tmp_path: Path, emulator: Emulator, server: Running, api: GithubApi) -> None:
    hub = team(tmp_path, emulator, server, api=api)
    path = hub.repository / "policies" / "people.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("high", "hihg"), encoding="utf-8")
    hub.commit()
    run = run_workflow(NIGHTLY, night(hub, emulator))
    assert run.jobs == {"plan": "success", "audit 1": "failure", "report": "failure"}
    assert run.steps["action.yml", "", "End as the audit did"] == 2
    assert "::error file=policies/people.yaml,line=5," in run.log
    assert "Only 0 of 1 parts have a result: there is no report and no mail" in run.log
    assert not (hub.artifacts(run.number) / "licence-audit").exists()
    assert (api.asked, server.box.mails) == ([], [])


@pytest.mark.parametrize("visibility", ["public", None])
def test_no_audit_runs_in_a_public_repository(tmp_path: Path, emulator: Emulator, visibility: str | None) -> None:
    hub = team(tmp_path, emulator)
    hub.update(visibility=visibility)
    run = run_workflow(NIGHTLY, night(hub, emulator))
    assert run.jobs == {"plan": "failure", "audit": "skipped", "report": "skipped"}
    assert run.steps[NIGHTLY, "plan", "Divide the tenants"] == (2 if visibility else 3)
    assert "::error title=" in run.log
    assert not emulator.journal.of("/users")


def test_missing_job_permissions_are_named_and_the_report_is_still_written(
    tmp_path: Path, emulator: Emulator, api: GithubApi
) -> None:
    def without(document: dict[str, Any]) -> None:
        del document["jobs"]["plan"]["permissions"]["actions"]
        del document["jobs"]["report"]["permissions"]["issues"]

    hub = team(tmp_path, emulator, api=api, AUDIT_MAIL="false", AUDIT_SNAPSHOT="false", AUDIT_FAIL_ON="never")
    run = run_workflow(NIGHTLY, replace(night(hub, emulator), change=without))
    assert run.jobs == {"plan": "success", "audit 1": "success", "report": "failure"}, run.log
    assert (
        "::warning title=Nothing to compare with::Earlier runs cannot be listed: the job needs actions: read."
        in run.log
    )
    assert run.steps[NIGHTLY, "report", "Update the issues"] == 3
    assert "needs the permission `issues: write` in contoso/licences" in run.log
    assert "::error title=Issues::" in run.log
    assert (hub.artifacts(run.number) / "licence-audit" / "report.html").is_file()


def test_missing_id_token_permission_is_named_and_audit_is_incomplete(tmp_path: Path, emulator: Emulator) -> None:
    def without(document: dict[str, Any]) -> None:
        del document["jobs"]["audit"]["permissions"]["id-token"]

    hub = team(tmp_path, emulator, AUDIT_MAIL="false", AUDIT_SNAPSHOT="false", AUDIT_FAIL_ON="never")
    run = run_workflow(NIGHTLY, replace(night(hub, emulator), change=without))
    assert run.jobs["audit 1"] == "failure"
    assert run.steps["action.yml", "", "End as the audit did"] == 3
    assert "id-token" in run.log
    assert saved_result(hub, run)["tenants"][0]["complete"] is False


def test_resolved_issue_is_closed_and_expired_artifact_is_reported(
    tmp_path: Path, emulator: Emulator, api: GithubApi
) -> None:
    hub = team(tmp_path, emulator, api=api, AUDIT_MAIL="false", AUDIT_SNAPSHOT="false")
    for path in (hub.repository / "policies").glob("*.yaml"):
        if path.name not in {"people.yaml", "sets.yaml"}:
            path.unlink()
    hub.commit()
    first = run_workflow(NIGHTLY, night(hub, emulator))
    assert len(api.open_issues) == 1
    assert not (hub.artifacts(first.number) / "snapshot-1").exists()
    hub.expire(first.number, "licence-audit")
    path = hub.repository / "policies" / "people.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("false}", "false, userType: guest}"), encoding="utf-8")
    hub.commit()
    run = run_workflow(NIGHTLY, night(hub, emulator))
    assert run.jobs == {"plan": "success", "audit 1": "success", "report": "success"}, run.log
    assert "No complete result of the last runs is left (new, or expired)" in run.log
    assert [issue["state_reason"] for issue in api.issues] == ["completed"]


def test_variable_audit_store_sets_the_location_of_the_history(tmp_path: Path, emulator: Emulator) -> None:
    hub = team(tmp_path, emulator, AUDIT_MAIL="false", AUDIT_PLAN="false", AUDIT_STORE="off")
    run = run_workflow(NIGHTLY, night(hub, emulator))
    assert run.jobs["report"] == "success", run.log
    assert not {"licence-history", "licence-plan-1"} & {path.name for path in hub.artifacts(run.number).iterdir()}
    assert ("report", "Fetch the history") not in run.names(NIGHTLY)
    store_folder = tmp_path / "store"
    hub.variables["AUDIT_STORE"] = str(store_folder)
    hub.variables["AUDIT_STORE_CLIENT_ID"] = "66666666-7777-8888-9999-000000000000"
    for count in (1, 2):
        emulator.journal.clear()
        run = run_workflow(NIGHTLY, night(hub, emulator))
        assert run.jobs["report"] == "success", run.log
        assert "GitHub gave no token" not in run.log
        audiences = [record.parameter("audience") for record in emulator.journal.of("/github/idtoken")]
        assert audiences.count("api://AzureADTokenExchange") >= 2, "for storing the night, and for the report"
        assert not (hub.artifacts(run.number) / "licence-history").exists()
        assert len(json.loads(call("store", "list", str(store_folder), "--json", cwd=tmp_path).out)) == count
    (store_folder / "store.json").write_text("{", encoding="utf-8")
    run = run_workflow(NIGHTLY, night(hub, emulator))
    assert run.steps[NIGHTLY, "report", "End as the history did"] == 3
    assert (hub.artifacts(run.number) / "licence-audit" / "report.html").is_file(), "the report comes first"


def test_jobs_are_skipped_without_tenants_yaml(tmp_path: Path, emulator: Emulator) -> None:
    hub = team(tmp_path, emulator)
    (hub.repository / "tenants.yaml").unlink()
    hub.commit()
    run = run_workflow(NIGHTLY, night(hub, emulator))
    assert run.jobs == {"plan": "success", "audit": "skipped", "report": "skipped"}
    assert "There is no tenants.yaml" in run.log
