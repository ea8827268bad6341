"""Assignment of tenants to shards: exactly one shard per tenant, stable between versions and fleets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.app.audit.run import in_shard


@pytest.mark.slow
@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=40), st.integers(1, 2000))
def test_tenant_is_in_exactly_one_shard(tenant: str, count: int) -> None:
    assert sum(in_shard(tenant, (number, count)) for number in range(1, count + 1)) == 1


@pytest.mark.parametrize(
    ("tenant", "of_three", "of_sixteen"), [("contoso", 3, 12), ("fabrikam", 3, 15), ("tenant-0001", 2, 12)]
)
def test_shard_of_a_tenant_never_changes(tenant: str, of_three: int, of_sixteen: int) -> None:
    """If a version changed the shard of a tenant, the tenant could be audited twice in a night, or not at all."""
    assert in_shard(tenant, (of_three, 3))
    assert in_shard(tenant, (of_sixteen, 16))


def test_tenants_are_distributed_evenly() -> None:
    counts = [sum(in_shard(f"school-{number:04}", (shard, 8)) for number in range(2000)) for shard in range(1, 9)]
    assert min(counts) > 200
    assert max(counts) < 300
