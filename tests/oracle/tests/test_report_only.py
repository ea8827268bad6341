"""Report-only policies: engine and oracle agree on them, and they do not change the result of any other policy."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.app.audit.pipeline import exit_code
from auditor.domain.enums import Severity
from auditor.domain.result.model import FleetResult, Result, TenantResult
from tests.oracle.adapter import agreed_verdict, key, run
from tests.oracle.blocks.seats import TooManyChoicesError
from tests.oracle.strategies import Scenario, scenarios

pytestmark = pytest.mark.slow
FEW_EXAMPLES = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def with_report_only(scenario: Scenario, number: int) -> tuple[Scenario, str]:
    """Return the scenario with one of its policies report-only, and the id of that policy."""
    documents = deepcopy(scenario.documents)
    policies = [policy for document in documents for policy in document.get("policies", ())]
    chosen = policies[number % len(policies)]
    chosen["status"] = "report-only"
    return replace(scenario, documents=documents), chosen["id"]


def results_of(result: Result) -> tuple[TenantResult | FleetResult, ...]:
    return (*result.tenants, result.fleet)


def others(verdict: TenantResult | FleetResult, left_out: str) -> dict[str, Any]:
    """Return the findings, outcomes, notices and counts of all policies but one."""
    return {
        "findings": {
            key(finding): (
                finding.fingerprint,
                finding.status,
                finding.waiver,
                finding.severity,
                finding.evidence,
                finding.money,
            )
            for finding in verdict.findings
            if finding.policy != left_out
        },
        "outcomes": [outcome for outcome in verdict.policies if outcome.id != left_out],
        "notices": verdict.notices,
        "stats": {policy: stats for policy, stats in verdict.findings.stats.policies.items() if policy != left_out},
    }


@FEW_EXAMPLES
@given(scenarios(), st.integers(0, 7))
def test_report_only_keeps_its_findings_and_the_results_of_other_policies(scenario: Scenario, number: int) -> None:
    changed, policy = with_report_only(scenario, number)
    before, after = run(scenario), run(changed)
    for first, second in zip(results_of(before), results_of(after), strict=True):
        assert others(first, policy) == others(second, policy)
        assert {key(finding) for finding in first.findings} == {key(finding) for finding in second.findings}
        statuses = {
            key(finding): (finding.status, second_finding.status)
            for finding, second_finding in zip(first.findings, second.findings, strict=True)
            if finding.policy == policy
        }
        assert set(statuses.values()) <= {("open", "report-only"), ("waived", "waived")}


@FEW_EXAMPLES
@given(scenarios(), st.integers(0, 7))
def test_report_only_policies_agree_with_the_oracle(scenario: Scenario, number: int) -> None:
    changed, _ = with_report_only(scenario, number)
    try:
        agreed_verdict(changed)
    except TooManyChoicesError:
        reject()


@FEW_EXAMPLES
@given(scenarios(), st.integers(0, 7), st.sampled_from(Severity))
def test_exit_code_is_that_of_the_run_without_the_report_only_policy(
    scenario: Scenario, number: int, fail_on: Severity
) -> None:
    changed, policy = with_report_only(scenario, number)
    documents = [_without(document, policy) for document in changed.documents]
    if not any("policies" in document for document in documents):
        reject()
    with_it, alone = run(changed), run(replace(changed, documents=documents))
    assert with_it.complete == alone.complete
    assert with_it.summary.open == alone.summary.open
    assert exit_code(with_it, fail_on) == exit_code(alone, fail_on)


def _without(document: dict[str, Any], policy: str) -> dict[str, Any]:
    """Return a file without a policy, and without the waivers of only that policy."""
    kept = deepcopy(document)
    kept["policies"] = [policy_id for policy_id in kept.get("policies", ()) if policy_id["id"] != policy]
    for waiver in kept.get("waivers", ()):
        if waiver["policies"] != "*":
            waiver["policies"] = [policy_id for policy_id in waiver["policies"] if policy_id != policy]
    kept["waivers"] = [waiver for waiver in kept.get("waivers", ()) if waiver["policies"]]
    return {name: value for name, value in kept.items() if value or name not in {"policies", "waivers"}}
