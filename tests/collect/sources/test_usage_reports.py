"""Usage reports: what their files tell about whom, and that nothing that was not read counts as unused."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from auditor.domain.data_needs import Needs
from auditor.domain.enums import Source
from auditor.snapshot.schema import SERVICE_COLUMNS, app_bits
from tests.builders.collection import Collected, collect
from tests.emulator.fixtures import running_emulator, small_tenant
from tests.emulator.server import Emulator

ACTIVE, APP, COPILOT, MAILBOX = (
    "getOffice365ActiveUserDetail",
    "getM365AppUserDetail",
    "getMicrosoft365CopilotUsageUserDetail",
    "getMailboxUsageDetail",
)
USAGE = (Source.USAGE, Source.APP_USAGE, Source.COPILOT_USAGE, Source.MAILBOX_USAGE)
REFRESHED = date(2026, 11, 19)
ANN, BRAM, CEM, DORA = (f"{name}@contoso.example" for name in ("ann", "bram", "cem", "dora"))


@pytest.fixture(scope="module")
def _running() -> Iterator[Emulator]:
    with running_emulator([small_tenant()]) as emulator:
        yield emulator


@pytest.fixture
def emulator(_running: Emulator) -> Iterator[Emulator]:
    """Three licensed people; Ann uses Teams, Word on Windows and Copilot, the other two are in all reports."""
    tenant = _running.tenants["contoso"]
    usage = tenant.usage = type(tenant.usage)(refreshed=REFRESHED)
    usage.people |= {
        ANN: {
            "teams": "2026-11-18",
            "copilot": "2026-11-17",
            "apps": {"word": ["windows"], "teams": ["web", "mobile"]},
            "mailbox": {"size": 61 << 30, "archive": True},
        },
        BRAM: {},
        CEM: {"exchange": "2026-06-01", "mailbox": {"size": 5, "archive": False}},
    }
    tenant.report_settings["displayConcealedNames"] = False
    _running.faults.clear()
    _running.journal.clear()
    yield _running
    assert not _running.journal.leaks()
    assert not _running.journal.writes()


def needs(*sources: Source, periods: tuple[str, ...] = ("D30",)) -> Needs:
    return Needs(sources=frozenset(sources), app_usage_periods=periods)


def reports(snapshot: Collected) -> list[tuple[Any, ...]]:
    rows = snapshot.tables["reports"].to_pylist()
    return [(row["source"], row["period"], row["refreshDate"], row["rows"]) for row in rows]


def test_each_report_fills_its_columns(emulator: Emulator) -> None:
    snapshot = collect(emulator, needs(*USAGE, periods=("D180", "D30")))
    assert {source: snapshot.status(source) for source in USAGE} == dict.fromkeys(USAGE, "complete")
    assert [snapshot.manifest.coverage(source).asked for source in USAGE] == [
        tuple(sorted(SERVICE_COLUMNS.values())),
        ("appUsageD180", "appUsageD30"),
        ("copilotLastActivityDate",),
        ("mailboxHasArchive", "mailboxStorageUsed"),
    ]
    assert reports(snapshot) == [
        ("appUsage", "D180", REFRESHED, 3),
        ("appUsage", "D30", REFRESHED, 3),
        ("copilotUsage", "D180", REFRESHED, 3),
        ("mailboxUsage", "D180", REFRESHED, 3),
        ("usage", "D180", REFRESHED, 3),
    ]
    users = snapshot.users()
    ann, bram, cem, dora = (users[name] for name in (ANN, BRAM, CEM, DORA))
    assert ann["teamsLastActivityDate"] == date(2026, 11, 18)
    assert ann["exchangeLastActivityDate"] is None, "a blank date is no activity"
    assert ann["copilotLastActivityDate"] == date(2026, 11, 17)
    assert ann["appUsageD30"] == app_bits(["word"], ["windows"]) | app_bits(["teams"], ["web", "mobile"])
    assert (ann["mailboxStorageUsed"], ann["mailboxHasArchive"]) == (61 << 30, True)
    assert ann["notCollected"] is None
    assert cem["exchangeLastActivityDate"] == date(2026, 6, 1)
    assert (bram["appUsageD30"], bram["appUsageD180"], bram["appUsageD7"]) == (0, 0, None)
    # No row: nothing is known.
    assert dora["notCollected"] == ["copilotUsage", "usage"]
    assert (dora["appUsageD30"], dora["mailboxStorageUsed"], dora["mailboxHasArchive"]) == (None, None, None)


def test_only_what_policies_ask_for_is_requested(emulator: Emulator) -> None:
    snapshot = collect(emulator, needs(Source.USAGE, Source.APP_USAGE, periods=()))
    assert snapshot.status(Source.APP_USAGE) == "not-needed"
    asked = [record.path for record in emulator.journal.of("/*reports/*") if record.authorized]
    assert asked == [f"/reports/{ACTIVE}(period='D180')"]
    assert "mailboxStorageUsed" not in snapshot.tables["users"].column_names
