"""The floor of a collection: the same requests over raw sockets that parse nothing."""

import json
import socket
import ssl
import time
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from auditor.collect.concurrency import MAX_READS
from benchmarks.processes.graph import PROPERTIES, WARMING

CLIENT = "a0a0a0a0-1111-4222-8333-444444444444"
SECRET = "emulated-client-secret"
_USERS = f"/v1.0/users?$select={','.join(PROPERTIES)}&$top=999"
_FIRST_REQUESTS = (
    "/v1.0/organization?$select=countryLetterCode,defaultUsageLocation,displayName,id,preferredLanguage,tenantType",
    (
        "/v1.0/subscribedSkus?$select=appliesTo,capabilityStatus,consumedUnits,prepaidUnits,servicePlans,skuId,"
        "skuPartNumber,subscriptionIds"
    ),
    "/v1.0/users/$count",
    _USERS,
)
_NAMES = "/v1.0/directoryObjects/getByIds?$select=id,displayName"


class Raw:
    """A keep-alive socket that downloads bodies and parses only the next link."""

    def __init__(self, endpoint: str, bearer: str, *, compressed: bool = False) -> None:
        self._host, self._port = endpoint.removeprefix("http://").split("/")[0].split(":")
        self.bearer = bearer
        self._compressed = compressed
        self._buffer = bytearray(1 << 20)
        self.connect()

    def connect(self) -> None:
        """Open a connection; services close one that has been idle for a minute or so."""
        self._socket = socket.create_connection((self._host, int(self._port)))

    def _receive(self) -> bytes:
        data = self._socket.recv(1 << 16)
        assert data, "the connection ended before its answer"
        return data

    def get(self, path: str, *, keep: bool = False) -> bytes:
        """Download one body."""
        self.send_request(path)
        return self.read_response(keep=keep)

    def send_request(self, path: str, body: bytes = b"") -> None:
        """Send a request; one with a body is a POST."""
        extra = "ConsistencyLevel: eventual\r\n" if "$count" in path else ""
        extra += "Accept-Encoding: gzip, deflate\r\n" if self._compressed else ""
        extra += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        line = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
        self._socket.sendall(f"{line}Authorization: Bearer {self.bearer}\r\n{extra}\r\n".encode() + body)

    def read_response(self, *, keep: bool = False) -> bytes:
        """Receive a complete response; its body is kept only if requested."""
        data = self._receive()
        while b"\r\n\r\n" not in data:
            data += self._receive()
        header, body = data.split(b"\r\n\r\n", 1)
        assert header.startswith(b"HTTP/1.1 200"), header[:80]
        (length,) = (int(line[15:]) for line in header.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        chunks, received = [body], len(body)
        while received < length:
            size = self._socket.recv_into(self._buffer)
            assert size, "the connection ended in the middle of a body"
            received += size
            if keep:
                chunks.append(bytes(self._buffer[:size]))
        return b"".join(chunks)

    def pages(self) -> list[str]:
        """Download the list of users once; return the path of every page."""
        path, paths = _USERS, []
        while path:
            paths.append(path)
            link = json.loads(self.get(path, keep=True)).get("@odata.nextLink")
            path = "" if link is None else "/" + link.split("/", 3)[3]
        return paths

    def download(self, paths: list[str]) -> float:
        """Return the seconds to download pages, one after the other, over a new connection."""
        self.connect()
        started = time.perf_counter()
        for path in paths:
            self.get(path)
        return time.perf_counter() - started


class RawTenants:
    """A worker of the floor: keep-alive sockets to both services, over which it requests one tenant after the other."""

    def __init__(self, service: dict[str, Any]) -> None:
        self._graph = [Raw(service["endpoint"], "", compressed=True) for _ in _FIRST_REQUESTS]
        host, port = service["authority"].removeprefix("https://").split(":")
        self._authority = f"{host}:{port}"
        context = ssl.create_default_context(cafile=service["environment"]["SSL_CERT_FILE"])
        self._sign_in = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)
        self._groups = json.dumps({"ids": [service["tenants"][0][1]], "types": ["group"]}).encode()

    def read(self, tenant_id: str) -> None:
        """Send the requests of a collection: sign-in; organization, products, users, their count; names of groups."""
        bearer = self._token(tenant_id)
        for client, path in zip(self._graph, _FIRST_REQUESTS, strict=True):
            client.bearer = bearer
            client.send_request(path)
        for client in self._graph:
            client.read_response()
        self._graph[0].send_request(_NAMES, self._groups)
        self._graph[0].read_response()

    def _token(self, tenant_id: str) -> str:
        form = {"client_id": CLIENT, "client_secret": SECRET, "grant_type": "client_credentials"}
        body = urlencode({**form, "scope": "https://graph.microsoft.com/.default"})
        head = f"POST /{tenant_id}/oauth2/v2.0/token HTTP/1.1\r\nHost: {self._authority}\r\n"
        kind = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        self._sign_in.sendall(f"{head}{kind}{body}".encode())
        data = b""
        while b"}" not in data.partition(b"\r\n\r\n")[2]:
            more = self._sign_in.recv(1 << 16)
            assert more, "the sign-in service ended the connection"
            data += more
        token: str = json.loads(data.partition(b"\r\n\r\n")[2])["access_token"]
        return token


def raw_tenants(service: dict[str, Any]) -> float:
    """Return the seconds for the requests of all tenants, with the concurrency of a collection.

    Raises the first exception of a worker.
    """
    tenant_ids: SimpleQueue[str] = SimpleQueue()
    for name, tenant_id in service["tenants"]:
        if name != WARMING:
            tenant_ids.put(tenant_id)
    workers = [RawTenants(service) for _ in range(MAX_READS)]
    failures: list[Exception] = []

    def work(worker: RawTenants) -> None:
        try:
            while not failures:
                worker.read(tenant_ids.get_nowait())
        except Empty:
            return
        except Exception as error:  # noqa: BLE001 - raised below, in the calling thread
            failures.append(error)

    threads = [Thread(target=work, args=(worker,)) for worker in workers]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - started
