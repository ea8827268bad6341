"""Tests complete collections: minimal requests, large tenants, mailboxes, several tenants and failures."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.tenants.collection import all_needs, collect_all, needs_of
from auditor.collect.collector import collect_tenant
from auditor.collect.sources.registry import SOURCES, permissions_for, sources_for
from auditor.domain.enums import Source
from auditor.domain.errors import GraphError, SnapshotError
from auditor.domain.policy.data_needs import Needs
from auditor.domain.settings import Tenant, Token
from auditor.policy.loader import load
from tests.builders.service.web_server import Response, web_server
from tests.builders.tenant.collection import (
    AGGREGATES,
    INSTANT,
    PEOPLE,
    SIGN_INS,
    Ticking,
    collect,
    configured,
    environment,
    scratch,
)
from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant import seeded

MAILBOXES = Needs(
    sources=frozenset({Source.USERS, Source.MAILBOXES}), user_properties=("displayName", "id", "userPrincipalName")
)


@pytest.mark.slow
def test_only_data_that_policies_need_is_requested(graph: Emulator) -> None:
    text = "version: 1\npolicies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}]"
    policies = load([("p.yaml", text.encode())]).policies
    collect(graph, needs_of(policies, configured(graph)))
    paths = {record.path for record in graph.journal.records if record.host == "graph"}
    assert paths == {"/organization", "/subscribedSkus", "/users", "/users/$count", "/directoryObjects/getByIds"}
    for record in graph.journal.of("/users"):
        assert "signInActivity" not in record.select
        assert "department" in record.select
        assert "jobTitle" not in record.select
        assert "employeeOrgData" not in record.select
    assert all(record.headers.get("x-ms-throttle-priority") == "low" for record in graph.journal.of("/users"))


@pytest.mark.slow
def test_cost_centres_are_requested_if_a_policy_needs_them(graph: Emulator) -> None:
    text = "version: 1\npolicies: [{id: charged, severity: low, users: {licensed: true}, attributes: {require: [costCenter]}}]"
    policies = load([("p.yaml", text.encode())]).policies
    collected = collect(graph, needs_of(policies, configured(graph)))
    assert all("employeeOrgData" in record.select for record in graph.journal.of("/users"))
    assert "employeeOrgData" in collected.manifest.coverage(Source.USERS).asked
    pairs = {(row["costCenter"], row["division"]) for row in collected.users().values()}
    assert pairs == {(None, None), *((f"CC-{number}", "Retail") for number in range(5))}


def test_policies_of_other_tenants_need_no_data() -> None:
    text = "version: 1\npolicies: [{id: idle, severity: low, tenants: [fabrikam], users: {inactiveFor: 90d}, assignments: {allow: []}}]"
    policies = load([("p.yaml", text.encode())]).policies
    assert needs_of(policies, Tenant(name="contoso", tenant_id="x")).sources == frozenset(
        {Source.ORGANIZATION, Source.SUBSCRIBED_SKUS}
    )
    assert Source.SIGN_IN_ACTIVITY in needs_of(policies, Tenant(name="fabrikam", tenant_id="x")).sources


def test_every_source_has_a_least_permission() -> None:
    assert [item.name for item in permissions_for(all_needs())] == [
        "LicenseAssignment.Read.All",
        "Organization.Read.All",
        "User.Read.All",
        "AuditLog.Read.All",
        "GroupMember.Read.All",
        "MailboxSettings.Read",
        "DeviceManagementManagedDevices.Read.All",
        "Reports.Read.All",
        "RoleManagement.Read.Directory",
        "Policy.Read.All",
    ]
    for source in Source:
        assert permissions_for(Needs(sources=frozenset({source}))), source
    assert [item.name for item in permissions_for(Needs(), mail=True)] == ["Mail.Send"]


def test_every_source_is_registered_once() -> None:
    assert sorted(name for source in SOURCES for name in source.fills) == sorted(Source)
    assert sources_for(Needs()) == ()
    assert sources_for(all_needs()) == SOURCES


@pytest.fixture(scope="module")
def large() -> Iterator[Emulator]:
    with running_emulator([seeded.generate(9_000)]) as emulator:
        yield emulator


@pytest.fixture
def large_graph(large: Emulator) -> Emulator:
    """The emulator with 9,000 users, without faults."""
    large.reset()
    return large


@pytest.mark.slow
def test_large_tenant_is_read_in_shards(large_graph: Emulator) -> None:
    snapshot = collect(large_graph, SIGN_INS)
    assert snapshot.manifest.complete
    ids = snapshot.tables["users"]["id"].to_pylist()
    assert len(ids) == 9_000
    assert ids == sorted(set(ids))
    assert snapshot.tables["users"]["notCollected"].null_count == 9_000
    filters = {record.parameter("$filter") for record in large_graph.journal.of("/users")}
    assert len(filters) > 3


@pytest.mark.slow
def test_users_are_read_as_one_list_if_shards_are_refused(large_graph: Emulator) -> None:
    large_graph.faults.add("bad-request", path="/users", query="$filter=userPrincipalName", times=None)
    snapshot = collect(large_graph, SIGN_INS)
    assert snapshot.manifest.complete
    assert snapshot.tables["users"].num_rows == 9_000
    assert snapshot.tables["users"]["notCollected"].null_count == 9_000
    requests = large_graph.journal.of("/users")
    assert {record.status for record in requests if record.parameter("$filter")} == {400}
    assert any(record.status == 200 and record.parameter("$skiptoken") for record in requests)


@pytest.mark.slow
def test_faults_do_not_change_the_snapshot_of_a_large_tenant(large_graph: Emulator) -> None:
    undisturbed = collect(large_graph, SIGN_INS)
    for kind in ("reset", "truncated"):
        large_graph.faults.add(kind, path="/users", every=5, times=3)
    large_graph.faults.add("throttled", path="/users", every=4, times=4, retry_after=None)
    large_graph.faults.add("expired-page-token", path="/users", query="$skiptoken", times=2)
    snapshot = collect(large_graph, SIGN_INS)
    assert snapshot.manifest.complete
    assert snapshot.tables["users"] == undisturbed.tables["users"]
    assert snapshot.tables["assignments"] == undisturbed.tables["assignments"]


@pytest.mark.slow
def test_mailboxes_are_read_in_batches(graph: Emulator) -> None:
    snapshot = collect(graph, MAILBOXES)
    assert snapshot.status(Source.MAILBOXES) == "complete"
    kinds = set(snapshot.tables["users"]["mailboxType"].to_pylist())
    assert {"user", "shared", "room", "equipment"} <= kinds
    batches = [record for record in graph.journal.of("/$batch") if not record.batched]
    assert len(batches) <= 1_300 / 20
    assert snapshot.tables["users"]["notCollected"].null_count == 1_300


def test_mailboxes_are_unavailable_if_graph_finds_no_user(graph: Emulator) -> None:
    code = "Request_ResourceNotFound"
    graph.faults.add("server-error", path="/users/*/mailboxSettings", status=404, code=code, times=None)
    mailboxes = collect(graph, MAILBOXES, tenant=configured(graph, name="fabrikam")).manifest.coverage(Source.MAILBOXES)
    assert (mailboxes.status, mailboxes.count, code in (mailboxes.reason or "")) == ("unavailable", 0, True)


@pytest.mark.slow
def test_mailboxes_are_denied_after_one_denied_batch(graph: Emulator) -> None:
    graph.faults.add("denied", path="/users/*/mailboxSettings", code="ErrorAccessDenied", times=None)
    snapshot = collect(graph, MAILBOXES)
    assert snapshot.status(Source.MAILBOXES) == "denied"
    assert "grant the application MailboxSettings.Read and consent" in snapshot.reason(Source.MAILBOXES)
    assert snapshot.status(Source.USERS) == "complete"
    assert len([record for record in graph.journal.of("/$batch") if not record.batched]) == 1
    assert snapshot.tables["users"]["mailboxType"].null_count == 1_300


@pytest.mark.slow
@pytest.mark.parametrize(("first", "status"), [(1, "denied"), (2, "partial")])
def test_mailboxes_are_not_complete_without_all_users(graph: Emulator, first: int, status: str) -> None:
    graph.faults.add("denied", path="/users", first=first, times=None)
    users, mailboxes = collect(graph, MAILBOXES).manifest.sources
    assert (users.status, mailboxes.status) == (status, status)
    assert mailboxes.reason == users.reason


@pytest.mark.slow
def test_failed_mailboxes_are_requested_again_or_marked(graph: Emulator) -> None:
    graph.faults.add("throttled", path="/users/*/mailboxSettings", every=7, times=50, retry_after="3")
    snapshot = collect(graph, MAILBOXES)
    assert snapshot.status(Source.MAILBOXES) == "complete"
    graph.faults.clear()
    graph.faults.add("denied", path="/users/*/mailboxSettings", first=100, code="ErrorAccessDenied", times=5)
    snapshot = collect(graph, MAILBOXES)
    assert snapshot.status(Source.MAILBOXES) == "partial"
    marked = [row for row in snapshot.tables["users"]["notCollected"].to_pylist() if row]
    assert marked == [["mailboxType"]] * 5


def test_token_of_another_tenant_is_an_error(graph: Emulator) -> None:
    tenant = configured(graph, credential=Token(token_env="T"))
    env = environment(graph, T=graph.bearer("fabrikam"))
    with pytest.raises(GraphError, match="is for the tenant"):
        collect(graph, PEOPLE, tenant=tenant, env=env)


@pytest.mark.slow
def test_static_token_is_accepted_and_its_rejection_is_an_error(graph: Emulator) -> None:
    tenant = configured(graph, credential=Token(token_env="T"))
    env = environment(graph, T=graph.bearer("contoso"))
    assert collect(graph, PEOPLE, tenant=tenant, env=env).manifest.complete
    with pytest.raises(GraphError, match="401"):
        collect(graph, PEOPLE, tenant=tenant, env=environment(graph, T="opaque"))


@pytest.mark.slow
def test_endpoint_other_than_graph_is_an_error(graph: Emulator) -> None:
    page = Response(body=b"<html><body>Please sign in to the network</body></html>")
    with web_server(lambda _: page) as port:
        endpoint = f"http://127.0.0.1:{port}/v1.0"
        tenant = replace(configured(graph), endpoint=endpoint, credential=Token(token_env="T"))
        with pytest.raises(GraphError, match="HTML"):
            collect(graph, PEOPLE, tenant=tenant, env=environment(graph, T="opaque"))


@pytest.mark.slow
def test_second_snapshot_of_the_same_instant_is_an_error(graph: Emulator) -> None:
    async def twice(root: Path) -> None:
        for _ in range(2):
            await collect_tenant(
                configured(graph, "fabrikam"), PEOPLE, root=root, instant=INSTANT, environ=environment(graph)
            )

    with scratch() as root, pytest.raises(SnapshotError, match="exists already"):
        asyncio.run(twice(root))


@pytest.mark.slow
def test_failed_tenant_does_not_stop_the_others(graph: Emulator) -> None:
    tenants = (
        configured(graph),
        replace(configured(graph), name="nobody", tenant_id="11111111-2222-3333-4444-555555555555"),
        configured(graph, "fabrikam"),
    )
    with scratch() as root:
        outcomes = collect_all(
            tenants, lambda _: PEOPLE, root=root, instant=INSTANT, environ=environment(graph), at_once=2
        )
        assert [outcome.tenant.name for outcome in outcomes] == ["contoso", "nobody", "fabrikam"]
        assert [outcome.folder is not None for outcome in outcomes] == [True, False, True]
        assert outcomes[1].failure is not None
        assert "AADSTS90002" in outcomes[1].failure.message
        assert sorted(path.name for path in root.iterdir()) == ["contoso", "fabrikam"]


def test_no_empty_folder_is_left_if_no_tenant_can_be_read(graph: Emulator, tmp_path: Path) -> None:
    tenants = [
        replace(configured(graph), name=name, tenant_id="11111111-2222-3333-4444-555555555555")
        for name in ("nobody", "somebody")
    ]
    for root, existing_folder in ((tmp_path / "build" / "snapshots", tmp_path), (tmp_path, tmp_path)):
        outcomes = collect_all(tenants, lambda _: PEOPLE, root=root, instant=INSTANT, environ=environment(graph))
        assert all(outcome.failure is not None for outcome in outcomes)
        assert existing_folder.is_dir(), "existing folders are kept"
        assert not list(existing_folder.iterdir())


def test_retry_budget_is_respected(graph: Emulator) -> None:
    graph.faults.add("throttled", path="/users", retry_after="30", times=None)
    snapshot = collect(graph, PEOPLE.union(Needs(sources=AGGREGATES)), retry_policy=Ticking().retry_policy(budget=20))
    assert snapshot.status(Source.USERS) == "unavailable"
    assert "tried once" in snapshot.reason(Source.USERS)
