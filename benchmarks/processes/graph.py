"""Serves generated users as Microsoft Graph in a separate process; prints its addresses as JSON.

usage: python -m benchmarks.processes.graph USERS [--tenants N] [--quick]

Serves either the emulator of the tests, in which each user has a managed device and every hundredth a directory role,
or (`--quick`) lists of users and devices that are generated from a template when a page is requested, so that a million
of them take no preparation and no memory. Both stop when stdin ends.
"""

import argparse
import asyncio
import json
import re
import sys
from bisect import bisect_left, bisect_right
from typing import Any

from aiohttp import web

from tests.emulator.fixtures import running_emulator
from tests.emulator.tenant import seeded
from tests.emulator.tenant.directory import Tenant

PROPERTIES = (
    "accountEnabled",
    "assignedLicenses",
    "createdDateTime",
    "department",
    "displayName",
    "id",
    "licenseAssignmentStates",
    "usageLocation",
    "userPrincipalName",
    "userType",
)
WARMING = "warming"
"""The name of a tenant of fifty users, for warm-up requests."""
MODELLED = 300
"""Number of users for measuring the SDK's typed models; the time is proportional to the number."""
DEVICES_PER_PAGE = 1_000
"""Number of devices per page of Intune."""
_TENANT = "11111111-2222-4333-8444-555555555555"
_STEP = 7_919
"""The list steps through the names by a prime, so that each page is a fair sample of them."""
_SCATTER = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""An odd factor that scatters the ids, as those of Graph are."""


def main() -> None:
    """Serve until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("users", type=int)
    parser.add_argument("--tenants", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        asyncio.run(_quick(args.users))
        return
    names = [f"tenant-{number:03}" if args.tenants > 1 else "contoso" for number in range(args.tenants)]
    people = [seeded.generate(args.users, name=name) for name in names]
    for tenant in people:
        add_use(tenant)
    with running_emulator([*people, seeded.generate(50, name=WARMING)]) as emulator:
        service = {
            "endpoint": emulator.endpoint,
            "authority": emulator.authority,
            "environment": emulator.environment(),
            "tenants": [(name, tenant.tenant_id) for name, tenant in emulator.tenants.items()],
            "bearers": [emulator.bearer(name) for name in names],
        }
        print(json.dumps(service), flush=True)
        sys.stdin.read()


def add_use(tenant: Tenant) -> None:
    """Give each user of a tenant a managed device, every hundredth a role, and all a Conditional Access policy."""
    count = len(tenant.people)
    tenant.devices = [device(number, str(tenant.people.value(number, "id"))) for number in range(count)]
    rows = tenant.access.rows
    rows["roleDefinitions"] = [
        {"id": role, "templateId": role, "displayName": f"Role {number}", "isBuiltIn": True}
        for number, role in enumerate(map(_guid, range(20)))
    ]
    rows["roleAssignments"] = [
        {
            "id": f"assignment-{number}",
            "principalId": tenant.people.value(number, "id"),
            "roleDefinitionId": _guid(number // 100 % 20),
            "directoryScopeId": "/",
        }
        for number in range(0, count, 100)
    ]
    users = {"includeUsers": ["All"], "excludeUsers": []}
    rows["conditionalAccessPolicies"] = [
        {"id": _guid(0), "displayName": "Everybody", "state": "enabled", "conditions": {"users": users}}
    ]


def device(number: int, user: str) -> dict[str, Any]:
    """Return the managed device of a user."""
    return {
        "id": _guid(number),
        "lastSyncDateTime": f"2026-11-{number % 20 + 1:02}T{number % 24:02}:{number % 60:02}:17Z",
        "managementAgent": ("mdm", "configurationManagerClientMdm", "eas")[number % 20 // 9],
        "userId": user,
    }


async def _quick(count: int) -> None:
    graph = QuickGraph(count)
    runner = web.ServerRunner(web.Server(graph.answer, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    graph.root = f"http://127.0.0.1:{runner.addresses[0][1]}/v1.0"
    service = {"endpoint": graph.root, "tenants": [("contoso", _TENANT)], "bearers": ["opaque"]}
    print(json.dumps(service), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


class QuickGraph:
    """Serves the users of one tenant in the order of their names, and the other requests of a collection."""

    def __init__(self, count: int) -> None:
        self.root = ""
        self._count = count
        people = seeded.generate(seeded.CYCLE).people
        self._templates = []
        for slot in range(seeded.CYCLE):
            document = people.document(slot, PROPERTIES) | {"id": "\x01", "userPrincipalName": "\x02"}
            text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
            self._templates.append(re.split("\\\\u000[12]", text))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return a page of users or devices, a count of users, or an empty list."""
        filter_text = request.query.get("$filter", "")
        if request.path.endswith("/$count"):
            low, high = self._matching_range(filter_text)
            return web.Response(text=str(high - low))
        if request.path.endswith("/managedDevices"):
            return web.Response(body=self._devices(request), content_type="application/json")
        if not request.path.endswith("/users"):
            return web.json_response({"value": []})
        return web.Response(body=self._page(request, filter_text), content_type="application/json")

    def _devices(self, request: web.BaseRequest) -> bytes:
        start = int(request.query.get("$skiptoken", "0"))
        stop = min(start + DEVICES_PER_PAGE, self._count)
        page: dict[str, Any] = {"value": [device(number, _guid(number)) for number in range(start, stop)]}
        if stop < self._count:
            page["@odata.nextLink"] = f"{self.root}/deviceManagement/managedDevices?$skiptoken={stop}"
        return json.dumps(page).encode()

    def _page(self, request: web.BaseRequest, filter_text: str) -> bytes:
        low, high = self._matching_range(filter_text)
        size = int(request.query.get("$top", "100"))
        start = int(request.query.get("$skiptoken", "0"))
        stop = min(start + size, high - low)
        step = 1 if filter_text else _STEP
        rows = ",".join(self._user(low + position * step % (high - low)) for position in range(start, stop))
        link = ""
        if stop < high - low:
            query = "&".join(part for part in request.rel_url.raw_query_string.split("&") if "skiptoken" not in part)
            link = f'"@odata.nextLink":"{self.root}/users?{query}&$skiptoken={stop}",'
        return f'{{{link}"value":[{rows}]}}'.encode()

    def _user(self, number: int) -> str:
        first, second, third = self._templates[number % len(self._templates)]
        return f"{first}{_guid(number)}{second}{_name(number)}{third}"

    def _matching_range(self, filter_text: str) -> tuple[int, int]:
        """Return the range of users that match a filter over names."""
        everybody = range(self._count)
        low, high = 0, self._count
        for relation, text in re.findall(r"userPrincipalName (ge|le) '([^']*)'", filter_text):
            if relation == "ge":
                low = bisect_left(everybody, text, key=_name)
            else:
                high = bisect_right(everybody, text, key=_name)
        for text in re.findall(r"startswith\(userPrincipalName,'([^']*)'\)", filter_text):
            low = bisect_left(everybody, text, key=_name)
            high = bisect_right(everybody, text + "\U0010ffff", key=_name)
        return low, high


def _guid(number: int) -> str:
    text = f"{(number + 1) * _SCATTER % (1 << 128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _name(number: int) -> str:
    return f"user{number:07}@contoso.example"


if __name__ == "__main__":
    main()
