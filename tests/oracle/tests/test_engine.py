"""The engine against the oracle: equal findings, statuses, outcomes, notices and adjustments, unknown facts included."""

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from tests.oracle.adapter import agreed
from tests.oracle.blocks.seats import TooManyError
from tests.oracle.strategies import Scenario, alphabet, scenarios

pytestmark = pytest.mark.slow


def agree(scenario: Scenario, *, rows: int = 1 << 30) -> None:
    try:
        agreed(scenario, rows=rows)
    except TooManyError:
        reject()


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
