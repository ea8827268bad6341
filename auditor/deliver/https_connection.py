"""Opens connections for messages: TLS, through the configured proxy; plain HTTP only to this machine."""

import base64
import http.client
import socket
import ssl
import urllib.parse
from typing import Final

from auditor.domain.errors import printable
from auditor.domain.message import Message
from auditor.graph.request_guard import LOOPBACK
from auditor.graph.transport.proxy import proxy_address


def is_private(url: urllib.parse.SplitResult) -> bool:
    """Return whether a URL is safe from eavesdropping: it is https, or plain HTTP to this machine."""
    return url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)


def open_connection(
    url: urllib.parse.SplitResult, trusted: ssl.SSLContext, timeout: float
) -> http.client.HTTPConnection:
    """Return an open connection to the host of a URL; `timeout` is in seconds for each step.

    Raises OSError or HTTPException if the connection fails, before anything is sent to the service, and SettingsError
    for a proxy that cannot be used, such as one that requires TLS.
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
        credentials = urllib.parse.unquote(f"{proxy.username}:{proxy.password or ''}") if proxy.username else ""
        encoded = base64.b64encode(credentials.encode()).decode()
        headers = {"Proxy-Authorization": f"Basic {encoded}"} if credentials else {}
        connection.set_tunnel(host, url.port or 443, headers=headers)
    try:
        connection.connect()
    except BaseException:
        connection.close()
        raise
    return connection


CERTIFICATE_HINT: Final = Message("specify the CA certificate of a proxy in AUDITOR_CA_BUNDLE")
"""The hint for a certificate that is not trusted."""


def connection_error(error: Exception) -> Message:
    """Return a description of a connection error that does not contain the URL."""
    match error:
        case socket.gaierror():
            return Message("there is no host of that name")
        case TimeoutError():
            return Message("no response in time")
        case ssl.SSLCertVerificationError():
            return Message("its certificate is not trusted: {verify_message}", verify_message=error.verify_message)
        case OSError() if error.strerror:
            return Message(printable(error.strerror))
        case _:
            return Message(type(error).__name__)
