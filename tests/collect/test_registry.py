"""Tests a custom source of collection, written as described in CONTRIBUTING.md and added to the registry."""

import asyncio
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from auditor.collect.collector import collect_tenant
from auditor.collect.context import CollectionContext
from auditor.collect.permissions import Permission
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.registry import SOURCES, sources_for
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.row_groups import UserRows, one_array
from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.graph import requests
from tests.builders.tenant.collection import INSTANT, Collected, Ticking, collected, configured, environment
from tests.emulator.server import Emulator

COLUMNS = pa.schema([("id", pa.string()), ("mailboxType", pa.string())])
NEEDS = Needs(sources=frozenset({Source.USERS, Source.MAILBOXES}), user_properties=("userPrincipalName",))


async def read(context: CollectionContext) -> SourceResult:
    """Read one list of Graph and set a column of each user from it."""
    users = await context.users
    rows, faults = await context.all_rows(
        Source.MAILBOXES,
        requests.groups(context.graph, ("id", "displayName"), filter_="hasMembersWithLicenseErrors eq true"),
    )
    spool = Spool(context.folder, "template", COLUMNS)
    for table in () if faults else users.tables(columns=["id"]):
        kinds = pa.array([f"groups with errors: {len(rows)}"] * table.num_rows, pa.string())
        spool.add(pa.record_batch([one_array(table["id"]), kinds], schema=COLUMNS))
    count = 0 if faults else spool.distinct()
    coverage = context.make_coverage(Source.MAILBOXES, count, faults, asked=("userPurpose",))
    return SourceResult(coverage=(coverage,), users=spool)


def join(users: UserRows, rows: pa.Table) -> None:
    users.mark_not_collected("mailboxType", pc.is_null(one_array(rows["id"])))
    users.set_column("mailboxType", one_array(rows["mailboxType"]))


USERS = next(source for source in SOURCES if Source.USERS in source.fills)
TEMPLATE = CollectionSource(
    fills=(Source.MAILBOXES,),
    permissions=(Permission(name="GroupMember.Read.All", role_id="98830695-27a2-44f7-8c18-0c3ebc9698f6"),),
    read=read,
    requires=(USERS,),
    join=join,
)
REGISTRY = (*(source for source in SOURCES if Source.MAILBOXES not in source.fills), TEMPLATE)


def collect_with_template(graph: Emulator, root: Path) -> Collected:
    time = Ticking()
    folder = asyncio.run(
        collect_tenant(
            configured(graph),
            NEEDS,
            root=root,
            instant=INSTANT,
            environ=environment(graph),
            retry_policy=time.retry_policy(),
            sources=REGISTRY,
        )
    )
    return collected(folder, time)


@pytest.mark.slow
def test_registered_source_fills_its_column(graph: Emulator, tmp_path: Path) -> None:
    assert sources_for(NEEDS, REGISTRY) == (USERS, TEMPLATE)
    snapshot = collect_with_template(graph, tmp_path)
    assert snapshot.status(Source.MAILBOXES) == "complete"
    (kind,) = set(snapshot.tables["users"]["mailboxType"].to_pylist())
    assert kind.startswith("groups with errors: ")


def test_denied_source_is_reported_in_coverage(graph: Emulator, tmp_path: Path) -> None:
    graph.faults.add("denied", path="/groups", times=None)
    snapshot = collect_with_template(graph, tmp_path)
    assert snapshot.status(Source.MAILBOXES) == "denied"
    assert snapshot.status(Source.USERS) == "complete"
    assert all(user["mailboxType"] is None for user in snapshot.users().values())
    assert all(user["notCollected"] == ["mailboxType"] for user in snapshot.users().values())
