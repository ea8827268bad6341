"""Checks the addresses of Graph roots and sign-in services, and warns of hosts that are not Microsoft's."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message
from auditor.graph.clouds import HOSTS
from auditor.graph.request_guard import ADDRESS_CHARACTER, LOOPBACK
from auditor.policy.yaml.reader import Document

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")

_WARNINGS = {
    "endpoint": Message("tokens of the tenant {tenant} are sent to {host}, which is not a host of Microsoft Graph"),
    "authority": Message(
        "secrets of the tenant {tenant} are sent to {host}, which is not a sign-in service of Microsoft"
    ),
}


def address_error(address: str, *, plain_on_loopback: bool) -> Message | None:
    """Return why an address cannot be used; None if tokens and secrets may be sent to it."""
    if not re.fullmatch(f"{ADDRESS_CHARACTER}+", address):
        return Message(
            "it has characters that are not allowed in an address (an international name is written as xn--…)"
        )
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return Message("it is not an address")
    if "@" in parts.netloc:
        return Message("it has user information")
    # urlsplit ignores text between the bracket of an IPv6 address and its port.
    if not host or not _HOST.fullmatch(host) or re.search(r"][^:]", parts.netloc):
        return Message("it has no host")
    if port == 0:
        return Message("it has port 0")
    if parts.query or parts.fragment or address.endswith(("?", "#")):
        return Message("it has a query or a fragment")
    if parts.scheme == "https":
        return None
    if parts.scheme == "http" and not plain_on_loopback:
        return Message("it must be https")
    if parts.scheme == "http" and host in LOOPBACK:
        return None
    if parts.scheme == "http":
        return Message("plain http is for loopback addresses only (localhost, 127.0.0.1, [::1])")
    return Message("its scheme is '{scheme}'", scheme=parts.scheme) if parts.scheme else Message("it has no scheme")


def canonical(address: str) -> str:
    """Return a checked address with scheme and host in lower case and without a trailing slash."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def foreign_hosts(document: Document, tenants: Sequence[Mapping[str, Any]]) -> tuple[Diagnostic, ...]:
    """Return a warning for each `endpoint` and `authority` that is neither Microsoft's nor a loopback address."""
    return tuple(
        Diagnostic(
            slug="tenants-foreign-host",
            message=Message(_WARNINGS[key], tenant=entry["name"], host=host),
            span=document.span(("tenants", number, key)),
            hint=Message("unless it is your own proxy or emulator, find out who changed it"),
            level=Level.WARNING,
        )
        for number, entry in enumerate(tenants)
        for key in _WARNINGS
        if key in entry and (host := urlsplit(entry[key]).hostname or "") not in HOSTS | LOOPBACK
    )
