"""Tests throttling by resource units."""

from typing import Any

import pytest

from tests.emulator.faults.throttling import Throttle, capacity
from tests.emulator.fixtures import running_emulator
from tests.emulator.tenant import seeded
from tests.emulator.wire import GraphError


def test_requests_beyond_the_resource_units_get_429(client: Any) -> None:
    with running_emulator([seeded.generate(60)]) as running:
        tenant = running.tenants["contoso"]
        tenant.throttled = True
        running.graph.throttle.limits[tenant.tenant_id] = 10
        statuses = [client(running, "/subscribedSkus").status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        refused = client(running, "/subscribedSkus")
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["innerError"]["code"] == "429"
        assert client(running, "/users?$select=id").status_code == 200, "one unit was left"


@pytest.mark.slow
def test_capacity_depends_on_tenant_size() -> None:
    assert [capacity(seeded.generate(count)) for count in (49, 50, 500, 501)] == [3500, 5000, 5000, 8000]


def test_resource_units_are_refilled_over_time() -> None:
    times = iter([0.0, 0.0, 1.0])
    throttle = Throttle(clock=lambda: next(times))
    tenant = seeded.generate(60)
    throttle.limits[tenant.tenant_id] = 10
    assert throttle.spend(tenant, "app", 9) == {"x-ms-throttle-limit-percentage": "0.9"}
    with pytest.raises(GraphError, match="429"):
        throttle.spend(tenant, "app", 2)
    assert throttle.spend(tenant, "app", 2), "one unit a second came back"
