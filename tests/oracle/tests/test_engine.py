"""Engine and oracle agree on findings, statuses, outcomes, notices and adjustments, also with unknown facts."""

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from tests.oracle.adapter import agreed_verdict
from tests.oracle.blocks.seats import TooManyChoicesError
from tests.oracle.strategies import Scenario, scenarios
from tests.oracle.strategies.blocks import BLOCKS

pytestmark = pytest.mark.slow


def assert_agreement(scenario: Scenario, *, rows: int = 1 << 30) -> None:
    try:
        agreed_verdict(scenario, rows=rows)
    except TooManyChoicesError:
        reject()


@pytest.mark.parametrize("block", BLOCKS)
def test_each_block_agrees_with_the_oracle(block: str) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(scenarios(blocks=(block,)))
    def check(scenario: Scenario) -> None:
        assert_agreement(scenario)

    check()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(), st.integers(1, 5))
def test_runs_of_all_blocks_agree_with_the_oracle_for_any_batch_size(scenario: Scenario, rows: int) -> None:
    assert_agreement(scenario, rows=rows)
