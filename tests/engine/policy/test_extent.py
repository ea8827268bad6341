"""The seat bounds of policies in the result of each SKU, with and without findings."""

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import SeatBounds, TenantResult
from tests.builders.tenant.tenants import audited, bought, finding_keys, judged, tenant, user


def bounds(result: TenantResult) -> dict[str, tuple[SeatBounds, ...]]:
    """Part number → bounds, for SKUs with bounds."""
    return {seats.sku_part_number: seats.bounds for seats in result.seats if seats.bounds}


def bounds_of_p(usable: int, minimum: int | None, maximum: int | None) -> tuple[SeatBounds, ...]:
    return (SeatBounds(policy="p", usable=usable, minimum=minimum, maximum=maximum),)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("spare: {min: 5}", bounds_of_p(110, 5, None)),
        ("spare: {max: 20}", bounds_of_p(110, None, 20)),
        # Spare seats are whole numbers: a minimum of 5.5 is 6, a maximum of 16.5 is 16.
        ("spare: {min: 5%, max: 15%}", bounds_of_p(110, 6, 16)),
        ("spare: {max: {percent: 5, seats: 15}}", bounds_of_p(110, None, 15)),
        ("graceUnits: ignore, spare: {min: 5%}", bounds_of_p(100, 5, None)),
        # A quota adds no bounds, nor does the population that it counts.
        ("spare: {max: 20}, assigned: {max: 95}", bounds_of_p(110, None, 20)),
        ("assigned: {max: 50}", ()),
        ("pool: true, spare: {min: 5}", ()),
        ("graceUnits: count", ()),
    ],
)
def test_bounds_are_reported_as_seats_without_findings(block: str, expected: tuple[SeatBounds, ...]) -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 100, 95, warning=10), bought("SPE_E5")])
    result = judged(f"seats: {{of: [SPE_E3], {block}}}", state)
    assert finding_keys(result) == []
    assert bounds(result) == ({"SPE_E3": expected} if expected else {})


def test_bounds_do_not_depend_on_the_population_of_the_policy() -> None:
    state = tenant(user("ann", "SPE_E3"), subscribedSkus=[bought("SPE_E3", 10, 8)])
    block = "seats: {of: [SPE_E3], spare: {min: 1}, assigned: {max: 5}}"
    assert bounds(judged(block, state, users="{department: Sales}")) == {"SPE_E3": bounds_of_p(10, 1, None)}
    quota = "seats: {of: [SPE_E3], assigned: {max: 5}}"
    assert bounds(judged(quota, state, users="{department: Sales}")) == {}


def test_every_policy_of_the_tenant_has_its_own_bounds() -> None:
    result = audited(
        """policies:
- {id: low, severity: low, seats: {of: [SPE_E3], spare: {min: 2}}}
- {id: high, severity: high, seats: {spare: {max: 50%}}}
- {id: elsewhere, severity: high, tenants: [fabrikam], seats: {spare: {max: 1}}}
""",
        tenant(subscribedSkus=[bought("SPE_E3", 10, 8), bought("SPE_E5", 4, 4), bought("FLOW_FREE", 10, 1)]),
    ).tenants[0]
    policies_by_product = {
        name: [bound.policy for bound in product_bounds] for name, product_bounds in bounds(result).items()
    }
    assert policies_by_product == {"SPE_E3": ["high", "low"], "SPE_E5": ["high"]}


def test_products_with_unknown_seats_or_membership_have_no_bounds() -> None:
    block = "seats: {of: '*', spare: {min: 5%}}"
    rows = [bought("SPE_E3", None, 5), bought("SPE_E5", 10, 5), bought("AAD_PREMIUM_P2", 5, appliesTo="Company")]
    assert bounds(judged(block, tenant(subscribedSkus=rows))) == {"SPE_E5": bounds_of_p(10, 1, None)}
    for status, known in ((SourceStatus.PARTIAL, True), (SourceStatus.DENIED, False)):
        state = tenant(unread={Source.SUBSCRIBED_SKUS: status}, subscribedSkus=rows if known else [])
        assert bool(bounds(judged(block, state))) is known
    # It is unknown whether E5 is a trial, and so whether the policy applies to it.
    blind = tenant(unread={Source.SUBSCRIPTIONS: SourceStatus.DENIED}, subscribedSkus=rows)
    assert bounds(judged("seats: {of: trial, spare: {min: 5%}}", blind)) == {}
