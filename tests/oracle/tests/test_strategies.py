"""The strategies reach every check, and the oracle never lets an unknown pass or a waiver rewrite a finding."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.oracle import judge
from tests.oracle.strategies import Scenario, scenarios

pytestmark = pytest.mark.slow

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
def test_an_outcome_says_what_its_findings_say(scenario: Scenario) -> None:
    verdict = judge(scenario.documents, scenario.tenants, scenario.as_of, scenario.catalogue)
    for result in [*verdict.tenants.values(), verdict.fleet]:
        for policy, outcome in result.outcomes.items():
            found = {judged.status for key, judged in result.findings.items() if key.policy == policy}
            expected = "pass" if not found else "fail" if "open" in found else "waived"
            assert outcome in ("not-evaluated", expected)


@QUICK
@given(scenarios())
def test_the_order_of_users_and_products_says_nothing(scenario: Scenario) -> None:
    turned = [
        tenant | {key: tenant[key][::-1] for key in ("users", "subscribedSkus", "subscriptions", "groups")}
        for tenant in scenario.tenants
    ]
    one = judge(scenario.documents, scenario.tenants, scenario.as_of, scenario.catalogue)
    assert one == judge(scenario.documents[::-1], turned[::-1], scenario.as_of, scenario.catalogue)
