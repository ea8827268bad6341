"""Tests that managed devices are read in pages and counted by user: 0 if there are none, unknown if not read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from tests.builders.tenant.collection import Collected, collect
from tests.emulator.fixtures import auditor_app, running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import Tenant, load, stable_id

NEEDS = Needs(sources=frozenset({Source.USERS, Source.DEVICES}), user_properties=("userPrincipalName",))
_PATH = "/deviceManagement/managedDevices"
_NAMES = ("ann", "bob", "cas", "dee", "eve")
_LAST_SYNC = "2026-11-0{}T08:00:00.1234567Z"


def _device(number: int, user: str, agent: str = "mdm", last_sync: str = _LAST_SYNC.format(1)) -> dict[str, Any]:
    return {"id": f"D{number:05}", "userId": user, "managementAgent": agent, "lastSyncDateTime": last_sync}


def _tenant() -> Tenant:
    users = [{"userPrincipalName": f"{name}@contoso.example"} for name in _NAMES]
    tenant = load({"name": "contoso", "tenantId": stable_id("devices", "contoso"), "users": users})
    ann, bob, cas, dee, _ = (str(tenant.people.value(index, "id")) for index in range(len(_NAMES)))
    tenant.devices = [
        *(_device(number, ann.upper(), last_sync=_LAST_SYNC.format(1 + number % 3)) for number in range(1_200)),
        *(_device(2_000 + index, bob, agent) for index, agent in enumerate(("eas", "msSense", "unknown", "EAS"))),
        _device(3_000, cas, "agentOfTheYear2031", "0001-01-01T00:00:00Z"),
        *(_device(4_000 + index, "") for index in range(900)),
        _device(5_000, "00000000-0000-4000-8000-00000000ffff"),
        _device(6_000, dee, "easMdm", _LAST_SYNC.format(3)),
        _device(6_000, dee, "easMdm", _LAST_SYNC.format(3)),
    ]
    tenant.register(auditor_app())
    return tenant


@pytest.fixture
def graph() -> Iterator[Emulator]:
    with running_emulator([_tenant()]) as emulator:
        yield emulator


def _devices(snapshot: Collected) -> dict[str, tuple[int, datetime | None]]:
    return {
        name.partition("@")[0]: (row["managedDevices"], row["managedDeviceLastSyncDateTime"])
        for name, row in snapshot.users().items()
    }


@pytest.mark.slow
def test_devices_are_counted_by_user(graph: Emulator) -> None:
    snapshot = collect(graph, NEEDS)
    latest = datetime(2026, 11, 3, 8, 0, 0, 123456, tzinfo=UTC)
    assert snapshot.status(Source.DEVICES) == "complete"
    assert snapshot.manifest.coverage(Source.DEVICES).count == 2_108
    assert _devices(snapshot) == {
        "ann": (1_200, latest), "bob": (0, None), "cas": (1, None), "dee": (1, latest), "eve": (0, None)
    }  # fmt: skip
    pages = graph.journal.of(_PATH)
    assert len(pages) == 3
    assert all("filter" not in str(page.query) for page in pages)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "status"), [({"kind": "denied"}, "denied"), ({"kind": "server-error", "status": 500}, "complete")]
)
def test_denied_devices_are_reported_and_failed_requests_are_repeated(
    graph: Emulator, fault: dict[str, Any], status: str
) -> None:
    kind = fault.pop("kind")
    graph.faults.add(kind, path=_PATH, times=None if kind == "denied" else 2, **fault)
    snapshot = collect(graph, NEEDS)
    assert snapshot.status(Source.DEVICES) == status
    assert (_PATH in snapshot.reason(Source.DEVICES)) is (status == "denied")
    remedy = "grant the application DeviceManagementManagedDevices.Read.All and consent"
    assert (remedy in snapshot.reason(Source.DEVICES)) is (status == "denied")


def test_intune_may_throttle_with_status_500(graph: Emulator) -> None:
    """Throttling is limited by time, other failures by number."""
    graph.faults.add("server-error", path=_PATH, status=500, value="Rate limit reached.", times=10)
    snapshot = collect(graph, NEEDS)
    assert snapshot.status(Source.DEVICES) == "complete"
    assert len(graph.journal.of(_PATH)) == 13


def test_devices_are_unavailable_without_intune(graph: Emulator) -> None:
    graph.tenants["contoso"].devices = None
    snapshot = collect(graph, NEEDS)
    assert snapshot.status(Source.DEVICES) == "unavailable"
    assert "the tenant has no Intune" in snapshot.reason(Source.DEVICES)
    assert snapshot.status(Source.USERS) == "complete"


def test_damaged_devices_make_the_source_partial(graph: Emulator) -> None:
    ann = str(graph.tenants["contoso"].people.value(0, "id"))
    graph.tenants["contoso"].devices = [
        _device(1, ann),
        {**_device(2, ann), "managementAgent": None},
        {**_device(3, ann), "userId": 7},
        _device(4, ann, last_sync="yesterday"),
    ]
    snapshot = collect(graph, NEEDS)
    assert snapshot.status(Source.DEVICES) == "partial"
    assert "not readable: 3" in snapshot.reason(Source.DEVICES)
    assert _devices(snapshot)["ann"][0] == 2
