"""Measures collection against the floor (raw sockets) and against the SDK's typed models, in one run, as ratios.

"raw", of one tenant: the wall time of a socket that downloads the same bytes and looks at none of them. "raw", of many:
the wall time of the same requests, signing in included, in the same order and eight tenants at a time, over kept-alive
raw sockets against the same server process; the server's own work is in both.

python benchmarks/collect.py [--users 100000] [--million] [--tenants 200]

The emulator runs in a process of its own and answers every page once before anything is measured.
"""

import argparse
import asyncio
import json
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SECRET = "emulated-client-secret"
VARIABLES = ("AUDITOR_CA_BUNDLE", "SSL_CERT_FILE")
AT_ONCE = 8
SMALL = (
    "/v1.0/organization?$select=countryLetterCode,defaultUsageLocation,displayName,id,preferredLanguage,tenantType",
    (
        "/v1.0/subscribedSkus?$select=appliesTo,capabilityStatus,consumedUnits,prepaidUnits,servicePlans,skuId,"
        "skuPartNumber,subscriptionIds"
    ),
    "/v1.0/users/$count",
)
CLIENT = "a0a0a0a0-1111-4222-8333-444444444444"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What something took."""

    wall: float
    cpu: float
    peak: int = 0
    """MB of resident memory, at most."""


def serve(users: int, tenants: int, latency: float) -> None:
    """Run the emulator until stdin ends; its addresses go to stdout."""
    from tests.emulator import seeded
    from tests.emulator.fixtures import running_emulator

    people = [
        seeded.generate(users, name=f"tenant-{place:03}" if tenants > 1 else "contoso") for place in range(tenants)
    ]
    with running_emulator(people) as emulator:
        if latency:
            emulator.faults.add("slow", seconds=latency, path="/users*", times=None)
        found = {
            "endpoint": emulator.endpoint,
            "authority": emulator.authority,
            "environment": emulator.environment(),
            "tenants": [(tenant.name, tenant.tenant_id) for tenant in people],
            "bearers": [emulator.bearer(tenant.name) for tenant in people],
        }
        print(json.dumps(found), flush=True)
        sys.stdin.read()


@contextmanager
def emulator(users: int, tenants: int = 1, latency: float = 0.0) -> Iterator[dict[str, Any]]:
    command = [sys.executable, __file__, "--serve", str(users), str(tenants), str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def collect(found: dict[str, Any], needs: str) -> None:
    """Collect every tenant of the emulator, and print what it took; meant for a process of its own."""
    from auditor.app.collection import collect_all
    from auditor.collect import gathering  # noqa: F401 - imports are not what is measured
    from auditor.domain.needs import Needs
    from auditor.domain.tenant import ClientSecret, Tenant
    from auditor.domain.words import Source

    sources = {Source.USERS} if needs == "users" else {Source.USERS, Source.SUBSCRIBED_SKUS, Source.ORGANIZATION}
    wanted = Needs(sources=frozenset(sources), user_properties=PROPERTIES)
    tenants = [
        Tenant(
            name=name,
            tenant_id=identity,
            credential=ClientSecret(client_id=CLIENT, secret_env="SECRET"),
            endpoint=found["endpoint"],
            authority=found["authority"],
        )
        for name, identity in found["tenants"]
    ]
    environ = {**found["environment"], "SECRET": SECRET}
    for _ in range(2):  # the first run fills the emulator's and the SDK's caches
        with tempfile.TemporaryDirectory() as folder:
            wall, cpu = time.perf_counter(), time.process_time()
            outcomes = collect_all(
                tenants, lambda _: wanted, root=Path(folder), instant=datetime.now(UTC), environ=environ
            )
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            for outcome in outcomes:
                assert outcome.folder is not None, outcome.failure
                assert all(source.status == "complete" for source in outcome.sources)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak}))


def measured_collection(found: dict[str, Any], needs: str = "users") -> Cost:
    command = [sys.executable, __file__, "--collect", needs]
    told = json.dumps(found)
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, input=told).stdout
    return Cost(**json.loads(output))


class Raw:
    """One keep-alive socket that downloads bodies and looks at none of them but for the next link."""

    def __init__(self, endpoint: str, bearer: str) -> None:
        self._host, self._port = endpoint.removeprefix("http://").split("/")[0].split(":")
        self.bearer = bearer
        self._socket = socket.create_connection((self._host, int(self._port)))
        self._buffer = bytearray(1 << 20)

    def get(self, path: str, *, keep: bool = False) -> bytes:
        self.ask(path)
        return self.answer(keep=keep)

    def ask(self, path: str) -> None:
        eventual = "ConsistencyLevel: eventual\r\n" if "$count" in path else ""
        head = f"GET {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAuthorization: Bearer {self.bearer}\r\n"
        self._socket.sendall(f"{head}{eventual}\r\n".encode())

    def answer(self, *, keep: bool = False) -> bytes:
        data = self._socket.recv(1 << 16)
        while b"\r\n\r\n" not in data:
            data += self._socket.recv(1 << 16)
        header, body = data.split(b"\r\n\r\n", 1)
        assert header.startswith(b"HTTP/1.1 200"), header[:80]
        (length,) = (int(line[15:]) for line in header.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        kept, got = [body], len(body)
        while got < length:
            more = self._socket.recv_into(self._buffer)
            got += more
            if keep:
                kept.append(bytes(self._buffer[:more]))
        return b"".join(kept)

    def pages(self) -> list[str]:
        """Walk the list of users once; returns the path of every page."""
        path = f"/v1.0/users?$select={','.join(PROPERTIES)}&$top=999"
        found = []
        while path:
            found.append(path)
            link = json.loads(self.get(path, keep=True)).get("@odata.nextLink")
            path = "" if link is None else "/" + link.split("/", 3)[3]
        return found

    def download(self, paths: list[str]) -> Cost:
        wall, cpu = time.perf_counter(), time.process_time()
        for path in paths:
            self.get(path)
        return Cost(wall=time.perf_counter() - wall, cpu=time.process_time() - cpu)


def typed_models(found: dict[str, Any], pages: int) -> float:
    """Return the seconds of processor time a user that the SDK's own models take, the first page left out."""
    from auditor.domain.tenant import Tenant, Token
    from auditor.graph.client import open_graph
    from auditor.graph.credentials import SignIn

    tenant = Tenant(
        name="contoso", tenant_id=found["tenants"][0][1], credential=Token(token_env="T"), endpoint=found["endpoint"]
    )

    async def read() -> float:
        from kiota_abstractions.base_request_configuration import RequestConfiguration
        from msgraph.generated.users.users_request_builder import UsersRequestBuilder

        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(select=list(PROPERTIES), top=999)
        async with SignIn(tenant, environ={"T": found["bearers"][0]}) as sign_in, open_graph(tenant, sign_in) as graph:
            page = await graph.sdk.users.get(RequestConfiguration(query_parameters=query))
            begun = time.process_time()
            for _ in range(pages):
                page = await graph.sdk.users.with_url(page.odata_next_link).get()
                assert len(page.value) == 999
            return (time.process_time() - begun) / (999 * pages)

    return asyncio.run(read())


def row(name: str, value: float, limit: float, unit: str = "x", *, at_least: bool = False) -> bool:
    fine = value >= limit if at_least else value <= limit
    print(f"{'ok  ' if fine else 'MISS'}  {name:<72} {value:>10.1f} {unit}  ({'≥' if at_least else '≤'} {limit:g})")
    return fine


def one_tenant(users: int, *, million: bool) -> list[bool]:
    with emulator(users) as found:
        raw = Raw(found["endpoint"], found["bearers"][0])
        paths = raw.pages()
        floor = min((raw.download(paths) for _ in range(5)), key=lambda cost: cost.wall)
        ours = measured_collection(found)
        typed = typed_models(found, 1)
        print(f"{users:,} users, {len(paths)} pages: raw {floor.wall:.3f} s wall, {floor.cpu:.3f} s processor;")
        print(f"collected {ours.wall:.2f} s wall, {ours.cpu:.2f} s processor, {ours.peak} MB;")
        print(f"typed models {typed * 1e3:.2f} ms a user")
        results = [
            row("processor time of collecting : raw download of the same bytes", ours.cpu / floor.wall, 25),
            row(
                "typed models (999 users, scaled) : collecting, processor time",
                typed * users / ours.cpu,
                150,
                at_least=True,
            ),
            row("peak memory", ours.peak, 400, "MB"),
        ]
    with emulator(users, latency=0.25) as found:
        slow = measured_collection(found)
        sequential = len(paths) * 0.25 + floor.wall
        results.append(
            row("one page after the other : collecting, 250 ms a page, wall", sequential / slow.wall, 6, at_least=True)
        )
    if million:
        with emulator(1_000_000) as found:
            vast = measured_collection(found)
            print(f"1,000,000 users: {vast.wall:.1f} s wall, {vast.cpu:.1f} s processor, {vast.peak} MB")
            results.append(row("peak memory of a million users : the limit of 100,000", vast.peak / 400, 1.5))
    return results


class RawTenants:
    """One worker of the floor: two kinds of kept-alive sockets, over which tenant after tenant is asked."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._graph = [Raw(found["endpoint"], "") for _ in range(3)]
        host, port = found["authority"].removeprefix("https://").split(":")
        self._authority = f"{host}:{port}"
        (bundle,) = {found["environment"][name] for name in VARIABLES if name in found["environment"]}
        context = ssl.create_default_context(cafile=bundle)
        self._sign_in = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)

    def read(self, tenant_id: str) -> None:
        """Sign in; organization, products and the count at once; then the users, as the collection does."""
        bearer = self._token(tenant_id)
        for client, path in zip(self._graph, SMALL, strict=True):
            client.bearer = bearer
            client.ask(path)
        for client in self._graph:
            client.answer()
        self._graph[0].get(f"/v1.0/users?$select={','.join(PROPERTIES)}&$top=999")

    def _token(self, tenant_id: str) -> str:
        form = {"client_id": CLIENT, "client_secret": SECRET, "grant_type": "client_credentials"}
        body = urlencode({**form, "scope": "https://graph.microsoft.com/.default"})
        head = f"POST /{tenant_id}/oauth2/v2.0/token HTTP/1.1\r\nHost: {self._authority}\r\n"
        kind = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        self._sign_in.sendall(f"{head}{kind}{body}".encode())
        data = self._sign_in.recv(1 << 16)
        while b"}" not in data.partition(b"\r\n\r\n")[2]:
            data += self._sign_in.recv(1 << 16)
        found: str = json.loads(data.partition(b"\r\n\r\n")[2])["access_token"]
        return found


def raw_tenants(found: dict[str, Any]) -> float:
    """Return the seconds that the requests of all tenants take, eight tenants at a time."""
    waiting: SimpleQueue[str] = SimpleQueue()
    for _, tenant_id in found["tenants"]:
        waiting.put(tenant_id)
    workers = [RawTenants(found) for _ in range(AT_ONCE)]

    def work(worker: RawTenants) -> None:
        while True:
            try:
                worker.read(waiting.get_nowait())
            except Empty:
                return

    threads = [Thread(target=work, args=(worker,)) for worker in workers]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def many_tenants(tenants: int) -> list[bool]:
    with emulator(500, tenants) as found:
        raw_tenants(found)
        # One after the other, so that both meet the same machine; the best of each counts.
        rounds = [(raw_tenants(found), measured_collection(found, "all")) for _ in range(3)]
        floor = min(raw for raw, _ in rounds)
        ours = min((cost for _, cost in rounds), key=lambda cost: cost.wall)
        print(f"{tenants} tenants of 500 users: raw requests {floor:.2f} s, collected {ours.wall:.2f} s wall,")
        print(f"{ours.cpu:.2f} s processor ({ours.cpu / tenants * 1e3:.1f} ms a tenant)")
        return [row("collecting many small tenants : the raw time of their requests", ours.wall / floor, 2)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--million", action="store_true", help="also a million users")
    parser.add_argument("--tenants", type=int, default=200)
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--collect", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(int(args.serve[0]), int(args.serve[1]), float(args.serve[2]))
        return 0
    if args.collect:
        collect(json.load(sys.stdin), args.collect)
        return 0
    results = [*one_tenant(args.users, million=args.million), *(many_tenants(args.tenants) if args.tenants else [])]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
