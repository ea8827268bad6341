"""Pools to which some SKUs may or may not belong: all sums, and the least and greatest sums of large pools."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.policy.model import Bound, Seats
from auditor.engine.skus import seat_pools
from auditor.engine.skus.seat_bounds import Breach
from auditor.engine.skus.seat_pools import PoolBreaches, pool_breaches
from auditor.engine.tenant_facts import SkuFact

_SKUS = st.lists(
    st.builds(
        lambda enabled, consumed: SkuFact(
            sku_id="s", part_number=None, owned=True, plans=None, enabled=enabled, warning=0, consumed=consumed
        ),
        st.integers(0, 20),
        st.integers(0, 25),
    ),
    max_size=5,
)
_BOUNDS = st.one_of(
    st.none(),
    st.builds(
        lambda seats, percent: Bound(seats=seats, percent=percent, written=""),
        st.integers(0, 12),
        st.fractions(0, 100, max_denominator=4),
    ),
)


@pytest.mark.slow
@given(_SKUS, _SKUS, _BOUNDS, _BOUNDS)
def test_least_and_greatest_sums_claim_nothing_that_all_sums_contradict(
    included: list[SkuFact], doubtful: list[SkuFact], minimum: Bound | None, maximum: Bound | None
) -> None:
    block = Seats(minimum=minimum, maximum=maximum, pool=True)
    exact = pool_breaches(block, included, doubtful)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seat_pools, "MAX_SUMS", 0)
        estimate = pool_breaches(block, included, doubtful)
    assert estimate.certain <= exact.certain
    assert estimate.undecided or estimate == exact


@pytest.mark.parametrize("spare", [4, 6])
def test_large_pool_is_decided_by_its_least_and_greatest_sum(spare: int) -> None:
    """All of the doubtful SKUs are used up, so that the pool has the spare seats of the first one."""
    units: Any = {"part_number": None, "owned": True, "plans": None, "warning": 0}
    doubtful = [SkuFact(sku_id=str(number), enabled=2**number, consumed=2**number, **units) for number in range(20)]
    first = SkuFact(sku_id="e3", enabled=10 + spare, consumed=10, **units)
    breaches = pool_breaches(Seats(minimum=Bound(seats=5, written="5"), pool=True), [first], doubtful)
    assert breaches == PoolBreaches(certain=frozenset({Breach.BELOW_MINIMUM} if spare < 5 else ()))
