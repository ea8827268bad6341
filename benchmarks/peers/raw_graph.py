"""The floor of a collection: the same requests over raw sockets that parse nothing."""

import json
import socket
import ssl
import time
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from auditor.collect.concurrency import MAX_READING
from benchmarks.processes.graph import PROPERTIES, WARMING

CLIENT = "a0a0a0a0-1111-4222-8333-444444444444"
SECRET = "emulated-client-secret"
_USERS = f"/v1.0/users?$select={','.join(PROPERTIES)}&$top=999"
_AT_FIRST = (
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
    """One keep-alive socket that downloads bodies and parses the next link only."""

    def __init__(self, endpoint: str, bearer: str, *, packed: bool = False) -> None:
        self._host, self._port = endpoint.removeprefix("http://").split("/")[0].split(":")
        self.bearer = bearer
        self._packed = packed
        self._buffer = bytearray(1 << 20)
        self.connect()

    def connect(self) -> None:
        """Open a connection; services close one that has been idle for a minute or so."""
        self._socket = socket.create_connection((self._host, int(self._port)))

    def _received(self) -> bytes:
        data = self._socket.recv(1 << 16)
        assert data, "the connection ended before its answer"
        return data

    def get(self, path: str, *, keep: bool = False) -> bytes:
        """Download one body."""
        self.ask(path)
        return self.answer(keep=keep)

    def ask(self, path: str, body: bytes = b"") -> None:
        """Send a request; one with a body is a POST."""
        more = "ConsistencyLevel: eventual\r\n" if "$count" in path else ""
        more += "Accept-Encoding: gzip, deflate\r\n" if self._packed else ""
        more += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        line = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
        self._socket.sendall(f"{line}Authorization: Bearer {self.bearer}\r\n{more}\r\n".encode() + body)

    def answer(self, *, keep: bool = False) -> bytes:
        """Receive a whole answer, and keep its body only on request."""
        data = self._received()
        while b"\r\n\r\n" not in data:
            data += self._received()
        header, body = data.split(b"\r\n\r\n", 1)
        assert header.startswith(b"HTTP/1.1 200"), header[:80]
        (length,) = (int(line[15:]) for line in header.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        chunks, got = [body], len(body)
        while got < length:
            more = self._socket.recv_into(self._buffer)
            assert more, "the connection ended in the middle of a body"
            got += more
            if keep:
                chunks.append(bytes(self._buffer[:more]))
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
        """Return the seconds that pages take, one after the other, over a new connection."""
        self.connect()
        begun = time.perf_counter()
        for path in paths:
            self.get(path)
        return time.perf_counter() - begun


class RawTenants:
    """One worker of the floor: chunks-alive sockets to both services, over which tenant after tenant is asked."""

    def __init__(self, service: dict[str, Any]) -> None:
        self._graph = [Raw(service["endpoint"], "", packed=True) for _ in _AT_FIRST]
        host, port = service["authority"].removeprefix("https://").split(":")
        self._authority = f"{host}:{port}"
        context = ssl.create_default_context(cafile=service["environment"]["SSL_CERT_FILE"])
        self._sign_in = context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host)
        self._groups = json.dumps({"ids": [service["tenants"][0][1]], "types": ["group"]}).encode()

    def read(self, tenant_id: str) -> None:
        """Sign in; organization, products, users and their count at once; names of groups: as the collection does."""
        bearer = self._token(tenant_id)
        for client, path in zip(self._graph, _AT_FIRST, strict=True):
            client.bearer = bearer
            client.ask(path)
        for client in self._graph:
            client.answer()
        self._graph[0].ask(_NAMES, self._groups)
        self._graph[0].answer()

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
    """Return the seconds that the requests of all tenants take, as many at a time as are collected at a time.

    Raises what a worker meets.
    """
    waiting: SimpleQueue[str] = SimpleQueue()
    for name, tenant_id in service["tenants"]:
        if name != WARMING:
            waiting.put(tenant_id)
    workers = [RawTenants(service) for _ in range(MAX_READING)]
    failures: list[Exception] = []

    def work(worker: RawTenants) -> None:
        try:
            while not failures:
                worker.read(waiting.get_nowait())
        except Empty:
            return
        except Exception as error:  # noqa: BLE001 - raised below, where somebody hears it
            failures.append(error)

    threads = [Thread(target=work, args=(worker,)) for worker in workers]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - begun
