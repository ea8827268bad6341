"""Selectors by usage: members, non-members and unknown memberships."""

from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from msgspec.structs import replace

from auditor.domain.enums import Source, SourceStatus
from auditor.snapshot.schema import ACTIVITY_COLUMNS, REPORT_COLUMNS, SMALL_TABLES, app_bits
from tests.builders.tenant.tenants import NOW, audited, finding_keys, judged, outcome, policy_file, tenant, user

BLOCK = "assignments: {require: [SPE_F1]}"
"""Everyone in the population has a finding."""
REFRESHED = date(2026, 11, 16)
REPORTS = dict.fromkeys(REPORT_COLUMNS, REFRESHED)
BLANK: dict[str, Any] = dict.fromkeys(ACTIVITY_COLUMNS.values())
NO_ROW: dict[str, Any] = {"notCollected": ["usage", "copilotUsage"]}


def before(days: int) -> date:
    return REFRESHED - timedelta(days=days)


def facts(**columns: Any) -> dict[str, Any]:
    """The usage facts of one person by service or column; services that are left out are blank."""
    return {**BLANK, **{ACTIVITY_COLUMNS.get(name, name): value for name, value in columns.items()}}


def membership(selector: str, columns: dict[str, Any], **state: Any) -> bool | None:
    """Whether a person with these facts is in the population; None = unknown."""
    result = judged(
        BLOCK, tenant(user("ann", **columns), **{"reports": REPORTS, "asked": ["agent"], **state}), users=selector
    )
    assert (outcome(result) == "fail") == bool(finding_keys(result))
    return {"fail": True, "pass": False, "not-evaluated": None}[outcome(result)]


TEAMS = "{inactiveIn: {services: [teams], for: 90d}}"
COPILOT = "{inactiveIn: {services: [copilot], for: 30d}}"


def apps(**used: tuple[str, ...]) -> dict[str, Any]:
    return {"appUsageD90": sum(app_bits((app,), on) for app, on in used.items())}


KNOWN = {**facts(), **apps(), "mailboxStorageUsed": 9999, "mailboxHasArchive": True, "agent": True}
OF_SOURCE = [
    (Source.USAGE, TEAMS),
    (Source.COPILOT_USAGE, COPILOT),
    (Source.APP_USAGE, "{appsUnused: {for: 90d}}"),
    (Source.MAILBOX_USAGE, "{mailboxUsage: {largerThan: 1kB}}"),
    (Source.MAILBOX_USAGE, "{mailboxUsage: {archive: true}}"),
]


@pytest.mark.parametrize(("source", "selector"), OF_SOURCE)
def test_selector_is_unknown_if_its_report_was_not_read(source: Source, selector: str) -> None:
    assert membership(selector, KNOWN) is True
    for status in (SourceStatus.DENIED, SourceStatus.UNAVAILABLE, SourceStatus.NOT_NEEDED):
        result = judged(BLOCK, tenant(user("ann", **KNOWN), reports=REPORTS, unread={source: status}), users=selector)
        (policy,) = result.policies
        assert (policy.status.value, policy.missing) == ("not-evaluated", (source.value,))
    without = {name: day for name, day in REPORTS.items() if name is not source}
    assert membership(selector, KNOWN, reports=without) is None


@pytest.mark.parametrize(("source", "selector"), OF_SOURCE)
def test_report_is_stale_after_ten_whole_days(source: Source, selector: str) -> None:
    for days, expected in ((10, True), (11, None)):
        day = NOW.date() - timedelta(days=days)
        assert membership(selector, KNOWN, reports={**REPORTS, source: day}) is expected
    stale = tenant(user("ann", **KNOWN), reports={**REPORTS, source: date(2026, 11, 9)})
    result = judged(BLOCK, stale, users=selector)
    (policy,) = result.policies
    assert "ends on 2026-11-09, 11 days before the audit" in str(policy.reason)
    (coverage,) = [coverage for coverage in result.sources if coverage.name is source]
    assert coverage.status is SourceStatus.UNAVAILABLE
    assert not result.complete
    # The audit's instant decides, not the clock.
    assert outcome(judged(BLOCK, stale, users=selector, as_of=NOW - timedelta(days=1))) == "fail"


def test_report_without_rows_is_not_stale_and_everybody_is_unknown() -> None:
    state = tenant(user("ann", notCollected=["copilotUsage"]), reports=REPORTS)
    row = {"source": "copilotUsage", "period": "D180", "refreshDate": None, "rows": 0}
    empty = replace(state, tables={**state.tables, "reports": pa.Table.from_pylist([row], SMALL_TABLES["reports"])})
    result = judged(BLOCK, empty, users=COPILOT)
    assert [item.status.value for item in result.sources if item.name is Source.COPILOT_USAGE] == ["complete"]
    assert outcome(result) == "not-evaluated"


def test_report_is_stale_although_the_report_of_another_period_has_no_rows() -> None:
    state = tenant(user("ann", **KNOWN), reports=REPORTS)
    rows = [
        {"source": "appUsage", "period": "D90", "refreshDate": before(30), "rows": 1},
        {"source": "appUsage", "period": "D7", "refreshDate": None, "rows": 0},
    ]
    reports = pa.Table.from_pylist(rows, SMALL_TABLES["reports"])
    result = judged(
        BLOCK, replace(state, tables={**state.tables, "reports": reports}), users="{appsUnused: {for: 90d}}"
    )
    assert outcome(result) == "not-evaluated"


@pytest.mark.parametrize(
    ("column", "selector", "source"),
    [
        ("teamsLastActivityDate", TEAMS, "usage"),
        ("copilotLastActivityDate", COPILOT, "copilotUsage"),
        ("appUsageD90", "{appsUnused: {for: 90d}}", "appUsage"),
        ("mailboxHasArchive", "{mailboxUsage: {archive: true}}", "mailboxUsage"),
    ],
)
def test_missing_column_of_a_report_is_unknown(column: str, selector: str, source: str) -> None:
    result = judged(BLOCK, tenant(user("ann", **KNOWN), reports=REPORTS, unasked=[column]), users=selector)
    (policy,) = result.policies
    assert (policy.status.value, policy.missing) == ("not-evaluated", (f"{source}.{column}",))
    assert column in str(policy.reason)
    others = "{inactiveIn: {services: [exchange], for: 9d}, mailboxUsage: {largerThan: 1kB}}"
    assert membership(others, KNOWN, unasked=[column]) is True


@pytest.mark.parametrize(
    ("selector", "columns", "expected"),
    [
        ("{appsUnused: {apps: [word], on: [web], for: 90d}}", apps(), True),
        ("{appsUnused: {apps: [word], on: [web], for: 90d}}", apps(word=("web",)), False),
        ("{appsUnused: {apps: [word, excel], on: [web], for: 90d}}", apps(), None),
        ("{appsUnused: {apps: [word, excel], on: [web], for: 90d}}", apps(word=("web",)), False),
        ("{appsUnused: {for: 90d}}", apps(word=("windows",)), None),
        ("{appsUnused: {apps: [word], on: [web], for: 90d}}", {}, None),
        ("{not: {appsUnused: {apps: [word], on: [web], for: 90d}}}", apps(word=("web",)), True),
    ],
)
def test_apps_unused_is_decided_by_the_apps_that_the_report_has(
    selector: str, columns: dict[str, Any], *, expected: bool | None
) -> None:
    known = tenant(user("ann", **columns), reports=REPORTS, unasked=["appUsageD90"], asked=["appUsageD90:word:web"])
    result = judged(BLOCK, known, users=selector)
    assert {"fail": True, "pass": False, "not-evaluated": None}[outcome(result)] is expected


def test_blanks_of_a_partly_read_report_are_unknown() -> None:
    state = {"unread": {Source.USAGE: SourceStatus.PARTIAL}}
    assert membership(TEAMS, facts(), **state) is None
    assert membership(TEAMS, facts(teams=before(99)), **state) is True


def test_agent_is_unknown_if_it_was_not_collected() -> None:
    assert membership("{agent: false}", {}, asked=()) is None


def test_reason_names_the_report_without_a_row_for_a_user() -> None:
    (policy,) = judged(BLOCK, tenant(user("ann", **NO_ROW), reports=REPORTS), users=TEAMS).policies
    assert policy.missing == ("usage",)
    assert str(policy.reason) == "Usage of services: Microsoft's report does not have all users of the policy"


def test_waivers_with_usage_selectors_over_several_batches() -> None:
    people = [user("ann", **facts()), user("bob", **facts(teams=before(1))), user("cas", **NO_ROW)]
    text = policy_file(
        BLOCK,
        waivers="[{id: w, policies: [p], users: {inactiveIn: {services: [teams], for: 9d}}, reason: r, owner: o, expires: 2027-01-01}]",
    )
    (result,) = audited(text, tenant(*people, reports=REPORTS, rows=1)).tenants
    assert [(finding.subject.id, finding.waiver) for finding in result.findings] == [
        ("id-ann", "w"), ("id-bob", None), ("id-cas", None)
    ]  # fmt: skip
    assert [notice.code for notice in result.notices] == ["waiver.unknown"]
