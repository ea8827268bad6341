"""A server on loopback that passes each connection to a function of the test."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

Talk = Callable[[socket.socket], None]


@contextmanager
def listening(talk: Talk) -> Iterator[str]:
    """Serve until the end of the block; yields the host and the port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                talk(connection)

    Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.close()
