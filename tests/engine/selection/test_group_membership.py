"""Group membership: equal results for every way of storing members, and a bounded cache for many members."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.checks.registry import all_checks
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result
from auditor.engine.columns.users import UserColumns
from auditor.engine.evaluate import evaluated_batches
from auditor.engine.outcome import BatchOutcome
from auditor.engine.policy.binding import bind
from auditor.engine.selection.group_membership import Membership
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from auditor.snapshot.manifest import FileEntry
from auditor.snapshot.model import MemberParts, Snapshot, UserBatch
from auditor.snapshot.parquet.members import open_in_parts
from auditor.snapshot.parquet.row_group_access import row_group_facts_of, row_groups
from auditor.snapshot.reader import read
from auditor.snapshot.schema import ASSIGNMENTS, MEMBERS
from auditor.snapshot.writer import write
from auditor.spark.task import Task, evaluate_tasks, job_inputs, outcome_of
from tests.builders.tenant.tenants import NOW, audited, bought, guids, tenant, user
from tests.oracle.adapter import catalogue_of, files, snapshot
from tests.oracle.strategies import Scenario, scenarios

pytestmark = pytest.mark.slow
Change = Callable[[pa.Table], pa.Table]


def ordered(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in ("groupId", "transitive", "userId")])


def shuffled(table: pa.Table) -> pa.Table:
    return table.take(pa.array(Random(7).sample(range(table.num_rows), table.num_rows), pa.int64()))


def mixed_case(table: pa.Table) -> pa.Table:
    """Every other id in upper case, sorted by the resulting text."""
    ids = [user_id.upper() if index % 2 else user_id for index, user_id in enumerate(table["userId"].to_pylist())]
    return ordered(table.set_column(1, MEMBERS.field("userId"), pa.array(ids, pa.string())))


def duplicated(table: pa.Table) -> pa.Table:
    return ordered(pa.concat_tables([table, table, mixed_case(table)]))


CHANGES: tuple[Change, ...] = (ordered, shuffled, mixed_case, duplicated)


def stored_in_parts(state: Snapshot, folder: Path, change: Change, **options: Any) -> Snapshot:
    """The snapshot with its members in a Parquet file of small row groups."""
    path = folder / "members.parquet"
    table = change(state.table("members"))
    pq.write_table(table, path, **options)
    members = open_in_parts(path, FileEntry(rows=table.num_rows, size=path.stat().st_size, sha256=""))
    assert members is not None
    return replace(state, members=members, tables={n: t for n, t in state.tables.items() if n != "members"})


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    scenario=scenarios(),
    change=st.sampled_from(CHANGES),
    size=st.integers(1, 9),
    users=st.integers(1, 5),
    statistics=st.booleans(),
)
def test_findings_do_not_depend_on_how_members_are_stored(
    *, scenario: Scenario, change: Change, size: int, users: int, statistics: bool
) -> None:
    policies, catalogue = load(files(scenario.documents)).policies, catalogue_of(scenario.catalogue)

    def run(states: list[Snapshot]) -> Result:
        return audit(states, policies, catalogue, scenario.as_of)

    states = [snapshot(document, scenario, rows=users) for document in scenario.tenants]
    with TemporaryDirectory() as name:
        folders = [Path(name, state.manifest.tenant) for state in states]
        for folder in folders:
            folder.mkdir()
        parts = [
            stored_in_parts(state, folder, change, row_group_size=size, write_statistics=statistics)
            for state, folder in zip(states, folders, strict=True)
        ]
        assert run(parts) == run(states)


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{Random(number).randbytes(6).hex()}"


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("statistics", [True, False])
def test_ids_are_compared_ignoring_case_in_any_order(tmp_path: Path, change: Change, *, statistics: bool) -> None:
    # First characters for which the sort order of digits and letters depends on their case.
    ids = [f"{first:x}{guid(number)[1:]}" for first in range(16) for number in range(first, 40, 4)]
    listed = set(Random(1).sample(ids, 60))
    state = tenant(groups=[{"id": "g1", "displayName": "One", "members": sorted(listed)},
                           {"id": "g2", "displayName": "Two", "transitiveMembers": ids}])  # fmt: skip
    state = stored_in_parts(state, tmp_path, change, row_group_size=12, write_statistics=statistics)
    facts = TenantFacts(state, builtin(), PolicySet(policies=()), NOW)
    for upper_case, backwards in product((False, True), repeat=2):
        membership, ordered_ids = Membership(facts), sorted(ids, reverse=backwards)
        member_ids: list[str] = []
        for start in range(0, len(ordered_ids), 25):
            batch = ordered_ids[start : start + 25]
            people = people_of([user_id.upper() if upper_case else user_id for user_id in batch], facts)
            mask = membership.of(people, ("One",), transitive=False)
            member_ids += [user_id for user_id, member in zip(batch, mask.true, strict=True) if member]
            assert membership.of(people, ("Two",), transitive=True).true.all()
            assert not membership.of(people, ("One",), transitive=True).true.any()
        assert set(member_ids) == listed
        assert len(member_ids) == len(listed)


def people_of(ids: list[str], facts: TenantFacts) -> UserColumns:
    nothing = pa.RecordBatch.from_pylist([], ASSIGNMENTS)
    return UserColumns(UserBatch(users=pa.record_batch({"id": ids}), assignments=nothing, offset=0), facts)


class CountingParts(Struct, dict=True):
    """Wraps stored members, and counts the reads of each part and group."""

    parts: MemberParts
    reads: Counter[tuple[int, str]] = field(default_factory=Counter)

    def likely(self, group: str, *, transitive: bool) -> Mapping[int, bytes]:
        return self.parts.likely(group, transitive=transitive)

    def ids(self, part: int, group: str, *, transitive: bool) -> pa.Array:
        self.reads[part, group] += 1
        return self.parts.ids(part, group, transitive=transitive)

    def whole(self) -> pa.Table:
        raise AssertionError("evaluation does not need the whole table")


GROUPS = ("g1", "g2")
BATCH = 400


def batch_walk(
    folder: Path, change: Change, limit: int
) -> tuple[CountingParts, Callable[[range], list[int]], list[str]]:
    """Return counted members, a function that queries two of three groups batch by batch, and all user ids."""
    user_ids = sorted(guid(number << 16) for number in range(3_200))
    groups = [
        {"id": name, "displayName": name, "members": user_ids[index::2]} for index, name in enumerate(("g0", *GROUPS))
    ]
    state = stored_in_parts(tenant(groups=groups), folder, change, row_group_size=200)
    assert state.members is not None
    counting = CountingParts(state.members)
    facts = TenantFacts(replace(state, members=counting), builtin(), PolicySet(policies=()), NOW)
    membership = Membership(facts, cache_bytes=limit)

    def walk(batches: range) -> list[int]:
        """Return the number of reads for each batch."""
        reads = []
        for start in batches:
            before = counting.reads.total()
            batch = user_ids[start * BATCH : (start + 1) * BATCH]
            is_member = membership.of(people_of(batch, facts), GROUPS, transitive=False).true
            assert is_member.tolist() == [user_id in members for user_id in batch]
            reads.append(counting.reads.total() - before)
        return reads

    members = {user_id for group in groups[1:] for user_id in group["members"]}
    return counting, walk, user_ids


ALL = range(3_200 // BATCH)


def test_each_part_is_read_once_when_its_people_are_evaluated(tmp_path: Path) -> None:
    counting, walk, _ = batch_walk(tmp_path, ordered, limit=40_000)
    reads = walk(ALL)
    # Of 400 people, 200 are in each group: in one or two row groups of 200 members.
    assert max(reads) <= 2 * len(GROUPS)
    assert set(counting.reads.values()) == {1}
    assert {group for _, group in counting.reads} == set(GROUPS)
    # The first parts have left the cache, the last ones have not.
    assert walk(ALL[-1:]) == [0]
    assert 0 < walk(ALL[:1])[0] <= 2 * len(GROUPS)


def test_cache_grows_for_parts_that_are_not_sorted(tmp_path: Path) -> None:
    counting, walk, _ = batch_walk(tmp_path, shuffled, limit=0)
    walk(ALL)
    walk(ALL)
    assert walk(ALL) == [0] * len(ALL)
    assert max(counting.reads.values()) <= 3


def test_membership_is_correct_with_concurrent_batches(tmp_path: Path) -> None:
    _, walk, _ = batch_walk(tmp_path, mixed_case, limit=20_000)
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(walk, [range(row_group, row_group + 1) for row_group in (*ALL, *ALL[::-1])]))


@pytest.fixture(scope="module")
def large_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot with three row groups of users, and with enough members that they are read in parts."""
    people = [user(name, "SPE_E5") | {"id": name} for name in sorted(guid(number << 20) for number in range(300))]
    others = guids(70_000)
    groups = [
        {"id": "g1", "displayName": "Half", "members": [person["id"] for person in people[::2]]},
        {
            "id": "g2",
            "displayName": "Many",
            "transitiveMembers": sorted([*others, *(person["id"] for person in people[::3])]),
        },
    ]
    state = tenant(*people, subscribedSkus=[bought("SPE_E5")], groups=groups, rows=100)
    folder = write(tmp_path_factory.mktemp("snapshots"), state)
    assert read(folder).members is not None
    return folder


POLICIES = """policies:
- {id: half, severity: high, users: {memberOf: Half}, assignments: {allow: []}}
- {id: many, severity: low, users: {not: {memberOf: {group: Many, transitive: true}}}, assignments: {allow: []}}
"""


def test_audit_with_members_in_parts_equals_the_audit_with_members_in_memory(large_snapshot: Path) -> None:
    in_parts = read(large_snapshot)
    in_memory = replace(in_parts, members=None, tables={**in_parts.tables, "members": in_parts.table("members")})
    result = audited(POLICIES, in_parts)
    assert Counter(finding.policy for finding in result.tenants[0].findings) == {"half": 150, "many": 200}
    assert result == audited(POLICIES, in_memory)


def test_spark_worker_reads_the_members_of_its_row_groups(large_snapshot: Path) -> None:
    policies = load([("policies/p.yaml", f"version: 1\n{POLICIES}".encode())]).policies
    broadcast = job_inputs(policies, builtin(), NOW)
    member: str = read(large_snapshot).members_of("g2", transitive=True)[0].as_py()
    assert member.encode() not in broadcast, "members are not sent to the worker"
    row_group_facts, identity = row_group_facts_of(large_snapshot), read(large_snapshot).identity
    tasks = tuple(
        Task(folder=str(large_snapshot), identity=identity, group=group, row_group_facts=row_group_facts)
        for group in range(3)
    )
    assert row_groups(large_snapshot) == 3
    local_outcomes = list(
        evaluated_batches(bind(policies, TenantFacts(read(large_snapshot), builtin(), policies, NOW), all_checks()))
    )
    for row_group in (2, 0, 1):
        (answer,) = evaluate_tasks(
            broadcast, tasks, [pa.record_batch([pa.array([row_group], pa.int64())], ["id"])], owned_session=False
        )
        assert answer.column("problem").to_pylist() == [None]
        (worker_outcome,) = outcome_of(answer.column("outcome")[0].as_buffer(), answer.column("size")[0].as_py())
        assert chunk_rows(worker_outcome) == chunk_rows(local_outcomes[row_group])


def chunk_rows(outcome: BatchOutcome) -> list[tuple[int, str, list[int]]]:
    return [(chunk.policy, chunk.check, chunk.rows.tolist()) for chunk in outcome.chunks]
