"""Warns of placeholders that a tenants file still contains."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message
from auditor.domain.settings import NO_CLIENT
from auditor.policy.yaml.reader import Document

PLACEHOLDER: Final = "tenants-placeholder"
"""The slug of the warning."""


def placeholder_clients(document: Document, tenants: Sequence[Mapping[str, Any]]) -> tuple[Diagnostic, ...]:
    """Return a warning for each credential whose `clientId` is the placeholder of `auditor init`."""
    return tuple(
        Diagnostic(
            slug=PLACEHOLDER,
            message=Message("clientId is a placeholder: the tenant {tenant} cannot sign in", tenant=entry["name"]),
            span=document.span(("tenants", number, "credential", "clientId")),
            hint=Message("run the commands that `auditor init` prints, which create the application and write its id"),
            level=Level.WARNING,
        )
        for number, entry in enumerate(tenants)
        if (entry.get("credential") or {}).get("clientId") == NO_CLIENT
    )
