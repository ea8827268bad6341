"""Warns if addresses in a tenants file would send tokens and secrets to hosts that are not Microsoft's."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message
from auditor.graph.clouds import HOSTS
from auditor.graph.request_guard import LOOPBACK
from auditor.policy.yaml.reader import Document

_WARNINGS = {
    "endpoint": Message("tokens of the tenant {tenant} are sent to {host}, which is not a host of Microsoft Graph"),
    "authority": Message(
        "secrets of the tenant {tenant} are sent to {host}, which is not a sign-in service of Microsoft"
    ),
}


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
