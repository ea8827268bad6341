"""Tests the steps of action.yml in bash with an emulated tenant, sign-in service and mail relay."""

import os
import stat
from pathlib import Path

import pytest
import yaml

from tests.builders.service import planned_tenant
from tests.builders.service.command_line import ROOT
from tests.builders.service.mail_relay import PASSWORD, USER, relay
from tests.builders.service.planned_tenant import carry_out, planned_emulator, planned_folder, sender
from tests.builders.service.preloaded_program import preloaded_program
from tests.e2e.github.repositories import POLICY, needs_bash
from tests.e2e.github.runner import Job, action_inputs
from tests.emulator.fixtures import CLIENT_ID
from tests.emulator.server import Emulator

pytestmark = [needs_bash, pytest.mark.slow]
HOSTILE = '"; touch pwned; $(touch pwned) `touch pwned` #\n*'


def installed() -> dict[str, str]:
    """Return the output of the step `Install`."""
    return {"steps.install.outputs.auditor": str(preloaded_program())}


def workspace(folder: Path, emulator: Emulator, *, mail: str = "") -> Job:
    """Return a job in a repository with a policy and the emulated tenant, signed in to with OIDC as in a workflow."""
    repository = folder / "repository"
    (repository / "policies").mkdir(parents=True)
    (repository / "policies" / "people.yaml").write_text(POLICY, encoding="utf-8")
    tenant = emulator.tenants["contoso"]
    (repository / "tenants.yaml").write_text(
        f"version: 1\ntenants:\n  - name: contoso\n    tenantId: {tenant.tenant_id}\n    cloud: worldwide\n"
        f"    credential: {{type: github-oidc, clientId: {CLIENT_ID}}}\n"
        f"    endpoint: {emulator.endpoint}\n    authority: {emulator.authority}\n"
        f"    recipients: [{{address: ann@contoso.example, locale: en}}]\n{mail}",
        encoding="utf-8",
    )
    return Job(folder=repository, environ=emulator.environment(), values=installed())


def run(job: Job, **inputs: str) -> int:
    """Run the action's steps from `Audit` on with these inputs; return the exit code of the last one."""
    job.values |= action_inputs(**inputs)
    assert job.step("action.yml", "Audit") == 0, job.log
    if inputs.get("send") == "true" and job.output("audit", "result"):
        assert job.step("action.yml", "Mail") == 0, job.log
    return job.step("action.yml", "End as the audit did")


def test_run_with_findings_writes_outputs_and_fails(tmp_path: Path, emulator: Emulator) -> None:
    job = workspace(tmp_path, emulator)
    assert run(job, formats="html,json,sarif") == 1, job.log
    assert job.output("end", "exit-code") == "1"
    assert job.output("audit", "findings") == "1"
    assert job.output("audit", "highest-severity") == "high"
    assert job.output("audit", "complete") == "true"
    for name in ("result", "report", "sarif"):
        assert (job.folder / job.output("audit", name)).is_file()
    assert "::error file=policies/people.yaml,line=3,title=Blocked accounts" in job.log
    assert job.summary.startswith("# ")
    assert not emulator.journal.writes()


def test_run_with_findings_below_fail_on_succeeds(tmp_path: Path, emulator: Emulator) -> None:
    job = workspace(tmp_path, emulator)
    assert run(job, fail_on="critical") == 0, job.log
    assert job.output("audit", "findings") == "1"


@pytest.mark.parametrize(("public", "mode"), [({}, 0o600), ({"AUDITOR_PUBLIC": "1"}, 0o644)])
def test_auditor_public_makes_the_result_readable_for_others(
    tmp_path: Path, emulator: Emulator, public: dict[str, str], mode: int
) -> None:
    job = workspace(tmp_path, emulator)
    job.environ |= public
    before = os.umask(0o022)
    try:
        assert run(job, demo="true", policies="", formats="json", fail_on="never") == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((job.folder / job.output("audit", "result")).stat().st_mode) == mode


def test_hostile_inputs_are_not_run_as_commands(tmp_path: Path, emulator: Emulator) -> None:
    job = workspace(tmp_path, emulator)
    fields = (
        "done",
        "policies",
        "tenants",
        "tenant",
        "shard",
        "save_snapshot",
        "history",
        "locale",
        "fail_on",
        "formats",
        "snapshot",
        "results",
        "redact",
    )
    assert run(job, **dict.fromkeys(fields, HOSTILE)) == 2
    assert run(job, policies=HOSTILE) == 2
    assert sorted(path.name for path in job.folder.iterdir()) == ["policies", "tenants.yaml"]


def test_log_of_a_plan_is_used_to_report_who_carried_it_out(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    with planned_emulator() as emulator, sender(emulator) as send:
        planned_folder(repository, emulator, send)
        stored = ("--as-of", "2026-11-20T12:00:00Z", "--store", "st", "-q")
        assert planned_tenant.run(repository, emulator, "plan", "--snapshot", "before", *stored).code == 0
        carry_out(repository, send, log="done.jsonl")
        assert planned_tenant.run(repository, emulator, "collect", "-o", "after").code == 0
    (repository / "logs").mkdir()
    (repository / "logs" / "friday.jsonl").write_bytes((repository / "done.jsonl").read_bytes())
    (repository / HOSTILE).write_bytes((repository / "done.jsonl").read_bytes())
    before = sorted(path.name for path in repository.iterdir())
    inputs = {"snapshot": "after", "as_of": "2026-11-23T02:00:00Z", "formats": "terminal", "fail_on": "never"}
    for log, history, is_named in (
        ("logs", "st", True),
        (HOSTILE, "st", True),
        ("missing.jsonl", "st", False),
        ("done.jsonl", "", False),
    ):
        job = Job(folder=repository, environ={}, values=installed())
        assert run(job, done=log, history=history, **inputs) == 0, (log, history, job.log)
        report = " ".join(job.log.split())
        assert ("3 of 3 actions planned on 20 Nov 2026 done" in report) is (history == "st"), (log, history, report)
        assert ("Carried out by admin@contoso.example" in report) is is_named, (log, history, report)
    assert sorted(path.name for path in repository.iterdir()) == before


def test_unknown_command_exits_with_code_2(tmp_path: Path, emulator: Emulator) -> None:
    job = workspace(tmp_path, emulator)
    assert run(job, command="send") == 2
    assert "none of audit, report, install" in job.log


def test_refused_mail_fails_the_run_after_the_report_is_written(tmp_path: Path, emulator: Emulator) -> None:
    with relay(tmp_path, auth=True) as server:
        server.box.refuse["ann@contoso.example"] = "550 no such person"
        mail = (
            f"mail:\n  from: audit@contoso.example\n  smtp: {{host: 127.0.0.1, port: {server.port}, ca: {server.ca}, "
            f"usernameEnv: U, passwordEnv: P}}\n"
        )
        job = workspace(tmp_path, emulator, mail=mail)
        job.environ |= {"U": USER, "P": PASSWORD}
        assert run(job, fail_on="never", send="true") == 3, job.log
        assert (job.folder / "out" / "report.html").is_file()


def test_cache_key_is_derived_from_lock_files(tmp_path: Path, emulator: Emulator) -> None:
    job = workspace(tmp_path, emulator)
    assert job.step("action.yml", "Name the cache") == 0, job.log
    assert job.output("cache", "key").startswith("licence-auditor-Linux-X64-")
    assert len(job.output("cache", "key").rsplit("-", 1)[1]) == 32


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "yes") for name in ("demo", "redact", "send", "upload", "sarif")),
        *(("redact", value) for value in ("True", "1", "", " true", "FALSE", "::error::x", "true\nfalse")),
    ],
)
def test_boolean_input_that_is_neither_true_nor_false_is_refused(tmp_path: Path, name: str, value: str) -> None:
    job = Job(folder=tmp_path / "repository", environ={})
    job.folder.mkdir()
    job.values |= action_inputs(**{name: value})
    assert job.step("action.yml", "Check the inputs") == 2
    assert f"neither true nor false: {name}." in job.log
    if value:
        assert f": {value}" not in job.log
    assert job.step("action.yml", "End as the audit did") == 2
    assert job.output("end", "exit-code") == "2"


def test_boolean_inputs_true_and_false_are_accepted(tmp_path: Path) -> None:
    job = Job(folder=tmp_path / "repository", environ={})
    job.folder.mkdir()
    job.values |= action_inputs(redact="true", sarif="false")
    assert job.step("action.yml", "Check the inputs") == 0
    document = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert document["runs"]["steps"][0]["name"] == "Check the inputs"
