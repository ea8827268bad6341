"""A policy that is report-only is evaluated and shown in every format, and nothing that is asked of people counts it."""

import json
from csv import DictReader
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from auditor.app.audit.pipeline import exit_code
from auditor.app.audit.remediation import remedied
from auditor.cli.terminal.result import terminal_text
from auditor.domain.enums import Change, Outcome, Severity, Source, SourceStatus, Status
from auditor.domain.errors import InputError
from auditor.domain.result.model import Result
from auditor.policy.loader import load
from auditor.render import render
from auditor.render.html.content import PageContent
from auditor.result.aggregate import summarise
from auditor.result.codec.result_reader import load as load_result
from auditor.result.diff import compare
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.tenants import audited, bought, policy_set, tenant, user

TRIED = """policies:
  - {id: leavers, severity: high, status: report-only, title: Leavers, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: places, severity: low, title: Places, attributes: {require: [usageLocation]}}
"""
ENABLED = TRIED.replace(" status: report-only,", "")
STATE = tenant(
    user("ann", "SPE_E5", accountEnabled=False), user("bob", "SPE_E5"), subscribedSkus=[bought("SPE_E5", consumed=2)]
)


@pytest.fixture(scope="module")
def tried() -> Result:
    return remedied(audited(TRIED, STATE), policy_set(TRIED))


def rendered(of: Result, form: str) -> str:
    return b"".join(render(of, form, locale="en").chunks()).decode()


def test_its_findings_stand_there_and_do_not_count(tried: Result) -> None:
    [contoso] = tried.tenants
    assert {(each.policy, each.status) for each in contoso.findings} == {
        ("leavers", Status.REPORT_ONLY),
        ("places", Status.OPEN),
    }
    assert {each.id: each.status for each in contoso.policies} == {
        "leavers": Outcome.REPORT_ONLY,
        "places": Outcome.FAIL,
    }
    assert tried.summary.open[Severity.HIGH] == 0
    assert tried.summary.report_only == 1
    assert exit_code(tried, Severity.HIGH) == 0
    assert exit_code(audited(ENABLED, STATE), Severity.HIGH) == 1


def test_no_action_and_no_money_is_about_it(tried: Result) -> None:
    [contoso] = tried.tenants
    marks = {each.fingerprint for each in contoso.findings if each.policy == "leavers"}
    assert marks
    assert not any(marks.intersection(action.findings) for action in contoso.actions)
    priced = TRIED + "prices: {currency: EUR, perSeatPerMonth: {SPE_E5: 54.75}}\n"
    assert audited(priced, STATE).tenants[0].findings.stats.money == {}


def test_a_waived_finding_of_it_is_waived() -> None:
    waivers = "waivers: [{id: W, policies: [leavers], reason: r, owner: o, expires: 2027-01-01}]\n"
    result = audited(TRIED + waivers, STATE)
    [contoso] = result.tenants
    assert [each.waiver for each in contoso.findings if each.status is Status.WAIVED] == ["W"]
    assert result.summary.report_only is None
    assert not any(notice.code == "waiver.unused" for notice in contoso.notices)


@pytest.mark.slow
def test_data_that_only_it_needs_leaves_the_audit_complete() -> None:
    idle = "policies:\n  - {id: idle, severity: low, users: {neverSignedIn: 30d}, assignments: {deny: paid}STATUS}\n  - {id: places, severity: low, attributes: {require: [usageLocation]}}\n"
    state = tenant(user("ann", "SPE_E5"), unread={Source.SIGN_IN_ACTIVITY: SourceStatus.DENIED})
    counted = audited(idle.replace("STATUS", ""), state)
    shown = audited(idle.replace("STATUS", ", status: report-only"), state)
    assert [each.tenants[0].policies[0].status for each in (counted, shown)] == [Outcome.NOT_EVALUATED] * 2
    assert (counted.complete, shown.complete) == (False, True)
    assert (exit_code(counted, None), exit_code(shown, None)) == (3, 0)
    assert summarise(shown.tenants).not_evaluated == 0
    assert "not allowed" in rendered(shown, "html")
    assert "**idle** (report-only)" in rendered(shown, "markdown")


def test_what_becomes_enabled_is_new_and_what_becomes_report_only_is_not() -> None:
    tried, enabled = audited(TRIED, STATE), audited(ENABLED, STATE)
    changes = {each.policy: each.change for each in compare(enabled, tried).tenants[0].findings}
    assert changes == {"leavers": Change.NEW, "places": Change.UNCHANGED}
    changes = {each.policy: each.change for each in compare(tried, enabled).tenants[0].findings}
    assert set(changes.values()) == {Change.UNCHANGED}


def test_json_tells_it_and_is_read_back(tried: Result) -> None:
    text = rendered(tried, "json")
    written = json.loads(text)
    assert written["summary"]["reportOnly"] == 1
    assert [policy.get("reportOnly") for policy in written["run"]["policies"]] == [True, None]
    assert load_result(text.encode()).summary == tried.summary


def test_the_tables_say_so(tried: Result) -> None:
    rows = list(DictReader(rendered(tried, "csv").removeprefix("\ufeff").splitlines()))
    assert {row["policy"]: row["status"] for row in rows} == {"leavers": "report-only", "places": "open"}


def test_sarif_notes_it(tried: Result) -> None:
    run = json.loads(rendered(tried, "sarif"))["runs"][0]
    levels = {each["ruleId"]: (each["level"], each.get("properties")) for each in run["results"]}
    assert levels["leavers"] == ("note", {"status": "report-only"})
    assert run["tool"]["driver"]["rules"][0]["defaultConfiguration"] == {"level": "note"}
    assert run["invocations"][0]["executionSuccessful"] is True


def test_junit_skips_it(tried: Result) -> None:
    root = ET.fromstring(rendered(tried, "junit"))
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {"leavers": ["skipped"], "places": ["failure"]}
    assert root.get("failures") == "1"


def test_people_see_that_it_is_no_task(tried: Result) -> None:
    page = rendered(tried, "html")
    assert "The policy is report-only: its findings are shown and do not count." in page
    assert "1 report-only" in rendered(tried, "markdown")
    terminal = terminal_text(PageContent(tried, "en"), paths=()).decode()
    assert "1 report-only" in terminal
    assert "Leavers" not in terminal.partition("What matters most")[2]


def test_no_request_of_a_plan_is_about_it(tmp_path: Path) -> None:
    write(tmp_path / "state", STATE)
    (tmp_path / "p.yaml").write_text("version: 1\n" + TRIED)
    call("plan", "p.yaml", "--snapshot", "state", "--as-of", AS_OF, "-f", "json=plan.json", "-q", cwd=tmp_path)
    assert '"leavers"' not in (tmp_path / "plan.json").read_text()
    (tmp_path / "p.yaml").write_text("version: 1\n" + ENABLED)
    call("plan", "p.yaml", "--snapshot", "state", "--as-of", AS_OF, "-f", "json=plan.json", "-q", cwd=tmp_path)
    assert '"leavers"' in (tmp_path / "plan.json").read_text()


def test_another_status_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        load([("p.yaml", ("version: 1\n" + TRIED.replace("report-only", "reportonly")).encode())])
    [diagnostic] = caught.value.diagnostics
    assert (diagnostic.slug, str(diagnostic.hint)) == ("policy-bad-value", "did you mean 'report-only'?")
