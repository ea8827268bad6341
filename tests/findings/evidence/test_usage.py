"""Usage evidence of findings: the known facts about the usage that their policy selects by."""

from datetime import date
from typing import Any

import pytest

from auditor.domain.enums import Source
from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.labels import Labels
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import redacted
from auditor.snapshot.schema import REPORT_COLUMNS, app_bits
from tests.builders.tenant.tenants import audited, judged, policy_file, tenant, user

BLOCK = "assignments: {of: paid, allow: []}"
DAY = "2026-11-16"
REPORTS = {source: date(2026, 11, day) for source, day in zip(REPORT_COLUMNS, (16, 17, 18, 19), strict=True)}
ANN: dict[str, Any] = {
    "teamsLastActivityDate": date(2026, 8, 1),
    "copilotLastActivityDate": None,
    "appUsageD90": app_bits(["word"], ["web", "mobile"]) | app_bits(["excel"], ["web"]),
    "appUsageD180": app_bits(["word"], ["windows"]),
    "mailboxStorageUsed": 5 * 2**30 + 1,
    "mailboxHasArchive": True,
    "agent": True,
}

QUOTES = [
    (
        "{inactiveIn: {services: [teams, exchange], for: 9d}}",
        {"usage": {"refreshDate": DAY, "lastActivityDates": {"exchange": None, "teams": "2026-08-01"}}},
        "last activity: Teams 1 Aug 2026; none in Exchange (report of 16 Nov 2026)",
    ),
    (
        "{any: [{inactiveIn: {services: [yammer], for: 9d}}, {inactiveIn: {services: [exchange], for: 90d}}]}",
        {"usage": {"refreshDate": DAY, "lastActivityDates": {"yammer": None, "exchange": None}}},
        "no activity in Viva Engage, Exchange (report of 16 Nov 2026)",
    ),
    (
        "{inactiveIn: {services: [copilot], for: 9d}}",
        {"copilotUsage": {"refreshDate": "2026-11-17", "lastActivityDate": None}},
        "no activity in Copilot (report of 17 Nov 2026)",
    ),
    (
        "{appsUnused: {apps: [word], on: [mac], for: 90d}, not: {appsUnused: {for: 180d}}}",
        {
            "appUsage": {
                "refreshDate": "2026-11-18",
                "used": {"D90": {"word": ["mobile", "web"], "excel": ["web"]}, "D180": {"word": ["windows"]}},
            }
        },
        (
            "apps used in 90 days: Word (mobile devices, web browser), Excel (web browser) (report of 18 Nov 2026) · "
            "apps used in 180 days: Word (Windows) (report of 18 Nov 2026)"
        ),
    ),
    (
        "{mailboxUsage: {largerThan: 1GB, archive: true}}",
        {"mailboxUsage": {"refreshDate": "2026-11-19", "storageUsed": 5 * 2**30 + 1, "hasArchive": True}},
        "mailbox size 5.1 GB (report of 19 Nov 2026) · with an archive mailbox",
    ),
    ("{agent: true}", {"agent": True}, "agent user"),
    ("{licensed: true}", {}, ""),
]
USAGE_KEYS = {"usage", "copilotUsage", "appUsage", "mailboxUsage", "agent"}


@pytest.mark.parametrize(("selector", "quoted", "text"), QUOTES)
def test_finding_quotes_the_usage_that_its_policy_selects_by(selector: str, quoted: dict[str, Any], text: str) -> None:
    result = judged(BLOCK, tenant(user("ann", "SPE_E5", **ANN), reports=REPORTS, asked=["agent"]), users=selector)
    (finding,) = result.findings
    assert {name: value for name, value in finding.evidence.items() if name in USAGE_KEYS} == quoted
    assert evidence_text(finding, Labels("en")) == " · ".join(filter(None, (text, "assigned: direct")))


def test_unknown_usage_of_a_user_is_not_quoted() -> None:
    selector = (
        "{any: [{licensed: true}, {inactiveIn: {services: [teams, copilot], for: 9d}}, {appsUnused: {for: 30d}}]}"
    )
    people = [user("ann", "SPE_E5", **ANN), user("bob", "SPE_E5", **{**ANN, "notCollected": ["usage"]})]
    reports: dict[Source, date] = {source: day for source, day in REPORTS.items() if source != Source.APP_USAGE}
    ann, bob = judged(BLOCK, tenant(*people, reports=reports), users=selector).findings
    assert USAGE_KEYS & ann.evidence.keys() == {"usage", "copilotUsage"}
    assert USAGE_KEYS & bob.evidence.keys() == {"copilotUsage"}


def test_redaction_rounds_the_size_of_a_mailbox() -> None:
    policies = policy_file(BLOCK, users="{mailboxUsage: {largerThan: 1GB}}")
    result = audited(policies, tenant(user("ann", "SPE_E5", **ANN), reports=REPORTS))
    (finding,) = redacted(result, RedactionKey(secret=b"0123456789abcdef", stable=True)).tenants[0].findings
    assert finding.evidence["mailboxUsage"]["storageUsed"] == 5 * 2**30
