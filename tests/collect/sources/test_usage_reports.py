"""Tests that usage reports fill the columns of users, and that missing data never counts as unused."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.snapshot.schema import APPS, PLATFORMS, SERVICE_COLUMNS, app_bits
from tests.builders.tenant.collection import Collected, collect
from tests.emulator.fixtures import shared_emulator, small_tenant
from tests.emulator.server import Emulator

pytestmark = pytest.mark.slow
ACTIVE, APP, COPILOT, MAILBOX = (
    "getOffice365ActiveUserDetail",
    "getM365AppUserDetail",
    "getMicrosoft365CopilotUsageUserDetail",
    "getMailboxUsageDetail",
)
USAGE = (Source.USAGE, Source.APP_USAGE, Source.COPILOT_USAGE, Source.MAILBOX_USAGE)
REFRESHED = date(2026, 11, 19)
ANN, BRAM, CEM, DORA = (f"{name}@contoso.example" for name in ("ann", "bram", "cem", "dora"))


_running = shared_emulator(small_tenant)


@pytest.fixture
def emulator(_running: Emulator) -> Iterator[Emulator]:
    """Three licensed users; Ann uses Teams, Word on Windows and Copilot, the other two are in all reports."""
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
    _running.reset()
    yield _running
    assert not _running.journal.leaks()
    assert not _running.journal.writes()


def needs(*sources: Source, periods: tuple[str, ...] = ("D30",)) -> Needs:
    return Needs(sources=frozenset(sources), app_usage_periods=periods)


def reports(snapshot: Collected) -> list[tuple[Any, ...]]:
    rows = snapshot.tables["reports"].to_pylist()
    return [(row["source"], row["period"], row["refreshDate"], row["rows"]) for row in rows]


def test_reports_fill_their_columns(emulator: Emulator) -> None:
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
    # Without a row, usage is unknown.
    assert dora["notCollected"] == ["copilotUsage", "usage"]
    assert (dora["appUsageD30"], dora["mailboxStorageUsed"], dora["mailboxHasArchive"]) == (None, None, None)


def test_only_reports_that_policies_need_are_requested(emulator: Emulator) -> None:
    snapshot = collect(emulator, needs(Source.USAGE, Source.APP_USAGE, periods=()))
    assert snapshot.status(Source.APP_USAGE) == "not-needed"
    paths = [record.path for record in emulator.journal.of("/*reports/*") if record.authorized]
    assert paths == [f"/reports/{ACTIVE}(period='D180')"]
    assert "mailboxStorageUsed" not in snapshot.tables["users"].column_names


def csv_text(*rows: tuple[str, ...], end: str = "\r\n") -> bytes:
    return "".join(",".join(row) + end for row in rows).encode()


def collect_with_file(emulator: Emulator, report: str, content: bytes, *sources: Source) -> Collected:
    emulator.tenants["contoso"].usage.files[report] = content
    return collect(emulator, needs(*sources))


HEAD = ("Report Refresh Date", "User Principal Name", "Is Deleted", "Teams Last Activity Date")
DAY = "2026-11-19"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + csv_text(HEAD, (DAY, ANN, "False", "2026-11-01")),
        csv_text(HEAD, (DAY, ANN, "False", "2026-11-01"), end="\n"),
        csv_text(HEAD, (DAY, ANN, "False", "2026-11-01")).rstrip(),
        csv_text(HEAD[::-1], ("2026-11-01", "FALSE", ANN.upper(), DAY)),
        csv_text(
            ("\ufeff" + HEAD[0].upper(), '"Display, Name"', *(title.lower() for title in HEAD[1:]), "New 2027"),
            (DAY, '"Ann\r\n""A"", =1+1"', f" {ANN} ", "False", "2026-11-01", "x"),
        ),
        csv_text(HEAD, (DAY, ANN, "True", "2026-11-18"), (DAY, ANN, "No", "2026-11-01")),
        csv_text(HEAD, (DAY, ANN, "False", "2026-11-01"), (DAY, ANN.title(), "False", ""), (DAY, ANN, "False", "2026-10-01")),
        csv_text((*HEAD, "User Id"), (DAY, "renamed@contoso.example", "False", "2026-11-01", "{ann}"), (DAY, ANN, "False", "2026-11-18", "other")),
        csv_text(HEAD, (DAY, "gone@contoso.example", "False", "2026-11-18"), ("", ANN, "", "2026-11-01T08:00:00Z")),
    ],
    ids=["bom", "lf", "no-end", "order-and-case", "quoted-and-new", "deleted", "twice", "object-id", "strangers"],
)  # fmt: skip
def test_variants_of_a_report_give_the_same_values(emulator: Emulator, content: bytes) -> None:
    people = emulator.tenants["contoso"].people
    ann_id = str(people.value(people.find(ANN) or 0, "id")).upper().encode()
    snapshot = collect_with_file(emulator, ACTIVE, content.replace(b"{ann}", ann_id), Source.USAGE)
    assert snapshot.status(Source.USAGE) == "complete", snapshot.reason(Source.USAGE)
    users = snapshot.users()
    assert users[ANN]["teamsLastActivityDate"] == date(2026, 11, 1)
    assert users[ANN]["notCollected"] is None
    assert all(users[name]["notCollected"] == ["usage"] for name in (BRAM, CEM, DORA))
    assert reports(snapshot)[0][:3] == ("usage", "D180", REFRESHED)


APP_HEAD = ("Report Refresh Date", "User Principal Name", *(f"{app} ({on})" for on in PLATFORMS for app in APPS))


def test_rows_of_one_user_are_merged(emulator: Emulator) -> None:
    usage = emulator.tenants["contoso"].usage
    first, second = (["Yes" if index in used else "False" for index in range(24)] for used in ({0}, {23}))
    usage.files[APP] = csv_text(APP_HEAD, (DAY, ANN, *first), (DAY, ANN, *second), (DAY, BRAM, *first[:-1], "?"))
    usage.files[MAILBOX] = csv_text(
        ("Report Refresh Date", "User Principal Name", "Storage Used (Byte)", "Has Archive"),
        ("2026-11-18", ANN, "70", "False"), (DAY, ANN, "50", "True"), (DAY, BRAM, "", ""), (DAY, CEM, "7", "False"),
    )  # fmt: skip
    snapshot = collect(emulator, needs(Source.APP_USAGE, Source.MAILBOX_USAGE))
    users = snapshot.users()
    assert users[ANN]["appUsageD30"] == 1 | 1 << 23
    assert users[BRAM]["appUsageD30"] is None, "an unreadable cell makes the value unknown"
    mailboxes = {
        name: (users[name]["mailboxStorageUsed"], users[name]["mailboxHasArchive"]) for name in (ANN, BRAM, CEM)
    }
    assert mailboxes == {ANN: (70, True), BRAM: (None, None), CEM: (7, False)}
    assert ("mailboxUsage", "D180", date(2026, 11, 18), 4) in reports(snapshot), "the earliest refresh date is used"


def test_missing_columns_are_reported(emulator: Emulator) -> None:
    usage = emulator.tenants["contoso"].usage
    usage.files[ACTIVE] = csv_text(HEAD, (DAY, ANN, "False", "2026-11-01"))
    usage.files[APP] = csv_text(APP_HEAD[:-1], (DAY, ANN, *["True"] * 23))
    usage.files[MAILBOX] = csv_text((*HEAD[:2], "Has Archive"), (DAY, ANN, "True"))
    usage.files[COPILOT] = csv_text(
        (*HEAD[:2], "Brand New Copilot Last Activity Date", "Last Activity Date"), (DAY, ANN, DAY, "")
    )
    snapshot = collect(emulator, needs(*USAGE))
    columns = {source: snapshot.manifest.coverage(source).asked for source in USAGE}
    assert columns[Source.USAGE] == ("teamsLastActivityDate",)
    assert columns[Source.MAILBOX_USAGE] == ("mailboxHasArchive",)
    assert columns[Source.COPILOT_USAGE] == ("copilotLastActivityDate",)
    assert len(columns[Source.APP_USAGE]) == 23
    assert "appUsageD30:teams:web" not in columns[Source.APP_USAGE]
    assert "exchangeLastActivityDate" in snapshot.reason(Source.USAGE)
    assert snapshot.users()[ANN]["copilotLastActivityDate"] == REFRESHED


@pytest.mark.parametrize("text", ["never", "2026-13-01", "01/11/2026", "-1", "20261101", "0000-00-00", "1969-12-31"])
def test_invalid_dates_make_usage_of_that_user_unknown(emulator: Emulator, text: str) -> None:
    content = csv_text(HEAD, (DAY, ANN, "False", text), (DAY, BRAM, "False", ""), (DAY, ANN, "False", "2026-11-01"))
    snapshot = collect_with_file(emulator, ACTIVE, content, Source.USAGE)
    users = snapshot.users()
    assert (users[ANN]["notCollected"], users[ANN]["teamsLastActivityDate"]) == (["usage"], None)
    assert users[BRAM]["notCollected"] is None
    assert "invalid date or number: 1" in snapshot.reason(Source.USAGE)


COMPLETE = csv_text(HEAD, *((DAY, name, "False", "2026-11-01") for name in (ANN, BRAM, CEM)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"\xef\xbb\xbf\r\n", "it is empty"),
        (b"<html>sign in</html>", "it is not CSV"),
        (b'{"value": []}', "it is not CSV"),
        (b"a,b\r\n1,2\r\n", "no column User Principal Name"),
        (COMPLETE[:-30], "row 4 has 2 of 4 columns"),
        (COMPLETE.replace(b"False,2026-11-01", b'"False,2026-11-01', 1), "of 4 columns"),
        (COMPLETE.replace(b"bram", b"br\xff\xfem"), "it is damaged"),
        (csv_text(HEAD[:3], (DAY, ANN, "False")), "no columns for"),
        (csv_text(HEAD), "has no rows"),
        (csv_text(HEAD).rstrip(), "has no rows"),
        (csv_text(HEAD, (DAY, ANN, "True", "")), "has no rows"),
    ],
)  # fmt: skip
def test_damaged_reports_are_unavailable(emulator: Emulator, content: bytes, reason: str) -> None:
    snapshot = collect_with_file(emulator, ACTIVE, content, Source.USAGE, Source.MAILBOX_USAGE)
    assert snapshot.status(Source.USAGE) == "unavailable"
    assert reason in snapshot.reason(Source.USAGE)
    assert not any(name.partition("@")[0] in snapshot.reason(Source.USAGE) for name in (ANN, BRAM, CEM))
    assert "teamsLastActivityDate" not in snapshot.tables["users"].column_names
    assert snapshot.status(Source.MAILBOX_USAGE) == "complete"


@pytest.mark.parametrize(
    "rows",
    [
        [(DAY, "0F9A" * 8, "False", "2026-11-01")],
        [(DAY, "0F9A" * 8, "True", "")],
        [(DAY, "", "False", "2026-11-01")],
    ],
    ids=["one", "deleted", "blank"],
)
def test_concealed_name_in_any_row_makes_the_report_unavailable(
    emulator: Emulator, rows: list[tuple[str, ...]]
) -> None:
    snapshot = collect_with_file(
        emulator, ACTIVE, csv_text(HEAD, (DAY, ANN, "False", "2026-11-01"), *rows), Source.USAGE
    )
    assert snapshot.status(Source.USAGE) == "unavailable"
    assert "Display concealed user, group, and site names" in snapshot.reason(Source.USAGE)


def test_reports_are_unavailable_if_the_tenant_conceals_names(emulator: Emulator) -> None:
    emulator.tenants["contoso"].report_settings["displayConcealedNames"] = True
    snapshot = collect(emulator, needs(*USAGE))
    assert {snapshot.status(source) for source in USAGE} == {"unavailable"}
    assert len(snapshot.manifest.sources) == 5
    assert not emulator.journal.of("/admin/*"), "the setting is neither read nor changed"
    assert "reports" not in snapshot.tables
