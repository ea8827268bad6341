"""The demo tenants: findings of every check, for few enough users, and the same on every day."""

# ruff: noqa: RUF001  names in their own scripts

import re
import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor.app.audit.pipeline import audit
from auditor.app.audit.run import Request, policies_for
from auditor.catalogue import builtin
from auditor.checks.registry import all_checks
from auditor.demo import policies, previous, snapshots
from auditor.demo.__main__ import main
from auditor.domain.enums import Agreement, Outcome, Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.policy.loader import load
from auditor.snapshot.model import Snapshot
from auditor.snapshot.reader import read
from auditor.snapshot.schema import SIGN_IN_COLUMNS

AS_OF = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)

Shape = set[tuple[str, str, str, str | None, str | None, Status]]


@cache
def audit_demo(as_of: datetime, *, before: bool = False) -> Result:
    tenants = previous(as_of) if before else snapshots(as_of)
    instant = tenants[0].manifest.instant if before else as_of
    return audit(tenants, load(policies(as_of)).policies, builtin(), instant)


@cache
def current_snapshots() -> tuple[Snapshot, ...]:
    return snapshots(AS_OF)


def findings(result: Result) -> list[Finding]:
    return [finding for tenant in result.tenants for finding in tenant.findings] + list(result.fleet.findings)


def shape(result: Result) -> Shape:
    return {
        (
            item.policy,
            item.check,
            item.subject.id,
            item.product.sku_part_number if item.product else None,
            item.detail,
            item.status,
        )
        for item in findings(result)
    }


def users(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [row for batch in snapshot.batches() for row in batch.users.to_pylist()]


@pytest.mark.slow
def test_demo_has_findings_of_every_check() -> None:
    raised = {finding.check for finding in findings(audit_demo(AS_OF))}
    assert raised == {check.id for check in all_checks()}, "add a case to auditor/demo"


@pytest.mark.slow
def test_demo_audit_is_complete_and_every_policy_is_evaluated() -> None:
    result = audit_demo(AS_OF)
    assert result.complete
    assert result.summary.not_evaluated == 0
    assert {tenant.name: tenant.agreement for tenant in result.tenants} == {
        "contoso": Agreement.MCA,
        "fabrikam": Agreement.CSP,
    }


def test_most_users_have_no_findings() -> None:
    contoso, fabrikam = audit_demo(AS_OF).tenants
    affected = {item.subject.id for item in contoso.findings if item.subject.type == "user"}
    assert 400 <= current_snapshots()[0].user_count <= 490
    assert 60 <= len(affected) <= 100, "a new policy must not have findings about many people of the demo"
    assert 50 <= current_snapshots()[1].user_count <= 70
    assert 3 <= len(fabrikam.findings) <= 10


def test_smaller_products_and_coverage_are_reported() -> None:
    contoso, fabrikam = audit_demo(AS_OF).tenants
    smaller = [(row.sku_part_number, row.smaller_sku_part_number, row.people) for row in contoso.smaller_products or ()]
    assert smaller == [("SPE_E5", "SPE_F1", 3), ("SPE_E3", "SPE_F1", 1)]
    assert {row.policy: (row.people > row.usable, row.missing) for row in contoso.coverage or ()} == {
        "conditional-access-p1": (True, 11),
        "conditional-access-risk-p2": (True, 52),
        "eligible-roles-p2": (False, 0),
    }
    assert [row.missing for row in fabrikam.coverage or ()] == [0]


def test_no_policy_has_more_than_20_findings() -> None:
    contoso = audit_demo(AS_OF).tenants[0]
    assert max(outcome.findings for outcome in contoso.policies) <= 20
    assert sum(outcome.status is Outcome.PASS for outcome in contoso.policies) >= 8


def test_every_severity_open_and_waived_findings_and_money_occur() -> None:
    result = audit_demo(AS_OF)
    assert all(result.summary.open.values())
    assert result.summary.waived >= 5
    assert sum(item.money is not None for item in findings(result)) >= 20


def test_fleet_finding_reports_seats_missing_in_one_tenant_and_spare_in_the_other() -> None:
    [imbalance] = audit_demo(AS_OF).fleet.findings
    assert imbalance.product is not None
    assert imbalance.product.sku_part_number == "POWER_BI_PRO"
    assert [line["tenant"] for line in imbalance.evidence["short"]] == ["fabrikam"]
    assert [line["tenant"] for line in imbalance.evidence["excess"]] == ["contoso"]


@pytest.mark.parametrize("code", ["waiver.expiring", "waiver.expired", "waiver.unused"])
def test_expiring_expired_and_unused_waivers_are_reported(code: str) -> None:
    result = audit_demo(AS_OF)
    notices = [notice for tenant in result.tenants for notice in tenant.notices] + list(result.fleet.notices)
    assert [notice.subject for notice in notices if notice.code == code]


def test_notices_are_only_about_waivers_and_policies_that_match_nobody() -> None:
    result = audit_demo(AS_OF)
    notices = {tenant.name: {(notice.code, notice.subject) for notice in tenant.notices} for tenant in result.tenants}
    waivers = {("waiver.expiring", "W-2026-009"), ("waiver.unused", "W-2026-005")}
    add_ons = {
        f"{product}-base"
        for product in (
            *("archive-add-on", "calling-plan", "dynamics-attach", "e5-add-on", "entra-add-on", "f5-add-on"),
            "power-bi-add-on",
        )
    } | {"business-300"}
    fabrikam = {
        *("admin-account-suite", "copilot-idle-30d", "guests-paid", "never-signed-in-30d", "resource-account-suite"),
        *("room-mailbox-suite", "teams-add-on-base", "conditional-access-risk-p2", "eligible-roles-p2"),
        *("eligible-role-suite", "privileged-role-suite"),
    }
    assert notices == {
        "contoso": {("policy.no-match", policy) for policy in add_ons} | waivers | {("waiver.expired", "W-2026-001")},
        "fabrikam": {("policy.no-match", policy) for policy in add_ons | fabrikam} | waivers,
    }
    assert result.fleet.notices == ()


@pytest.mark.slow
@pytest.mark.parametrize("before", [False, True])
def test_consumed_units_are_the_number_of_holders(*, before: bool) -> None:
    for snapshot in previous(AS_OF) if before else current_snapshots():
        holders: Counter[str] = Counter()
        for batch in snapshot.batches():
            rows = {(row["user"], row["skuId"]) for row in batch.assignments.to_pylist() if row["held"]}
            holders.update(sku for _, sku in rows)
        consumed = {row["skuId"]: row["consumed"] for row in snapshot.table("products").to_pylist()}
        assert set(holders) <= set(consumed)
        assert consumed == {sku: holders[sku] for sku in consumed}


@pytest.mark.parametrize("before", [False, True])
def test_sign_ins_are_after_account_creation_and_before_the_snapshot(*, before: bool) -> None:
    for snapshot in previous(AS_OF) if before else current_snapshots():
        for user in users(snapshot):
            assert user["createdDateTime"] < snapshot.manifest.instant
            for column in SIGN_IN_COLUMNS:
                if (stamp := user[column]) is not None:
                    assert user["createdDateTime"] < stamp < snapshot.manifest.instant, user["displayName"]


def test_users_have_unique_ids_and_plain_ascii_addresses() -> None:
    for snapshot in current_snapshots():
        people = users(snapshot)
        principals = [str(user["userPrincipalName"]) for user in people]
        assert len({name.casefold() for name in principals}) == len(people) == len({user["id"] for user in people})
        assert [
            name for name in principals if not re.fullmatch(r"[A-Za-z0-9._'#-]+@[a-z.]+|.+#EXT#@[a-z.]+", name)
        ] == []


def test_names_include_many_scripts_markup_and_long_names() -> None:
    names = [str(user["displayName"]) for user in users(current_snapshots()[0])]
    letters = {unicodedata.name(letter, "").split()[0] for name in names for letter in name if letter.isalpha()}
    assert {"LATIN", "ARABIC", "CJK", "GREEK", "CYRILLIC", "HANGUL", "DEVANAGARI"} <= letters
    assert any("’" in name for name in names)
    assert any("🌷" in name for name in names)
    assert any("<img" in name for name in names)
    assert max(map(len, names)) > 90


def test_findings_include_users_with_unusual_names() -> None:
    names = {finding.subject.name for finding in findings(audit_demo(AS_OF))}
    for part in ("’", "🌷", "<img", "van der Oye", "فاطمة"):
        assert any(part in name for name in names), part


def test_holders_of_a_group_licence_are_members_of_the_group() -> None:
    snapshot = current_snapshots()[0]
    ids = [str(user["id"]) for user in users(snapshot)]
    group_holders = {
        (row["assignedByGroup"], ids[row["user"]])
        for batch in snapshot.batches()
        for row in batch.assignments.to_pylist()
        if row["assignedByGroup"] is not None
    }
    members = {
        (row["groupId"], row["userId"]) for row in snapshot.table("members").to_pylist() if not row["transitive"]
    }
    assert group_holders
    assert group_holders <= members


def test_snapshots_of_the_same_night_are_equal() -> None:
    for first, second in zip(current_snapshots(), snapshots(AS_OF + timedelta(hours=5)), strict=True):
        assert first.manifest == second.manifest
        assert users(first) == users(second)
        assert all(first.table(name).equals(second.table(name)) for name in first.tables)


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@example(datetime(2028, 2, 29, 2, 16), 0)  # noqa: DTZ001
@example(datetime(2026, 12, 31, 23, 59), -12)  # noqa: DTZ001
@given(
    st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2031, 12, 31)),  # noqa: DTZ001  the zone is next
    st.integers(min_value=-12, max_value=14),
)
def test_findings_are_the_same_at_every_instant(local_time: datetime, zone: int) -> None:
    as_of = local_time.replace(tzinfo=timezone(timedelta(hours=zone)))
    instant = snapshots(as_of)[0].manifest.instant
    assert timedelta() <= as_of - instant < timedelta(days=1)
    assert (instant.hour, instant.minute) == (2, 17)
    assert shape(audit_demo.__wrapped__(as_of)) == shape(audit_demo(AS_OF))


@pytest.mark.slow
def test_policies_differ_between_days_only_in_dates() -> None:
    first, second = (policies_for(Request(demo=True, as_of=day)) for day in (AS_OF, AS_OF + timedelta(days=7)))
    assert first.digest == second.digest
    expiry = [{waiver.id: waiver.expires for waiver in policy_set.waivers} for policy_set in (first, second)]
    assert expiry[1] == {waiver: day + timedelta(days=7) for waiver, day in expiry[0].items()}


@pytest.mark.slow
def test_previous_night_has_different_findings() -> None:
    current, earlier = audit_demo(AS_OF), audit_demo(AS_OF, before=True)
    assert earlier.complete
    assert earlier.tenants[0].as_of == current.tenants[0].as_of - timedelta(days=1)
    new = {(policy, check) for policy, check, *_ in shape(current) - shape(earlier)}
    resolved = {(policy, check) for policy, check, *_ in shape(earlier) - shape(current)}
    assert {
        ("disabled-licensed", "assignment.not-allowed"), ("inactive-90d", "assignment.not-allowed"),
        ("one-suite", "assignment.overlap"), ("assignment-errors", "assignment.error"),
        ("guests-paid", "assignment.not-allowed"), ("group-errors", "group.processing"),
    } <= new  # fmt: skip
    assert {
        ("disabled-licensed", "assignment.not-allowed"), ("duplicate-assignment", "assignment.duplicate"),
        ("department-missing", "attribute.missing"), ("usage-location", "attribute.missing"),
    } <= resolved  # fmt: skip
    assert len(shape(current) & shape(earlier)) > 100


def test_policies_are_the_starter_library_and_an_overlay() -> None:
    names = [name for name, _ in policies(AS_OF)]
    assert names[-1] == "policies/contoso.yaml"
    assert "policies/sets.yaml" in names
    assert not [name for name in names if name.endswith("_test.yaml")]
    loaded = load(policies(AS_OF))
    assert loaded.warnings == ()
    assert loaded.policies.prices is not None
    assert len(loaded.policies.policies) >= 45 + 7


@pytest.mark.slow
def test_demo_command_writes_snapshots_and_policies_that_give_the_same_findings(tmp_path: Path) -> None:
    main([str(tmp_path), "--as-of", "2026-11-21T14:30:00Z", "--previous"])
    folders = sorted(tmp_path.glob("snapshots/*/*"))
    assert [(path.parent.name, path.name) for path in folders] == [
        ("contoso", "2026-11-20T021700Z"),
        ("contoso", "2026-11-21T021700Z"),
        ("fabrikam", "2026-11-20T021700Z"),
        ("fabrikam", "2026-11-21T021700Z"),
    ]
    files = [(f"policies/{path.name}", path.read_bytes()) for path in sorted((tmp_path / "policies").iterdir())]
    result = audit([read(folders[1]), read(folders[3])], load(files).policies, builtin(), AS_OF)
    assert findings(result) == findings(audit_demo(AS_OF))


@pytest.mark.parametrize(
    ("instant", "reason"),
    [("tomorrow", "'tomorrow' is not an instant"), ("2026-11-21T14:30:00Z", "2026-11-21T021700Z exists already")],
)
def test_demo_command_explains_what_it_cannot_do(
    instant: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "snapshots" / "contoso" / "2026-11-21T021700Z").mkdir(parents=True)
    with pytest.raises(SystemExit) as stopped:
        main([str(tmp_path), "--as-of", instant])
    assert stopped.value.code == 2
    assert reason in capsys.readouterr().err
