"""Opens connections for messages: TLS, through the proxy of the machine's settings, plain http on this machine only."""

import base64
import http.client
import socket
import ssl
import urllib.parse

from auditor.domain.errors import printable
from auditor.domain.message import Message
from auditor.graph.request_guard import LOOPBACK
from auditor.graph.transport.proxy import proxy_address


def is_private(url: urllib.parse.SplitResult) -> bool:
    """Return whether nobody can listen: https, or plain http on this machine."""
    return url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)


def open_connection(
    url: urllib.parse.SplitResult, trusted: ssl.SSLContext, timeout: float
) -> http.client.HTTPConnection:
    """Return an open connection to the host of a URL; `timeout` is in seconds for each step.

    Raises OSError or HTTPException: nothing was sent to the service then; and SettingsError for a proxy that cannot be
    used, such as one that is reached over TLS.
    """
    host = url.hostname or ""
    if not is_private(url):
        raise OSError("plain http is for this machine only")
    address = None if host in LOOPBACK else proxy_address(url.netloc, tls=False)
    proxy = None if address is None else urllib.parse.urlsplit(address)
    connection: http.client.HTTPConnection
    if url.scheme == "http":
        connection = http.client.HTTPConnection(host, url.port or 80, timeout=timeout)
    elif proxy is None:
        connection = http.client.HTTPSConnection(host, url.port or 443, timeout=timeout, context=trusted)
    else:
        connection = http.client.HTTPSConnection(
            proxy.hostname or "", proxy.port or 8080, timeout=timeout, context=trusted
        )
        user = urllib.parse.unquote(f"{proxy.username}:{proxy.password or ''}") if proxy.username else ""
        basic = {"Proxy-Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"} if user else {}
        connection.set_tunnel(host, url.port or 443, headers=basic)
    try:
        connection.connect()
    except BaseException:
        connection.close()
        raise
    return connection


def connection_error(error: Exception) -> Message:
    """Return what went wrong with a connection, in words, without the URL."""
    match error:
        case socket.gaierror():
            return Message("there is no host of that name")
        case TimeoutError():
            return Message("no answer in time")
        case OSError() if error.strerror:
            return Message(printable(error.strerror))
        case _:
            return Message(type(error).__name__)
