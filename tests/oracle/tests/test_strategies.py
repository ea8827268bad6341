"""Properties of the oracle's verdicts on generated scenarios: waivers, outcomes, order of rows, and all checks."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from auditor import resources
from auditor.checks.check import Check
from auditor.checks.registry import all_checks
from auditor.domain.policy.selector import USER_PROPERTIES
from tests.oracle import judge
from tests.oracle.strategies import Scenario, scenarios
from tests.oracle.strategies.blocks import BLOCKS, constraint
from tests.oracle.strategies.selectors import selectors

pytestmark = pytest.mark.slow

DEFINITIONS = json.loads(resources.schema("policy"))["$defs"]
KEYS = [(block, key) for block in BLOCKS for key in DEFINITIONS[block]["properties"] if key != "downgradeTo"]
"""The keys of each block; `downgradeTo` only proposes products, and raises no check."""
SELECTORS = sorted(set(DEFINITIONS["selector"]["properties"]).difference(USER_PROPERTIES))
EVERY_KEY = settings(max_examples=1000, database=None, derandomize=True)
GENERATED = settings(EVERY_KEY, deadline=None, phases=[Phase.generate])
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(scenarios())
def test_waivers_change_no_finding(scenario: Scenario) -> None:
    bare = [{key: value for key, value in document.items() if key != "waivers"} for document in scenario.documents]
    with_waivers = judge(scenario.documents, scenario.tenants, scenario.as_of, scenario.catalogue)
    without = judge(bare, scenario.tenants, scenario.as_of, scenario.catalogue)
    for name, verdict in with_waivers.tenants.items():
        assert set(verdict.findings) == set(without.tenants[name].findings)
        for policy, outcome in without.tenants[name].outcomes.items():
            assert verdict.outcomes[policy] in ({"fail", "waived"} if outcome == "fail" else {outcome})


@QUICK
@given(scenarios())
def test_outcome_follows_from_the_statuses_of_the_findings(scenario: Scenario) -> None:
    verdict = judge(scenario.documents, scenario.tenants, scenario.as_of, scenario.catalogue)
    for result in [*verdict.tenants.values(), verdict.fleet]:
        for policy, outcome in result.outcomes.items():
            statuses = {judged.status for key, judged in result.findings.items() if key.policy == policy}
            expected = "pass" if not statuses else "fail" if "open" in statuses else "waived"
            assert outcome in ("not-evaluated", expected)


@QUICK
@given(scenarios())
def test_verdict_does_not_depend_on_the_order_of_rows(scenario: Scenario) -> None:
    reversed_tenants = [
        tenant | {key: tenant[key][::-1] for key in ("users", "subscribedSkus", "subscriptions", "groups")}
        for tenant in scenario.tenants
    ]
    verdict = judge(scenario.documents, scenario.tenants, scenario.as_of, scenario.catalogue)
    assert verdict == judge(scenario.documents[::-1], reversed_tenants[::-1], scenario.as_of, scenario.catalogue)


@pytest.mark.parametrize(("block", "key"), KEYS)
def test_strategies_write_every_key_of_the_policy_language(block: str, key: str) -> None:
    find(constraint(block), lambda spec: key in spec, settings=EVERY_KEY)


@pytest.mark.parametrize("key", SELECTORS)
def test_strategies_write_every_selector(key: str) -> None:
    find(selectors(depth=1, named=("staff",)), lambda selector: key in selector, settings=GENERATED)


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.id)
def test_oracle_has_a_finding_of_every_check_in_a_generated_scenario(check: Check[Any]) -> None:
    block, _, _ = check.key.partition(":")
    raised = scenarios(blocks=(block,)).map(_checks_with_findings)
    find(raised, lambda checks: check.id in checks, settings=GENERATED)


def _checks_with_findings(scenario: Scenario) -> set[str]:
    verdict = judge(scenario.documents, scenario.tenants, scenario.as_of, scenario.catalogue)
    return {key.check for result in (*verdict.tenants.values(), verdict.fleet) for key in result.findings}
