"""Equal values in the results of several tenants are one object, so that many tenants need little memory."""

from msgspec.structs import replace

from auditor.domain.result.model import TenantResult
from tests.builders.tenant.tenants import audited, bought, tenant, user

POLICIES = """\
policies:
- {id: spare, severity: low, seats: {of: paid, spare: {min: 0}}}
- {id: guests, severity: low, users: {userType: Guest}, assignments: {of: paid, allow: []}}
"""


def parts(result: TenantResult) -> list[object]:
    return [*result.sources, *result.seats, *result.policies, *result.notices]


def test_tenants_share_equal_values() -> None:
    states = [tenant(user("ann"), name=name, subscribedSkus=[bought("SPE_E5")]) for name in ("contoso", "fabrikam")]
    first, second = audited(POLICIES, *states).tenants
    assert first.notices  # no user is a guest
    assert len(parts(first)) == len(parts(second))
    assert all(one is other for one, other in zip(parts(first), parts(second), strict=True))


def test_each_tenant_keeps_its_own_values() -> None:
    small = tenant(user("ann"), name="small", subscribedSkus=[bought("SPE_E5", 5)])
    large = tenant(user("ann"), user("bob", userType="Guest"), name="large", subscribedSkus=[bought("SPE_E5", 50)])
    together = audited(POLICIES, small, large).tenants
    alone = [audited(POLICIES, state).tenants[0] for state in (large, small)]
    assert [replace(tenant, findings=()) for tenant in together] == [replace(tenant, findings=()) for tenant in alone]
