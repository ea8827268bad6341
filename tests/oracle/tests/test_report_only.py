"""A policy that is report-only: engine and oracle agree on it, and it changes nothing about any other policy."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.app.audit.pipeline import exit_code
from auditor.domain.enums import Severity
from auditor.domain.result.model import FleetResult, Result, TenantResult
from tests.oracle.adapter import agreed, key, run
from tests.oracle.blocks.seats import TooManyError
from tests.oracle.strategies import Scenario, scenarios

TRYING = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def reporting(scenario: Scenario, number: int) -> tuple[Scenario, str]:
    """Return the scenario with one of its policies report-only, and the id of that policy."""
    documents = deepcopy(scenario.documents)
    policies = [policy for document in documents for policy in document.get("policies", ())]
    chosen = policies[number % len(policies)]
    chosen["status"] = "report-only"
    return replace(scenario, documents=documents), chosen["id"]


def results_of(result: Result) -> tuple[TenantResult | FleetResult, ...]:
    return (*result.tenants, result.fleet)


def others(verdict: TenantResult | FleetResult, left_out: str) -> dict[str, Any]:
    """Return everything about the findings, outcomes and notices of all policies but one."""
    return {
        "findings": {
            key(each): (each.fingerprint, each.status, each.waiver, each.severity, each.evidence, each.money)
            for each in verdict.findings
            if each.policy != left_out
        },
        "outcomes": [outcome for outcome in verdict.policies if outcome.id != left_out],
        "notices": verdict.notices,
        "stats": {policy: stats for policy, stats in verdict.findings.stats.policies.items() if policy != left_out},
    }


@pytest.mark.slow
@TRYING
@given(scenarios(), st.integers(0, 7))
def test_it_changes_no_other_policy_and_is_judged_as_before(scenario: Scenario, number: int) -> None:
    changed, policy = reporting(scenario, number)
    before, after = run(scenario), run(changed)
    for one, other in zip(results_of(before), results_of(after), strict=True):
        assert others(one, policy) == others(other, policy)
        assert {key(each) for each in one.findings} == {key(each) for each in other.findings}
        statuses = {
            key(each): (each.status, other_one.status)
            for each, other_one in zip(one.findings, other.findings, strict=True)
            if each.policy == policy
        }
        assert set(statuses.values()) <= {("open", "report-only"), ("waived", "waived")}


@pytest.mark.slow
@TRYING
@given(scenarios(), st.integers(0, 7))
def test_it_agrees_with_the_oracle(scenario: Scenario, number: int) -> None:
    changed, _ = reporting(scenario, number)
    try:
        agreed(changed)
    except TooManyError:
        reject()


@pytest.mark.slow
@TRYING
@given(scenarios(), st.integers(0, 7), st.sampled_from(Severity))
def test_the_exit_code_is_that_of_the_run_without_it(scenario: Scenario, number: int, fail_on: Severity) -> None:
    changed, policy = reporting(scenario, number)
    documents = [_without(document, policy) for document in changed.documents]
    if not any("policies" in document for document in documents):
        reject()
    with_it, alone = run(changed), run(replace(changed, documents=documents))
    assert with_it.complete == alone.complete
    assert with_it.summary.open == alone.summary.open
    assert exit_code(with_it, fail_on) == exit_code(alone, fail_on)


def _without(document: dict[str, Any], policy: str) -> dict[str, Any]:
    """Return a file without a policy, and without what waives it alone."""
    kept = deepcopy(document)
    kept["policies"] = [each for each in kept.get("policies", ()) if each["id"] != policy]
    for waiver in kept.get("waivers", ()):
        if waiver["policies"] != "*":
            waiver["policies"] = [each for each in waiver["policies"] if each != policy]
    kept["waivers"] = [waiver for waiver in kept.get("waivers", ()) if waiver["policies"]]
    return {name: value for name, value in kept.items() if value or name not in {"policies", "waivers"}}
