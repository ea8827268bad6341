"""Properties of the oracle's verdicts on generated scenarios: waivers, outcomes, order of rows, and all checks."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

from auditor import resources
from auditor.checks.registry import all_checks
from auditor.domain.policy.selector import USER_PROPERTIES
from tests.oracle import judge
from tests.oracle.strategies import Scenario, scenarios
from tests.oracle.strategies.blocks import BLOCKS, constraint
from tests.oracle.strategies.selectors import selectors

pytestmark = pytest.mark.slow

DEFINITIONS = json.loads(resources.schema("policy"))["$defs"]
SELECTORS = set(DEFINITIONS["selector"]["properties"]).difference(USER_PROPERTIES)
GENERATED = settings(max_examples=1000, database=None, derandomize=True, deadline=None, phases=[Phase.generate])
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


@pytest.mark.parametrize("block", sorted(BLOCKS))
def test_strategies_write_every_key_of_the_policy_language(block: str) -> None:
    keys = set(DEFINITIONS[block]["properties"]) - {"downgradeTo"}  # only proposes products, and raises no check
    assert _missing(keys, constraint(block)) == set()


def test_strategies_write_every_selector() -> None:
    assert _missing(SELECTORS, selectors(depth=1, named=("staff",))) == set()


@pytest.mark.parametrize("block", sorted({check.key.partition(":")[0] for check in all_checks()}))
def test_oracle_has_a_finding_of_every_check_in_a_generated_scenario(block: str) -> None:
    checks = {check.id for check in all_checks() if check.key.partition(":")[0] == block}
    assert _missing(checks, scenarios(blocks=(block,)).map(_checks_with_findings)) == set()


def _missing(expected: Iterable[str], values: SearchStrategy[Any]) -> set[str]:
    """Return what no generated value contains; values are generated until they contain everything."""
    missing = set(expected)

    def is_complete(value: Iterable[str]) -> bool:
        missing.difference_update(value)
        return not missing

    with suppress(NoSuchExample):
        find(values, is_complete, settings=GENERATED)
    return missing


def _checks_with_findings(scenario: Scenario) -> set[str]:
    verdict = judge(scenario.documents, scenario.tenants, scenario.as_of, scenario.catalogue)
    return {key.check for result in (*verdict.tenants.values(), verdict.fleet) for key in result.findings}
