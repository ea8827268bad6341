"""Which shard audits a tenant: one of them, the same for ever, whoever else comes or goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.app.audit.run import in_shard


@pytest.mark.slow
@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=40), st.integers(1, 2000))
def test_a_tenant_falls_to_one_shard(tenant: str, parts: int) -> None:
    assert sum(in_shard(tenant, (part, parts)) for part in range(1, parts + 1)) == 1


@pytest.mark.parametrize(
    ("tenant", "of_three", "of_sixteen"), [("contoso", 3, 12), ("fabrikam", 3, 15), ("tenant-0001", 2, 12)]
)
def test_the_shard_of_a_tenant_is_the_same_for_ever(tenant: str, of_three: int, of_sixteen: int) -> None:
    """Written down: a tenant that moved between two versions would be audited twice that night, or by nobody."""
    assert in_shard(tenant, (of_three, 3))
    assert in_shard(tenant, (of_sixteen, 16))


def test_tenants_are_spread_evenly() -> None:
    counts = [sum(in_shard(f"school-{n:04}", (part, 8)) for n in range(2000)) for part in range(1, 9)]
    assert min(counts) > 200
    assert max(counts) < 300
