"""What policies want of the spare seats of each SKU, told whether a finding stands or not."""

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import SeatBounds, TenantResult
from tests.builders.tenant.tenants import audited, bought, finding_keys, judged, tenant, user


def bounds(result: TenantResult) -> dict[str, tuple[SeatBounds, ...]]:
    """Part number → bounds, of the SKUs that have some."""
    return {seats.sku_part_number: seats.bounds for seats in result.seats if seats.bounds}


def of_p(usable: int, minimum: int | None, maximum: int | None) -> tuple[SeatBounds, ...]:
    return (SeatBounds(policy="p", usable=usable, minimum=minimum, maximum=maximum),)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("spare: {min: 5}", of_p(110, 5, None)),
        ("spare: {max: 20}", of_p(110, None, 20)),
        # Spare seats are whole: 5.5 of 110 are 6 at least, and 16.5 are 16 at most.
        ("spare: {min: 5%, max: 15%}", of_p(110, 6, 16)),
        ("spare: {max: {percent: 5, seats: 15}}", of_p(110, None, 15)),
        ("graceUnits: ignore, spare: {min: 5%}", of_p(100, 5, None)),
        # A quota beside them is another thing, and so is whom it counts.
        ("spare: {max: 20}, assigned: {max: 95}", of_p(110, None, 20)),
        ("assigned: {max: 50}", ()),
        ("pool: true, spare: {min: 5}", ()),
        ("graceUnits: count", ()),
    ],
)
def test_bounds_are_reported_in_seats_of_a_product_inside_them(written: str, wanted: tuple[SeatBounds, ...]) -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 100, 95, warning=10), bought("SPE_E5")])
    result = judged(f"seats: {{of: [SPE_E3], {written}}}", state)
    assert finding_keys(result) == []
    assert bounds(result) == ({"SPE_E3": wanted} if wanted else {})


def test_spare_seats_are_the_products_whoever_the_policy_is_for() -> None:
    state = tenant(user("ann", "SPE_E3"), subscribedSkus=[bought("SPE_E3", 10, 8)])
    block = "seats: {of: [SPE_E3], spare: {min: 1}, assigned: {max: 5}}"
    assert bounds(judged(block, state, users="{department: Sales}")) == {"SPE_E3": of_p(10, 1, None)}
    quota = "seats: {of: [SPE_E3], assigned: {max: 5}}"
    assert bounds(judged(quota, state, users="{department: Sales}")) == {}


def test_every_policy_that_concerns_the_tenant_tells_its_own() -> None:
    result = audited(
        """policies:
- {id: low, severity: low, seats: {of: [SPE_E3], spare: {min: 2}}}
- {id: high, severity: high, seats: {spare: {max: 50%}}}
- {id: elsewhere, severity: high, tenants: [fabrikam], seats: {spare: {max: 1}}}
""",
        tenant(subscribedSkus=[bought("SPE_E3", 10, 8), bought("SPE_E5", 4, 4), bought("FLOW_FREE", 10, 1)]),
    ).tenants[0]
    found = {name: [each.policy for each in mine] for name, mine in bounds(result).items()}
    assert found == {"SPE_E3": ["high", "low"], "SPE_E5": ["high"]}


def test_what_is_not_known_has_no_bounds() -> None:
    block = "seats: {of: '*', spare: {min: 5%}}"
    rows = [bought("SPE_E3", None, 5), bought("SPE_E5", 10, 5), bought("AAD_PREMIUM_P2", 5, appliesTo="Company")]
    assert bounds(judged(block, tenant(subscribedSkus=rows))) == {"SPE_E5": of_p(10, 1, None)}
    for status, known in ((SourceStatus.PARTIAL, True), (SourceStatus.DENIED, False)):
        state = tenant(unread={Source.SUBSCRIBED_SKUS: status}, subscribedSkus=rows if known else [])
        assert bool(bounds(judged(block, state))) is known
    # Whether E5 is bought as a trial alone is not known, and so whether the policy looks at it.
    blind = tenant(unread={Source.SUBSCRIPTIONS: SourceStatus.DENIED}, subscribedSkus=rows)
    assert bounds(judged("seats: {of: trial, spare: {min: 5%}}", blind)) == {}
