"""A web server on a free port of this machine, with or without TLS."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import trustme


@contextmanager
def web_server(
    handler: type[BaseHTTPRequestHandler], ca: trustme.CA | None = None, *, name: str = "localhost"
) -> Iterator[int]:
    """Serve until the end of the block, and yield the port; with a `ca`, over TLS with a certificate for `name`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(name).configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
