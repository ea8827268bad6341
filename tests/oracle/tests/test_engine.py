"""The engine against the oracle: equal findings, statuses, outcomes, notices and adjustments, unknown facts included."""

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from tests import oracle
from tests.oracle.adapter import expected, judged, run
from tests.oracle.blocks.seats import TooManyError
from tests.oracle.strategies import Scenario, alphabet, scenarios

pytestmark = pytest.mark.slow


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
