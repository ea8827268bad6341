"""A proxy over TLS that connects every tunnel to one port of this machine."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import trustme

from tests.builders.service.listeners import listening


@contextmanager
def tls_proxy(ca: trustme.CA, port: int, requests: list[bytes]) -> Iterator[str]:
    """Serve until the end of the block; yields the address. The head of each request is added to `requests`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)

    def talk(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as client:
            requests.append(client.recv(1 << 16))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(("127.0.0.1", port)) as service:
                back = Thread(target=_copy, args=(service, client), daemon=True)
                back.start()
                _copy(client, service)
                back.join(5)

    with listening(talk) as host:
        yield f"https://localhost:{host.rpartition(':')[2]}"


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
