"""Snapshots from the short tenant descriptions in policy tests."""

from typing import Any

from auditor.app.policy_tests.fixtures import fixture_snapshot
from auditor.catalogue import builtin
from auditor.domain.enums import Source, SourceStatus
from auditor.snapshot.model import Snapshot
from auditor.snapshot.schema import REPORT_COLUMNS, app_bits
from tests.builders.tenant.tenants import NOW, sku_id


def fixture(**state: Any) -> Snapshot:
    return fixture_snapshot("contoso", state, builtin(), NOW)


def users(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [row for batch in snapshot.batches() for row in batch.users.to_pylist()]


def assignments(snapshot: Snapshot) -> list[tuple[Any, ...]]:
    keys = ("user", "skuId", "held", "state", "assignedByGroup", "error")
    return [tuple(row[key] for key in keys) for batch in snapshot.batches() for row in batch.assignments.to_pylist()]


def test_omitted_properties_have_usual_values() -> None:
    snapshot = fixture(
        products=[{"skuPartNumber": "SPE_E3", "enabled": 5}],
        users=[{"userPrincipalName": "a@x", "licenses": ["SPE_E3"]}],
    )
    (ann,) = users(snapshot)
    assert (ann["id"], ann["accountEnabled"], ann["userType"]) == ("a@x", True, None)
    assert assignments(snapshot) == [(0, sku_id("SPE_E3"), True, "Active", None, None)]
    (product,) = snapshot.table("products").to_pylist()
    assert (product["consumed"], product["enabled"], product["warning"], product["appliesTo"]) == (1, 5, 0, "User")
    plans = {row["servicePlanName"] for row in snapshot.table("service_plans").to_pylist()}
    assert "EXCHANGE_S_ENTERPRISE" in plans
    assert snapshot.manifest.complete


def test_assignment_paths_states_and_groups() -> None:
    snapshot = fixture(
        users=[
            {"userPrincipalName": "a@x", "licenses": [{"sku": "SPE_E3", "via": ["direct", "Staff"]}]},
            {"userPrincipalName": "b@x", "licenses": [{"sku": "SPE_E3", "state": "Error", "error": "CountViolation"}]},
        ],
        groups=[{"displayName": "Staff", "licenses": ["SPE_E3"]}],
    )
    (group,) = snapshot.table("groups").to_pylist()
    sku = sku_id("SPE_E3")
    assert group["assignedLicenses"] == [sku]
    assert assignments(snapshot) == [
        (0, sku, True, "Active", None, None),
        (0, sku, True, "Active", group["id"], None),
        (1, sku, False, "Error", None, "CountViolation"),
    ]


def test_members_of_nested_groups_are_transitive_members() -> None:
    snapshot = fixture(
        groups=[
            {"displayName": "All"},
            {"displayName": "Stores", "memberOf": ["All"]},
            {"displayName": "Oslo", "memberOf": ["Stores"]},
        ],
        users=[{"userPrincipalName": "a@x", "memberOf": ["Oslo"]}, {"userPrincipalName": "b@x", "memberOf": ["all"]}],
    )
    names = {row["id"]: row["displayName"] for row in snapshot.table("groups").to_pylist()}
    rows = {(names[row["groupId"]], row["userId"], row["transitive"]) for row in snapshot.table("members").to_pylist()}
    assert {(group, user) for group, user, transitive in rows if not transitive} == {("Oslo", "a@x"), ("All", "b@x")}
    assert {(group, user) for group, user, transitive in rows if transitive} == {
        ("Oslo", "a@x"), ("Stores", "a@x"), ("All", "a@x"), ("All", "b@x")
    }  # fmt: skip


def test_group_types_nested_groups_and_member_counts() -> None:
    snapshot = fixture(
        groups=[
            {"displayName": "Licensed", "licenses": ["SPE_E3"], "nested": ["Oslo"], "members": ["Rome", "c@x"]},
            {"displayName": "Oslo", "paused": True, "visibility": "HiddenMembership"},
            {"displayName": "Rome", "dynamic": True, "memberOf": ["Licensed"]},
        ],
        users=[
            {"userPrincipalName": "a@x", "licenses": [{"sku": "SPE_E3", "via": "Licensed"}]},
            {"userPrincipalName": "b@x", "memberOf": ["Oslo"]},
            {"userPrincipalName": "c@x"},
        ],
    )
    rows = {row["displayName"]: row for row in snapshot.table("groups").to_pylist()}
    licensed = rows["Licensed"]
    assert licensed["nestedGroups"] == sorted(rows[name]["id"] for name in ("Oslo", "Rome"))
    assert (licensed["memberCount"], licensed["groupTypes"]) == (4, [])
    assert [rows[name]["membershipRuleProcessingState"] for name in rows] == [None, "Paused", "On"]
    assert rows["Oslo"]["visibility"] == "HiddenMembership"
    members = {(row["groupId"], row["userId"]) for row in snapshot.table("members").to_pylist() if row["transitive"]}
    assert {user for group, user in members if group == licensed["id"]} == {"b@x", "c@x"}


def test_devices_are_counted_and_zero_for_other_users() -> None:
    snapshot = fixture(
        users=[
            {"userPrincipalName": "a@x", "devices": ["2026-11-02", "2026-11-18T08:00:00Z"]},
            {"userPrincipalName": "b@x"},
        ]
    )
    ann, bob = (row for batch in snapshot.batches() for row in batch.users.to_pylist())
    assert (ann["managedDevices"], f"{ann['managedDeviceLastSyncDateTime']:%m-%d %H}") == (2, "11-18 08")
    assert (bob["managedDevices"], bob["managedDeviceLastSyncDateTime"]) == (0, None)
    assert fixture(users=[], unknown=["devices"]).manifest.coverage(Source.DEVICES).status is SourceStatus.UNAVAILABLE


def test_cyclic_group_membership_terminates() -> None:
    snapshot = fixture(
        groups=[{"displayName": "A", "memberOf": ["B"]}, {"displayName": "B", "memberOf": ["A"]}],
        users=[{"userPrincipalName": "a@x", "memberOf": ["A"]}],
    )
    assert sum(row["transitive"] for row in snapshot.table("members").to_pylist()) == 2


def test_unknown_properties_and_sources_are_not_read() -> None:
    manifest = fixture(unknown=["department", "signInActivity"], users=[]).manifest
    assert manifest.coverage(Source.SIGN_IN_ACTIVITY).status is SourceStatus.UNAVAILABLE
    assert "department" not in manifest.coverage(Source.USERS).asked
    assert "city" in manifest.coverage(Source.USERS).asked


def test_ids_are_stable_between_runs() -> None:
    product = {"skuPartNumber": "ODD_PRODUCT", "enabled": 1}
    first, second = (fixture(products=[product], groups=[{"displayName": "Staff"}]) for _ in range(2))
    assert first.table("products") == second.table("products")
    assert first.table("groups") == second.table("groups")


def test_usage_has_the_values_of_graph_reports() -> None:
    snapshot = fixture(
        users=[
            {
                "userPrincipalName": "a@x",
                "lastActivity": {"teams": "2026-08-01", "exchange": None},
                "copilot": None,
                "apps": {"word": ["windows", "web"]},
                "mailbox": {"size": "1.5GB", "archive": True},
                "agent": True,
            },
            {"userPrincipalName": "b@x", "mailbox": {}},
        ]
    )
    ann, bob = users(snapshot)
    assert ann["teamsLastActivityDate"].isoformat() == "2026-08-01"
    assert (ann.get("exchangeLastActivityDate"), ann.get("yammerLastActivityDate"), ann["notCollected"]) == (
        None,
        None,
        None,
    )
    assert ann["appUsageD7"] == ann["appUsageD180"] == app_bits(["word"], ["windows", "web"])
    assert (ann["mailboxStorageUsed"], ann["mailboxHasArchive"], ann["agent"]) == (3 * 2**29, True, True)
    assert bob["notCollected"] == ["usage", "copilotUsage"]
    assert (bob["appUsageD30"], bob["mailboxStorageUsed"], bob["mailboxHasArchive"]) == (None, None, None)
    assert {row["refreshDate"] for row in snapshot.table("reports").to_pylist()} == {NOW.date()}


def test_usage_none_and_unknown_reports_are_unavailable() -> None:
    manifest = fixture(usage="none", unknown=["copilotUsage"]).manifest
    statuses = {source: manifest.coverage(source).status for source in REPORT_COLUMNS}
    assert [source for source, status in statuses.items() if status is SourceStatus.UNAVAILABLE] == [
        Source.USAGE,
        Source.COPILOT_USAGE,
    ]
