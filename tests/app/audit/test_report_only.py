"""Report-only policies are evaluated and shown in every format, but do not count and have no actions."""

import json
from csv import DictReader
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from auditor.app.audit.pipeline import exit_code
from auditor.cli.terminal.result import terminal_text
from auditor.domain.enums import Change, Outcome, Severity, Source, SourceStatus, Status
from auditor.domain.errors import InputError
from auditor.domain.result.model import Result
from auditor.policy.loader import load
from auditor.render.view.content import PageContent
from auditor.result.aggregate import summarise
from auditor.result.codec.result_reader import load as load_result
from auditor.result.diff import compare
from auditor.snapshot.writer import write
from tests.builders.result.actions import with_actions
from tests.builders.result.rendered import rendered_text
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.tenants import audited, bought, policy_set, tenant, user

REPORT_ONLY = """policies:
  - {id: leavers, severity: high, status: report-only, title: Leavers, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: places, severity: low, title: Places, attributes: {require: [usageLocation]}}
"""
ENABLED = REPORT_ONLY.replace(" status: report-only,", "")
STATE = tenant(
    user("ann", "SPE_E5", accountEnabled=False), user("bob", "SPE_E5"), subscribedSkus=[bought("SPE_E5", consumed=2)]
)


@pytest.fixture(scope="module")
def report_only() -> Result:
    return with_actions(audited(REPORT_ONLY, STATE), policy_set(REPORT_ONLY))


def test_findings_are_listed_and_do_not_count(report_only: Result) -> None:
    [contoso] = report_only.tenants
    assert {(finding.policy, finding.status) for finding in contoso.findings} == {
        ("leavers", Status.REPORT_ONLY),
        ("places", Status.OPEN),
    }
    assert {policy.id: policy.status for policy in contoso.policies} == {
        "leavers": Outcome.REPORT_ONLY,
        "places": Outcome.FAIL,
    }
    assert report_only.summary.open[Severity.HIGH] == 0
    assert report_only.summary.report_only == 1
    assert exit_code(report_only, Severity.HIGH) == 0
    assert exit_code(audited(ENABLED, STATE), Severity.HIGH) == 1


def test_findings_have_no_action_and_no_money(report_only: Result) -> None:
    [contoso] = report_only.tenants
    fingerprints = {finding.fingerprint for finding in contoso.findings if finding.policy == "leavers"}
    assert fingerprints
    assert not any(fingerprints.intersection(action.findings) for action in contoso.actions)
    priced = REPORT_ONLY + "prices: {currency: EUR, perSeatPerMonth: {SPE_E5: 54.75}}\n"
    assert audited(priced, STATE).tenants[0].findings.stats.money == {}


def test_waived_finding_has_the_status_waived() -> None:
    waivers = "waivers: [{id: W, policies: [leavers], reason: r, owner: o, expires: 2027-01-01}]\n"
    result = audited(REPORT_ONLY + waivers, STATE)
    [contoso] = result.tenants
    assert [finding.waiver for finding in contoso.findings if finding.status is Status.WAIVED] == ["W"]
    assert result.summary.report_only is None
    assert not any(notice.code == "waiver.unused" for notice in contoso.notices)


@pytest.mark.slow
def test_audit_is_complete_without_data_that_only_report_only_policies_need() -> None:
    idle = "policies:\n  - {id: idle, severity: low, users: {neverSignedIn: 30d}, assignments: {deny: paid}STATUS}\n  - {id: places, severity: low, attributes: {require: [usageLocation]}}\n"
    state = tenant(user("ann", "SPE_E5"), unread={Source.SIGN_IN_ACTIVITY: SourceStatus.DENIED})
    enabled_audit = audited(idle.replace("STATUS", ""), state)
    report_only_audit = audited(idle.replace("STATUS", ", status: report-only"), state)
    assert [result.tenants[0].policies[0].status for result in (enabled_audit, report_only_audit)] == [
        Outcome.NOT_EVALUATED
    ] * 2
    assert (enabled_audit.complete, report_only_audit.complete) == (False, True)
    assert (exit_code(enabled_audit, None), exit_code(report_only_audit, None)) == (3, 0)
    assert summarise(report_only_audit.tenants).not_evaluated == 0
    assert "not allowed" in rendered_text(report_only_audit, "html")
    assert "**idle** (report-only)" in rendered_text(report_only_audit, "markdown")


def test_findings_of_an_enabled_policy_are_new_and_of_a_report_only_policy_are_not() -> None:
    report_only_audit, enabled_audit = audited(REPORT_ONLY, STATE), audited(ENABLED, STATE)
    changes = {
        finding.policy: finding.change for finding in compare(enabled_audit, report_only_audit).tenants[0].findings
    }
    assert changes == {"leavers": Change.NEW, "places": Change.UNCHANGED}
    changes = {
        finding.policy: finding.change for finding in compare(report_only_audit, enabled_audit).tenants[0].findings
    }
    assert set(changes.values()) == {Change.UNCHANGED}


def test_json_contains_report_only_and_is_read_back(report_only: Result) -> None:
    text = rendered_text(report_only, "json")
    document = json.loads(text)
    assert document["summary"]["reportOnly"] == 1
    assert [policy.get("reportOnly") for policy in document["run"]["policies"]] == [True, None]
    assert load_result(text.encode()).summary == report_only.summary


def test_csv_shows_the_status_report_only(report_only: Result) -> None:
    rows = list(DictReader(rendered_text(report_only, "csv").removeprefix("\ufeff").splitlines()))
    assert {row["policy"]: row["status"] for row in rows} == {"leavers": "report-only", "places": "open"}


def test_sarif_level_is_note(report_only: Result) -> None:
    run = json.loads(rendered_text(report_only, "sarif"))["runs"][0]
    levels = {result["ruleId"]: (result["level"], result.get("properties")) for result in run["results"]}
    assert levels["leavers"] == ("note", {"status": "report-only"})
    assert run["tool"]["driver"]["rules"][0]["defaultConfiguration"] == {"level": "note"}
    assert run["invocations"][0]["executionSuccessful"] is True


def test_junit_test_case_is_skipped(report_only: Result) -> None:
    root = ET.fromstring(rendered_text(report_only, "junit"))
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {"leavers": ["skipped"], "places": ["failure"]}
    assert root.get("failures") == "1"


@pytest.mark.slow
def test_page_markdown_and_terminal_mark_report_only_findings(report_only: Result) -> None:
    page = rendered_text(report_only, "html")
    assert "The policy is report-only: its findings are shown and do not count." in page
    assert "1 report-only" in rendered_text(report_only, "markdown")
    terminal = terminal_text(PageContent(report_only, "en"), paths=()).decode()
    assert "1 report-only" in terminal
    assert "Leavers" not in terminal.partition("What to do first")[2]


@pytest.mark.slow
def test_plan_ignores_report_only_policies(tmp_path: Path) -> None:
    write(tmp_path / "state", STATE)
    (tmp_path / "p.yaml").write_text("version: 1\n" + REPORT_ONLY)
    call("plan", "p.yaml", "--snapshot", "state", "--as-of", AS_OF, "-f", "json=plan.json", "-q", cwd=tmp_path)
    assert '"leavers"' not in (tmp_path / "plan.json").read_text()
    (tmp_path / "p.yaml").write_text("version: 1\n" + ENABLED)
    call("plan", "p.yaml", "--snapshot", "state", "--as-of", AS_OF, "-f", "json=plan.json", "-q", cwd=tmp_path)
    assert '"leavers"' in (tmp_path / "plan.json").read_text()


def test_unknown_policy_status_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        load([("p.yaml", ("version: 1\n" + REPORT_ONLY.replace("report-only", "reportonly")).encode())])
    [diagnostic] = caught.value.diagnostics
    assert (diagnostic.slug, str(diagnostic.hint)) == ("policy-bad-value", "did you mean 'report-only'?")
