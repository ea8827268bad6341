"""The engine against the oracle: equal findings, statuses, outcomes, notices and adjustments, unknown facts included."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from auditor.app.audit.pipeline import audit
from auditor.domain.result import FleetResult, Result, TenantResult
from auditor.policy.loader import load
from tests import oracle
from tests.oracle.adapter import catalogue_of, files, key, snapshot
from tests.oracle.seats import TooManyError
from tests.oracle.strategies import Scenario, alphabet, scenarios

OURS = {"policy.unknown-service"}
"""Notices that the language document leaves to the program."""


def run(scenario: Scenario, *, rows: int = 1 << 30) -> Result:
    policies = load(files(scenario.documents)).policies
    states = [snapshot(tenant, scenario, rows=rows) for tenant in scenario.tenants]
    return audit(states, policies, catalogue_of(scenario.catalogue), scenario.as_of)


def judged(place: TenantResult | FleetResult) -> dict[str, Any]:
    return {
        "findings": {key(finding): (finding.status.value, finding.waiver) for finding in place.findings},
        "outcomes": {outcome.id: outcome.status.value for outcome in place.policies},
        "judged": {outcome.id: outcome.judged for outcome in place.policies},
        "notices": {(notice.code, notice.subject) for notice in place.notices if notice.code not in OURS},
        "adjust": {key(f): f.evidence["adjust"] for f in place.findings if "adjust" in f.evidence},
    }


def expected(verdict: oracle.TenantVerdict) -> dict[str, Any]:
    return {
        "findings": {each: (judged.status, judged.waiver) for each, judged in verdict.findings.items()},
        "outcomes": dict(verdict.outcomes),
        "judged": dict(verdict.judged),
        "notices": set(verdict.notices),
        "adjust": {
            each: judged.evidence["adjust"] for each, judged in verdict.findings.items() if "adjust" in judged.evidence
        },
    }


def agree(scenario: Scenario, *, rows: int = 1 << 30) -> None:
    try:
        verdict = oracle.judge(scenario.documents, scenario.tenants, scenario.as_of, scenario.catalogue)
    except TooManyError:
        reject()
    result = run(scenario, rows=rows)
    for tenant in result.tenants:
        assert judged(tenant) == expected(verdict.tenants[tenant.name])
        assert len({finding.fingerprint for finding in tenant.findings}) == len(tenant.findings)
    assert judged(result.fleet) == expected(verdict.fleet)


@pytest.mark.parametrize("block", alphabet.BLOCKS)
def test_each_block_agrees_with_the_oracle(block: str) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(scenarios(blocks=(block,)))
    def check(scenario: Scenario) -> None:
        agree(scenario)

    check()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), st.integers(1, 5))
def test_whole_runs_agree_with_the_oracle_whatever_the_batches(scenario: Scenario, rows: int) -> None:
    agree(scenario, rows=rows)
