"""Findings that went through a scratch file are those of the audit: the same rows in the same order, and fingerprints."""

import io
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.app.audit.pipeline import audit
from auditor.catalogue import Catalogue, builtin
from auditor.checks.registry import registered
from auditor.demo import policies as demo_policies
from auditor.demo import snapshots
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy import PolicySet
from auditor.domain.result import TenantResult
from auditor.engine.binding import BoundPolicies, bind
from auditor.engine.evaluate import evaluate, judged_batches
from auditor.engine.spilling import Ids, Scratch, Spill
from auditor.engine.streaming import findings_batches, spilled
from auditor.engine.table import findings_table
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from auditor.snapshot.model import Snapshot
from tests.builders.tenants import NOW, path, tenant, user
from tests.engine.test_table import EVERYTHING, mixed, rows_of
from tests.oracle.adapter import catalogue_of, files, snapshot
from tests.oracle.strategies import Scenario, scenarios


def planned(policies: PolicySet, state: Snapshot, catalogue: Catalogue, as_of: Any = NOW) -> BoundPolicies:
    return bind(policies, TenantFacts(state, catalogue, policies, as_of), registered())


def streamed(plan: BoundPolicies, *, bound: int, rows: int) -> list[pa.RecordBatch]:
    scratch = Scratch(io.BytesIO())
    found = spilled(plan, judged_batches(plan), Spill(scratch, bound=bound))
    batches = list(findings_batches(plan, found, scratch, bound=bound, rows=rows))
    assert sum(batch.num_rows for batch in batches) == found.count
    here = evaluate(plan)
    assert found.evaluation.outcomes == here.outcomes
    assert found.evaluation.used_waivers == here.used_waivers
    assert found.evaluation.unknown_waivers == here.unknown_waivers
    return batches


def check(plan: BoundPolicies, result: TenantResult, *, bound: int = 0, rows: int = 1) -> None:
    batches = streamed(plan, bound=bound, rows=rows)
    told = [row for batch in batches for row in batch.to_pylist()]
    marks = [finding.fingerprint for finding in result.findings]
    assert told == [row | {"fingerprint": mark} for row, mark in zip(rows_of(result), marks, strict=True)]
    whole = findings_table(plan, evaluate(plan))
    assert [{**row, "fingerprint": mark} for row, mark in zip(whole.to_pylist(), marks, strict=True)] == told
    for batch in batches:
        assert batch.schema.remove(batch.num_columns - 1) == whole.schema
        for column in batch.columns[:-1]:
            texts = column.dictionary.to_pylist()
            assert len(set(texts)) == len(texts)


def loaded(text: str) -> PolicySet:
    return load([("policies/p.yaml", f"version: 1\n{text}".encode())]).policies


@pytest.mark.parametrize("bound", [0, 40, 1 << 20])
@pytest.mark.parametrize("rows", [1, 3, 1 << 20])
def test_every_kind_of_finding_comes_back_from_the_scratch_file(bound: int, rows: int) -> None:
    policies = loaded(EVERYTHING)
    for users in (1, 2, 100):
        state = mixed(users)
        (result,) = audit([state], policies, builtin(), NOW).tenants
        check(planned(policies, state, builtin()), result, bound=bound, rows=rows)


def test_the_demo_tenants() -> None:
    policies = load(demo_policies(NOW)).policies
    states = snapshots(NOW)
    results = {tenant.name: tenant for tenant in audit(states, policies, builtin(), NOW).tenants}
    for state in states:
        check(planned(policies, state, builtin()), results[state.manifest.tenant], rows=50)


def test_ids_are_told_as_they_are() -> None:
    names = ["A1B2", "a1b2", "é\u202e\n", "x" * 300, "", "=1+1", "\U0001f600", "00000000-0000-0000-0000-000000000001"]
    people = [user(f"n{place}", "SPE_E3") | {"id": name} for place, name in enumerate(names)]
    policies = loaded("policies: [{id: p, severity: low, assignments: {allow: []}}]\n")
    state = tenant(*people, rows=3)
    (result,) = audit([state], policies, builtin(), NOW).tenants
    assert sorted(finding.subject.id for finding in result.findings) == sorted(names)
    check(planned(policies, state, builtin()), result)


def test_a_tenant_without_users_and_one_whose_users_were_refused_have_no_batches() -> None:
    policies = loaded("policies: [{id: p, severity: low, assignments: {allow: []}}]\n")
    for state in (tenant(), tenant(user("ann", "SPE_E3"), unread={Source.USERS: SourceStatus.DENIED})):
        assert streamed(planned(policies, state, builtin()), bound=0, rows=1) == []


def test_many_details_and_products_keep_their_order_over_batches() -> None:
    people = [
        user(f"{number:03}", paths=[path(f"S{number % 40}-{turn}", error=f"Error{number}{turn}") for turn in (2, 1)])
        for number in range(130)
    ]
    policies = loaded("policies: [{id: p, severity: low, health: {errors: deny}}]\n")
    state = tenant(*people, rows=50)
    (result,) = audit([state], policies, builtin(), NOW).tenants
    check(planned(policies, state, builtin()), result, rows=70)


def test_people_whom_several_parts_of_a_check_name_stay_together() -> None:
    """A property names the first user, another one the second, and a third the first again."""
    allow = "{userType: [Member], department: [NL], usageLocation: [NL]}"
    policies = loaded(f"policies: [{{id: p, severity: low, attributes: {{allow: {allow}}}}}]\n")
    right: dict[str, Any] = {"userType": "Member", "department": "NL", "usageLocation": "NL"}
    wrong: list[dict[str, Any]] = [
        {},
        {"userType": "Guest"},
        {"department": "DE"},
        {"usageLocation": "DE"},
        {"userType": "Guest", "usageLocation": "DE"},
    ]
    for one in wrong:
        for other in wrong:
            people = [user(f"n{place}", "SPE_E3", **{**right, **bad}) for place, bad in enumerate([one, other])]
            for rows in (1, 9):
                state = tenant(*people, rows=rows)
                (result,) = audit([state], policies, builtin(), NOW).tenants
                check(planned(policies, state, builtin()), result)


def test_memory_holds_no_more_than_its_bound() -> None:
    file = io.BytesIO()
    policies = loaded("policies: [{id: p, severity: low, assignments: {allow: []}}]\n")
    state = tenant(*(user(f"{number:03}", "SPE_E3") for number in range(100)), rows=10)
    plan = planned(policies, state, builtin())
    spill = Spill(Scratch(file), bound=16 * 35)
    spilled(plan, judged_batches(plan), spill)
    assert len(file.getvalue()) == 16 * 80, "ten findings a batch: every fourth batch goes beyond 35"


def test_a_scratch_file_that_lost_its_end_is_no_shorter_table() -> None:
    file = io.BytesIO()
    scratch = Scratch(file)
    ids = Ids(scratch, bound=0)
    ids.take([(0, pa.array(["a", "b"]))])
    file.truncate(len(file.getvalue()) - 1)
    with pytest.raises(OSError, match="lost its end"):
        ids.of_rows(pa.array([0], pa.int32()).to_numpy())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), st.integers(1, 5), st.sampled_from([0, 64]), st.sampled_from([1, 7, 1 << 20]))
def test_whatever_the_tenants_and_policies(scenario: Scenario, users: int, bound: int, rows: int) -> None:
    policies = load(files(scenario.documents)).policies
    catalogue = catalogue_of(scenario.catalogue)
    states = [snapshot(each, scenario, rows=users) for each in scenario.tenants]
    results = {each.name: each for each in audit(states, policies, catalogue, scenario.as_of).tenants}
    for state in states:
        plan = planned(policies, state, catalogue, scenario.as_of)
        check(plan, results[state.manifest.tenant], bound=bound, rows=rows)
