"""Findings that are described from a scratch file: each equal to that of the audit that holds them, in the same order."""

import io
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import remedied
from auditor.app.flowing import flow
from auditor.app.streaming import Aside
from auditor.catalogue import Catalogue, builtin
from auditor.checks.registry import registered
from auditor.demo import policies as demo_policies
from auditor.demo import snapshots
from auditor.domain.errors import DeliveryError, SnapshotError
from auditor.domain.policy import PolicySet
from auditor.domain.result import Result
from auditor.engine.binding import bind
from auditor.engine.evaluate import judged_batches
from auditor.engine.recalling import Recall
from auditor.engine.spilling import Scratch, Spill
from auditor.engine.streaming import spilled
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from auditor.render import render
from auditor.snapshot.model import Snapshot, UserBatch
from tests.builders.tenants import NOW, path, tenant, user
from tests.engine.test_streaming import loaded
from tests.engine.test_table import EVERYTHING, mixed
from tests.oracle.adapter import catalogue_of, files, snapshot
from tests.oracle.strategies import Scenario, scenarios

MOVED = """
policies:
- id: p
  severity: low
  assignments: {allow: [SPE_F1, free], require: [SPE_F1], exclusive: [[SPE_E3, SPE_E5]], redundant: deny}
waivers:
- {id: W, policies: [p], users: {userPrincipalName: {matches: 'w*'}}, products: [SPE_F1], reason: r, owner: o, expires: 2027-01-01}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.70}}
"""
"""Whether somebody is moved or merely loses a licence depends on what else is open about them."""
HOLD = "policies: [{id: p, severity: low, assignments: {allow: []}}]\n"


def both(
    states: list[Snapshot], policies: PolicySet, catalogue: Catalogue, *, bound: int, as_of: Any = NOW
) -> tuple[Result, Result]:
    """Audit twice, with findings held and with findings described when they are walked."""
    whole = remedied(audit(states, policies, catalogue, as_of), policies)
    aside = Aside(file=io.BytesIO(), bound=bound)
    return whole, flow(states, policies, catalogue, as_of, judge=judged_batches, aside=aside)


def check(states: list[Snapshot], policies: PolicySet, catalogue: Catalogue, *, bound: int, as_of: Any = NOW) -> None:
    whole, flowing = both(states, policies, catalogue, bound=bound, as_of=as_of)
    assert (flowing.run, flowing.summary, flowing.complete) == (whole.run, whole.summary, whole.complete)
    assert flowing.fleet == replace(whole.fleet, actions=())
    for held, told in zip(whole.tenants, flowing.tenants, strict=True):
        assert list(told.findings) == list(held.findings)
        assert len(told.findings) == len(held.findings)
        assert [list(each.evidence) for each in told.findings] == [list(each.evidence) for each in held.findings]
        assert replace(told, findings=()) == replace(held, findings=(), actions=())


@pytest.mark.parametrize("bound", [0, 3000, 1 << 25])
def test_every_kind_of_finding(bound: int) -> None:
    policies = loaded(EVERYTHING)
    for users in (1, 2, 100):
        check([mixed(users)], policies, builtin(), bound=bound)


@pytest.mark.parametrize("bound", [0, 1 << 25])
def test_the_demo_tenants_in_every_format(bound: int) -> None:
    states = list(snapshots(NOW))
    policies = load(demo_policies(NOW)).policies
    check(states, policies, builtin(), bound=bound)
    whole, flowing = both(states, policies, builtin(), bound=bound)
    for name in ("csv", "ndjson", "parquet"):
        one, other = (b"".join(render(result, name, locale="en").chunks()) for result in (whole, flowing))
        assert one == other


@pytest.mark.parametrize("bound", [0, 1 << 25])
def test_what_mends_a_finding_depends_on_others_about_the_same_person(bound: int) -> None:
    held = (("SPE_E3",), ("SPE_E3", "SPE_F1"), ("SPE_E3", "SPE_E5"), ("SPE_F1",), ())
    people = [user(f"{'wn'[number % 2]}{number:03}", *held[number % 5]) for number in range(40)]
    state = tenant(*people, rows=7)
    check([state], loaded(MOVED), builtin(), bound=bound)
    _, flowing = both([state], loaded(MOVED), builtin(), bound=bound)
    ways = {(finding.check, finding.subject.id[3], finding.guidance) for finding in flowing.tenants[0].findings}
    assert {way for check, name, way in ways if (check, name) == ("assignment.not-allowed", "n")} >= {
        "move-users",
        "unassign-licenses",
    }
    assert ("assignment.not-allowed", "w", "move-users") not in ways, "what is waived asks for nothing"


@pytest.mark.parametrize("bound", [0, 1 << 25])
def test_hostile_people(bound: int) -> None:
    names = ["A1B2", "a1b2", "é\u202e\n", "x" * 300, "", "=1+1", "\U0001f600", 'a,"b"\r\n', "'; drop"]
    people = [
        user(f"n{place}", "SPE_E3", displayName=name or None, department=name, userPrincipalName=name or None)
        | {"id": name}
        for place, name in enumerate(names)
    ]
    check([tenant(*people, rows=2)], loaded(HOLD), builtin(), bound=bound)


def test_stretches_of_a_check_are_cut_between_people() -> None:
    errors = [[path(f"S{turn}", error=f"E{number}{turn}") for turn in range(5)] for number in range(2000)]
    people = [user(f"{number:04}", paths=paths) for number, paths in enumerate(errors)]
    policies = loaded("policies: [{id: p, severity: low, health: {errors: deny}}]\n")
    check([tenant(*people, rows=1200)], policies, builtin(), bound=0)


def strange(state: Snapshot, rows: int) -> Snapshot:
    """The same people as another writer of Parquet may put them: their row groups in another order."""

    def read(users: tuple[str, ...] | None, links: tuple[str, ...] | None) -> Iterator[UserBatch]:
        offset = 0
        for batch in reversed(list(state.batches(users, links))):
            places = state.user_count - offset - batch.users.num_rows
            moved = batch.assignments
            if "user" in moved.schema.names:
                owners = pa.array(moved.column("user").to_numpy() - places + offset)
                moved = moved.set_column(moved.schema.get_field_index("user"), "user", owners)
            yield UserBatch(users=batch.users, assignments=moved, offset=offset)
            offset += batch.users.num_rows

    assert state.user_count > rows
    return replace(state, read_users=read)


@pytest.mark.parametrize("bound", [0, 1 << 25])
def test_people_in_another_order_are_told_in_the_order_of_reports(bound: int) -> None:
    state = strange(tenant(*(user(f"{number:02}", "SPE_E3", "SPE_E5") for number in range(20)), rows=6), 6)
    check([state], loaded(MOVED), builtin(), bound=bound)
    _, flowing = both([state], loaded(HOLD), builtin(), bound=bound)
    ids = [finding.subject.id for finding in flowing.tenants[0].findings]
    assert ids == sorted(ids)
    assert len(set(ids)) == 20


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), st.integers(1, 5), st.sampled_from([0, 64, 1 << 20]))
def test_whatever_the_tenants_and_policies(scenario: Scenario, users: int, bound: int) -> None:
    policies = load(files(scenario.documents)).policies
    states = [snapshot(each, scenario, rows=users) for each in scenario.tenants]
    check(states, policies, catalogue_of(scenario.catalogue), bound=bound, as_of=scenario.as_of)


def test_findings_are_walked_again_and_again() -> None:
    _, flowing = both([mixed(9)], loaded(EVERYTHING), builtin(), bound=0)
    findings = flowing.tenants[0].findings
    known = list(findings)
    assert list(findings) == known
    assert (findings[0], list(findings[1:3]), known[1] in findings) == (known[0], known[1:3], True)


def test_memory_holds_no_more_than_its_bound_over_all_tenants() -> None:
    file = io.BytesIO()
    policies = loaded(HOLD)
    room = 10 * 16
    states = [
        tenant(*(user(f"{number}", "SPE_E3") for number in range(8)), name=f"t{place}", tenant_id=f"t{place}")
        for place in range(3)
    ]
    flow(states, policies, builtin(), NOW, judge=judged_batches, aside=Aside(file=file, bound=room))
    people = _bytes_of_people(states[0], policies)
    assert len(file.getvalue()) == 2 * 8 * 16 + 3 * people, "the findings of the first tenant fit, and nobody's people"


def _bytes_of_people(state: Snapshot, policies: PolicySet) -> int:
    file = io.BytesIO()
    plan = bind(policies, TenantFacts(state, builtin(), policies, NOW), registered())
    spill = Spill(Scratch(io.BytesIO()))
    spilled(plan, judged_batches(plan), spill)
    recall = Recall(plan, Scratch(file), bound=0)
    recall.take(spill)
    assert recall.held == 0
    return len(file.getvalue())


class FullDisk(io.BytesIO):
    """A scratch file on a disk without room."""

    def write(self, data: Any) -> int:
        del data
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_said() -> None:
    states = [tenant(user("ann", "SPE_E3"))]
    small = flow(states, loaded(HOLD), builtin(), NOW, judge=judged_batches, aside=Aside(file=FullDisk()))
    assert len(list(small.tenants[0].findings)) == 1, "so few need no room"
    # The findings still fit, and the people do not.
    for bound in (0, 20):
        aside = Aside(file=FullDisk(), bound=bound)
        with pytest.raises(DeliveryError, match="No space left"):
            flow(states, loaded(HOLD), builtin(), NOW, judge=judged_batches, aside=aside)


def test_what_waits_on_the_disk_is_gone_afterwards(tmp_path: Path) -> None:
    states = [tenant(*(user(f"{number}", "SPE_E3") for number in range(9)), rows=2)]
    with tempfile.SpooledTemporaryFile(max_size=1, dir=str(tmp_path)) as file:
        aside = Aside(file=cast("BinaryIO", file), bound=0)
        result = flow(states, loaded(HOLD), builtin(), NOW, judge=judged_batches, aside=aside)
        assert len({finding.fingerprint for finding in result.tenants[0].findings}) == 9
    assert list(tmp_path.iterdir()) == []
    with tempfile.SpooledTemporaryFile(max_size=1, dir=str(tmp_path / "nowhere")) as file:
        aside = Aside(file=cast("BinaryIO", file), bound=0)
        with pytest.raises(DeliveryError, match="No such file"):
            flow(states, loaded(HOLD), builtin(), NOW, judge=judged_batches, aside=aside)


def test_a_scratch_file_that_lost_its_end_is_no_shorter_report() -> None:
    file = io.BytesIO()
    states = [tenant(*(user(f"{number}", "SPE_E3") for number in range(9)), rows=2)]
    result = flow(states, loaded(HOLD), builtin(), NOW, judge=judged_batches, aside=Aside(file=file, bound=0))
    file.truncate(len(file.getvalue()) - 1)
    with pytest.raises(DeliveryError, match="lost its end"):
        list(result.tenants[0].findings)


@pytest.mark.parametrize("left", [0, 1, 4])
def test_a_snapshot_that_changes_meanwhile_is_refused(left: int) -> None:
    """The people of the findings are read in a walk of their own; other tenants are audited all the same."""
    state = tenant(*(user(f"{number}", "SPE_E3") for number in range(8)), rows=3)
    walks: list[int] = []

    def read(users: tuple[str, ...] | None, links: tuple[str, ...] | None) -> Iterator[UserBatch]:
        walks.append(left)
        for batch in state.batches(users, links):
            if len(walks) == 1:
                yield batch
            elif batch.offset < left:
                cut = min(batch.users.num_rows, left - batch.offset)
                yield UserBatch(users=batch.users.slice(0, cut), assignments=batch.assignments, offset=batch.offset)

    changing = replace(state, read_users=read)
    with pytest.raises(SnapshotError, match="changed while it was audited"):
        flow([changing], loaded(HOLD), builtin(), NOW, judge=judged_batches, aside=Aside(file=io.BytesIO(), alone=True))
    assert len(walks) == 2
    walks.clear()
    other = tenant(user("ann", "SPE_E3"), name="other", tenant_id="other")
    aside = Aside(file=io.BytesIO())
    result = flow([changing, other], loaded(HOLD), builtin(), NOW, judge=judged_batches, aside=aside)
    told = {each.name: each for each in result.tenants}
    assert "changed while it was audited" in (told[state.manifest.tenant].failure or "")
    assert not told[state.manifest.tenant].complete
    assert list(told[state.manifest.tenant].findings) == []
    assert (told["other"].failure, len(told["other"].findings)) == (None, 1)
