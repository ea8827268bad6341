"""Who is a member is the same however the members are stored, and few of very many are at hand at a time."""

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
from auditor.checks.registry import registered
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result
from auditor.engine.columns.users import People
from auditor.engine.evaluate import evaluated_batches
from auditor.engine.outcome import BatchOutcome
from auditor.engine.policy.binding import bind
from auditor.engine.selection.group_membership import Membership
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from auditor.snapshot.manifest import FileEntry
from auditor.snapshot.model import MemberParts, Snapshot, UserBatch
from auditor.snapshot.parquet.members import open_in_parts
from auditor.snapshot.parquet.row_group_access import outline_of, row_groups
from auditor.snapshot.reader import read
from auditor.snapshot.schema import ASSIGNMENTS, MEMBERS
from auditor.snapshot.writer import SnapshotWriter
from auditor.spark.task import Task, judge, outcome_of, packed
from tests.builders.tenant.tenants import NOW, audited, bought, guids, tenant, user
from tests.oracle.adapter import catalogue_of, files, snapshot
from tests.oracle.strategies import Scenario, scenarios

Change = Callable[[pa.Table], pa.Table]


def ordered(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in ("groupId", "transitive", "userId")])


def shuffled(table: pa.Table) -> pa.Table:
    return table.take(pa.array(Random(7).sample(range(table.num_rows), table.num_rows), pa.int64()))


def capitals(table: pa.Table) -> pa.Table:
    """Every other id in capitals, and sorted as it is then written."""
    ids = [each.upper() if index % 2 else each for index, each in enumerate(table["userId"].to_pylist())]
    return ordered(table.set_column(1, MEMBERS.field("userId"), pa.array(ids, pa.string())))


def doubled(table: pa.Table) -> pa.Table:
    return ordered(pa.concat_tables([table, table, capitals(table)]))


CHANGES: tuple[Change, ...] = (ordered, shuffled, capitals, doubled)


def stored(state: Snapshot, folder: Path, change: Change, **options: Any) -> Snapshot:
    """The snapshot with its members in a file of small parts."""
    path = folder / "members.parquet"
    table = change(state.table("members"))
    pq.write_table(table, path, **options)
    members = open_in_parts(path, FileEntry(rows=table.num_rows, size=path.stat().st_size, sha256=""))
    assert members is not None
    return replace(state, members=members, tables={n: t for n, t in state.tables.items() if n != "members"})


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    scenario=scenarios(),
    change=st.sampled_from(CHANGES),
    size=st.integers(1, 9),
    users=st.integers(1, 5),
    statistics=st.booleans(),
)
def test_findings_are_the_same_however_members_are_stored(
    *, scenario: Scenario, change: Change, size: int, users: int, statistics: bool
) -> None:
    policies, catalogue = load(files(scenario.documents)).policies, catalogue_of(scenario.catalogue)

    def run(states: list[Snapshot]) -> Result:
        return audit(states, policies, catalogue, scenario.as_of)

    states = [snapshot(each, scenario, rows=users) for each in scenario.tenants]
    with TemporaryDirectory() as name:
        folders = [Path(name, each.manifest.tenant) for each in states]
        for folder in folders:
            folder.mkdir()
        parts = [
            stored(state, folder, change, row_group_size=size, write_statistics=statistics)
            for state, folder in zip(states, folders, strict=True)
        ]
        assert run(parts) == run(states)


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{Random(number).randbytes(6).hex()}"


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("statistics", [True, False])
def test_ids_are_compared_without_their_case_whatever_their_order(
    tmp_path: Path, change: Change, *, statistics: bool
) -> None:
    # First letters around those where capitals and small letters swap places with digits.
    ids = [f"{first:x}{guid(number)[1:]}" for first in range(16) for number in range(first, 40, 4)]
    listed = set(Random(1).sample(ids, 60))
    state = tenant(groups=[{"id": "g1", "displayName": "One", "members": sorted(listed)},
                           {"id": "g2", "displayName": "Two", "transitiveMembers": ids}])  # fmt: skip
    state = stored(state, tmp_path, change, row_group_size=12, write_statistics=statistics)
    facts = TenantFacts(state, builtin(), PolicySet(policies=()), NOW)
    for capital, backwards in product((False, True), repeat=2):
        membership, everybody = Membership(facts), sorted(ids, reverse=backwards)
        found: list[str] = []
        for start in range(0, len(everybody), 25):
            batch = everybody[start : start + 25]
            people = people_of([each.upper() if capital else each for each in batch], facts)
            mask = membership.of(people, ("One",), transitive=False)
            found += [each for each, member in zip(batch, mask.true, strict=True) if member]
            assert membership.of(people, ("Two",), transitive=True).true.all()
            assert not membership.of(people, ("One",), transitive=True).true.any()
        assert set(found) == listed
        assert len(found) == len(listed)


def people_of(ids: list[str], facts: TenantFacts) -> People:
    nothing = pa.RecordBatch.from_pylist([], ASSIGNMENTS)
    return People(UserBatch(users=pa.record_batch({"id": ids}), assignments=nothing, offset=0), facts)


class Counting(Struct, dict=True):
    """Passes on what is asked of members in parts, and counts it."""

    parts: MemberParts
    reads: Counter[tuple[int, str]] = field(default_factory=Counter)

    def likely(self, group: str, *, transitive: bool) -> Mapping[int, bytes]:
        return self.parts.likely(group, transitive=transitive)

    def ids(self, part: int, group: str, *, transitive: bool) -> pa.Array:
        self.reads[part, group] += 1
        return self.parts.ids(part, group, transitive=transitive)

    def whole(self) -> pa.Table:
        raise AssertionError("judging does not need the whole table")


GROUPS = ("g1", "g2")
BATCH = 400


def walked(folder: Path, change: Change, limit: int) -> tuple[Counting, Callable[[range], list[int]], list[str]]:
    """A walk over batches of people, asking for the members of two groups of three, and what it reads."""
    everybody = sorted(guid(number << 16) for number in range(3_200))
    groups = [
        {"id": name, "displayName": name, "members": everybody[index::2]} for index, name in enumerate(("g0", *GROUPS))
    ]
    state = stored(tenant(groups=groups), folder, change, row_group_size=200)
    assert state.members is not None
    counting = Counting(state.members)
    facts = TenantFacts(replace(state, members=counting), builtin(), PolicySet(policies=()), NOW)
    membership = Membership(facts, cache_bytes=limit)

    def walk(batches: range) -> list[int]:
        """How many parts were read, batch by batch."""
        reads = []
        for start in batches:
            before = counting.reads.total()
            batch = everybody[start * BATCH : (start + 1) * BATCH]
            found = membership.of(people_of(batch, facts), GROUPS, transitive=False).true
            assert found.tolist() == [each in members for each in batch]
            reads.append(counting.reads.total() - before)
        return reads

    members = {each for group in groups[1:] for each in group["members"]}
    return counting, walk, everybody


ALL = range(3_200 // BATCH)


def test_a_part_is_read_when_its_people_are_judged_and_only_then(tmp_path: Path) -> None:
    counting, walk, _ = walked(tmp_path, ordered, limit=40_000)
    reads = walk(ALL)
    # 400 people, of whom 200 are in each group, are in one part of 200 or in two.
    assert max(reads) <= 2 * len(GROUPS)
    assert set(counting.reads.values()) == {1}
    assert {group for _, group in counting.reads} == set(GROUPS)
    # The first ones are no longer at hand, the last ones are.
    assert walk(ALL[-1:]) == [0]
    assert 0 < walk(ALL[:1])[0] <= 2 * len(GROUPS)


@pytest.mark.slow
def test_parts_out_of_order_find_room_in_the_end(tmp_path: Path) -> None:
    counting, walk, _ = walked(tmp_path, shuffled, limit=0)
    walk(ALL)
    walk(ALL)
    assert walk(ALL) == [0] * len(ALL)
    assert max(counting.reads.values()) <= 3


def test_batches_of_two_threads_find_the_same(tmp_path: Path) -> None:
    _, walk, _ = walked(tmp_path, capitals, limit=20_000)
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(walk, [range(row_group, row_group + 1) for row_group in (*ALL, *ALL[::-1])]))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of three row groups of users, and of so many members that they are read in parts."""
    people = [user(name, "SPE_E5") | {"id": name} for name in sorted(guid(number << 20) for number in range(300))]
    others = guids(70_000)
    groups = [
        {"id": "g1", "displayName": "Half", "members": [one["id"] for one in people[::2]]},
        {
            "id": "g2",
            "displayName": "Many",
            "transitiveMembers": sorted([*others, *(one["id"] for one in people[::3])]),
        },
    ]
    state = tenant(*people, subscribedSkus=[bought("SPE_E5")], groups=groups, rows=100)
    with SnapshotWriter(tmp_path_factory.mktemp("snapshots"), "contoso", "2026-11-20T021700Z") as writer:
        for batch in state.batches():
            writer.write_users(batch.users, batch.assignments)
        for name, table in state.tables.items():
            writer.write_table(name, table)
        folder = writer.commit(state.manifest)
    assert read(folder).members is not None
    return folder


POLICIES = """policies:
- {id: half, severity: high, users: {memberOf: Half}, assignments: {allow: []}}
- {id: many, severity: low, users: {not: {memberOf: {group: Many, transitive: true}}}, assignments: {allow: []}}
"""


@pytest.mark.slow
def test_a_snapshot_of_many_members_is_audited_as_one_at_hand(large: Path) -> None:
    parted = read(large)
    whole = replace(parted, members=None, tables={**parted.tables, "members": parted.table("members")})
    result = audited(POLICIES, parted)
    assert Counter(finding.policy for finding in result.tenants[0].findings) == {"half": 150, "many": 200}
    assert result == audited(POLICIES, whole)


@pytest.mark.slow
def test_a_worker_reads_the_members_of_its_own_row_groups(large: Path) -> None:
    policies = load([("policies/p.yaml", f"version: 1\n{POLICIES}".encode())]).policies
    errand = packed(policies, builtin(), NOW)
    member: str = read(large).members_of("g2", transitive=True)[0].as_py()
    assert member.encode() not in errand, "no members travel"
    seen, identity = outline_of(large), read(large).identity
    tasks = tuple(Task(folder=str(large), identity=identity, group=group, outline=seen) for group in range(3))
    assert row_groups(large) == 3
    here = list(evaluated_batches(bind(policies, TenantFacts(read(large), builtin(), policies, NOW), registered())))
    for row_group in (2, 0, 1):
        (answer,) = judge(errand, tasks, [pa.record_batch([pa.array([row_group], pa.int64())], ["id"])], alone=False)
        assert answer.column("problem").to_pylist() == [None]
        (there,) = outcome_of(answer.column("outcome")[0].as_buffer(), answer.column("size")[0].as_py())
        assert told_of(there) == told_of(here[row_group])


def told_of(outcome: BatchOutcome) -> list[tuple[int, str, list[int]]]:
    return [(chunk.policy, chunk.check, chunk.rows.tolist()) for chunk in outcome.chunks]
