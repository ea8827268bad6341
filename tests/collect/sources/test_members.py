"""`collect --all` reads the members of all licensed groups, in batches, and tells how far it came."""

from collections import defaultdict
from collections.abc import Iterator

import pyarrow as pa
import pytest

from auditor.app.tenants.collection import everything
from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from tests.builders.tenant.collection import Collected, collect
from tests.emulator.fixtures import auditor_app, running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import Tenant, load, stable_id

pytestmark = pytest.mark.slow

_GROUPS = 45
_LARGE = 2_100
_E3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"


def _tenant() -> Tenant:
    """45 licensed groups, of which one is large and one holds a group and a device, and one without licences."""
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


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with running_emulator([_tenant()]) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def whole(running: Emulator) -> Collected:
    """What one collection of everything reads; its requests are in the journal."""
    running.reset()
    return collect(running, everything())


def _members(found: Collected) -> dict[str, set[str]]:
    """The ids of the direct members of each group by its name."""
    names = {row["id"]: row["displayName"] for row in found.tables["groups"].to_pylist()}
    members: defaultdict[str, set[str]] = defaultdict(set)
    for row in found.tables["members"].to_pylist():
        assert not row["transitive"]
        assert row["userId"] not in members[names[row["groupId"]]], "each member once"
        members[names[row["groupId"]]].add(row["userId"])
    return members


def _statuses(found: Collected) -> dict[str, str]:
    rows = found.tables["groups"].to_pylist()
    return {row["displayName"]: row["membersStatus"] for row in rows if row["assignedLicenses"]}


def test_all_reads_the_members_of_every_licensed_group_in_batches(running: Emulator, whole: Collected) -> None:
    assert whole.status(Source.MEMBERS) == "complete"
    assert {name: len(users) for name, users in _members(whole).items()} == {
        f"Licensed {number:02}": {0: _LARGE, 1: 2}.get(number, 3) for number in range(_GROUPS)
    }
    assert set(_statuses(whole).values()) == {"complete"}
    members = whole.tables["members"]
    assert whole.manifest.coverage(Source.MEMBERS).count == members.num_rows == _LARGE + 2 + 43 * 3
    asked = [record for record in running.journal.records if record.path.endswith("/members")]
    assert sum(not record.batched for record in asked) == 2, "the large group goes on for two pages"
    assert sum(record.batched for record in asked) == _GROUPS
    order = [("groupId", "ascending"), ("transitive", "ascending"), ("userId", "ascending")]
    assert members == members.sort_by(order)


def test_groups_that_a_policy_names_are_read_once(graph: Emulator, whole: Collected) -> None:
    found = collect(graph, everything().union(Needs(sources=frozenset({Source.MEMBERS}), groups=("Licensed 02",))))
    assert _members(found)["Licensed 02"] == _members(whole)["Licensed 02"]
    assert found.tables["members"].num_rows == _LARGE + 2 + 43 * 3


def test_one_group_that_is_refused_makes_members_partial(graph: Emulator) -> None:
    refused = next(
        group.id for group in graph.tenants["contoso"].groups.values() if group.document["displayName"] == "Licensed 07"
    )
    graph.faults.add("denied", path=f"/groups/{refused}/members", times=None)
    found = collect(graph, everything())
    assert found.status(Source.MEMBERS) == "partial"
    assert "GET /groups/{id}/members" in found.reason(Source.MEMBERS)
    assert {name for name, status in _statuses(found).items() if status != "complete"} == {"Licensed 07"}
    assert _statuses(found)["Licensed 07"] == "denied"


def test_where_all_are_refused_one_batch_is_enough(graph: Emulator) -> None:
    graph.faults.add("denied", path="/groups/*/members", times=None)
    found = collect(graph, everything())
    assert (found.status(Source.GROUPS), found.status(Source.MEMBERS)) == ("complete", "denied")
    assert set(_statuses(found).values()) == {"denied"}
    assert len([record for record in graph.journal.records if record.path.endswith("/members")]) == 20


def test_throttled_and_failing_groups_are_asked_again(graph: Emulator) -> None:
    graph.faults.add("throttled", path="/groups/*/members", every=4, times=8, retry_after="3")
    graph.faults.add("expired-page-token", path="/groups/*/members", query="$skiptoken", times=1)
    found = collect(graph, everything())
    assert found.status(Source.MEMBERS) == "complete"
    assert found.tables["members"].num_rows == _LARGE + 2 + 43 * 3
    assert pa.compute.count_distinct(found.tables["members"]["userId"]).as_py() == _LARGE
