"""Tests that `collect --all` reads the members of all licensed groups in batches and reports missing ones."""

from collections import defaultdict

import pyarrow as pa
import pytest

from auditor.app.tenants.collection import all_needs
from auditor.collect.sources import members as source
from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.graph.paging import ObjectPage
from auditor.graph.response_body import Rows, decode_list_page
from tests.builders.tenant.collection import Collected, collect
from tests.emulator.fixtures import auditor_app, shared_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import Tenant, load, stable_id

pytestmark = pytest.mark.slow

_GROUPS = 45
_LARGE = 2_100
_E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"


def _tenant() -> Tenant:
    """Return a tenant with 45 licensed groups, one large and one with a nested group, and one unlicensed group."""
    names = [f"u{number:04}@contoso.example" for number in range(_LARGE)]
    licensed = [
        {
            "displayName": f"Licensed {number:02}",
            "members": names[number : number + 3] if number else names,
            "assignedLicenses": [{"skuId": _E3, "disabledPlans": []}],
        }
        for number in range(_GROUPS)
    ]
    licensed[1]["members"] = [*names[:2], "Plain"]
    tenant = load(
        {
            "name": "contoso",
            "tenantId": stable_id("members", "contoso"),
            "domain": "contoso.example",
            "subscribedSkus": [{"skuPartNumber": "SPE_E3", "enabled": 10}],
            "users": [{"userPrincipalName": name} for name in names],
            "groups": [{"displayName": "Plain", "members": names[:5]}, *licensed],
        }
    )
    tenant.register(auditor_app())
    return tenant


running = shared_emulator(_tenant)


@pytest.fixture(scope="module")
def complete_snapshot(running: Emulator) -> Collected:
    """The snapshot of a collection of all sources; its requests are in the journal."""
    running.reset()
    return collect(running, all_needs())


def _members(snapshot: Collected) -> dict[str, set[str]]:
    """Return the ids of the direct members by group name."""
    names = {row["id"]: row["displayName"] for row in snapshot.tables["groups"].to_pylist()}
    members: defaultdict[str, set[str]] = defaultdict(set)
    for row in snapshot.tables["members"].to_pylist():
        assert not row["transitive"]
        assert row["userId"] not in members[names[row["groupId"]]], "each member once"
        members[names[row["groupId"]]].add(row["userId"])
    return members


def _statuses(snapshot: Collected) -> dict[str, str]:
    rows = snapshot.tables["groups"].to_pylist()
    return {row["displayName"]: row["membersStatus"] for row in rows if row["assignedLicenses"]}


def test_collect_all_reads_members_of_every_licensed_group_in_batches(
    running: Emulator, complete_snapshot: Collected
) -> None:
    assert complete_snapshot.status(Source.MEMBERS) == "complete"
    assert {name: len(users) for name, users in _members(complete_snapshot).items()} == {
        f"Licensed {number:02}": {0: _LARGE, 1: 2}.get(number, 3) for number in range(_GROUPS)
    }
    assert set(_statuses(complete_snapshot).values()) == {"complete"}
    members = complete_snapshot.tables["members"]
    assert complete_snapshot.manifest.coverage(Source.MEMBERS).count == members.num_rows == _LARGE + 2 + 43 * 3
    requests = [record for record in running.journal.records if record.path.endswith("/members")]
    assert sum(not record.batched for record in requests) == 2, "the large group has two more pages"
    assert sum(record.batched for record in requests) == _GROUPS
    order = [("groupId", "ascending"), ("transitive", "ascending"), ("userId", "ascending")]
    assert members == members.sort_by(order)


def test_groups_named_by_policies_are_read_once(graph: Emulator, complete_snapshot: Collected) -> None:
    snapshot = collect(graph, all_needs().union(Needs(sources=frozenset({Source.MEMBERS}), groups=("Licensed 02",))))
    assert _members(snapshot)["Licensed 02"] == _members(complete_snapshot)["Licensed 02"]
    assert snapshot.tables["members"].num_rows == _LARGE + 2 + 43 * 3


def test_members_are_partial_if_one_group_is_denied(graph: Emulator) -> None:
    denied_group = next(
        group.id for group in graph.tenants["contoso"].groups.values() if group.document["displayName"] == "Licensed 07"
    )
    graph.faults.add("denied", path=f"/groups/{denied_group}/members", times=None)
    snapshot = collect(graph, all_needs())
    assert snapshot.status(Source.MEMBERS) == "partial"
    assert "GET /groups/{id}/members" in snapshot.reason(Source.MEMBERS)
    assert {name for name, status in _statuses(snapshot).items() if status != "complete"} == {"Licensed 07"}
    assert _statuses(snapshot)["Licensed 07"] == "denied"


def test_members_are_denied_after_one_denied_batch(graph: Emulator) -> None:
    graph.faults.add("denied", path="/groups/*/members", times=None)
    snapshot = collect(graph, all_needs())
    assert (snapshot.status(Source.GROUPS), snapshot.status(Source.MEMBERS)) == ("complete", "denied")
    assert set(_statuses(snapshot).values()) == {"denied"}
    assert len([record for record in graph.journal.records if record.path.endswith("/members")]) == 20


def test_throttled_and_failed_groups_are_requested_again(graph: Emulator) -> None:
    graph.faults.add("throttled", path="/groups/*/members", every=4, times=8, retry_after="3")
    graph.faults.add("expired-page-token", path="/groups/*/members", query="$skiptoken", times=1)
    snapshot = collect(graph, all_needs())
    assert snapshot.status(Source.MEMBERS) == "complete"
    assert snapshot.tables["members"].num_rows == _LARGE + 2 + 43 * 3
    assert pa.compute.count_distinct(snapshot.tables["members"]["userId"]).as_py() == _LARGE


@pytest.mark.parametrize("kind", [None, 7, "#microsoft.graph.agentUser", "#microsoft.graph.user"])
def test_members_of_unknown_types_may_be_users(graph: Emulator, kind: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_type(body: bytes) -> ObjectPage[Rows]:
        page = decode_list_page(body)
        return ObjectPage(rows=[row | {"@odata.type": kind} for row in page.rows], link=page.link)

    named = Needs(sources=frozenset({Source.MEMBERS}), groups=("Licensed 02",))
    expected = _members(collect(graph, named))
    assert expected
    monkeypatch.setattr(source, "decode_list_page", with_type)
    assert _members(collect(graph, named)) == expected
