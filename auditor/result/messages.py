"""Collects the messages of a result, so that a saved one can be rendered in any language."""

from collections.abc import Iterator
from typing import Any

from auditor.domain.message import Message, encoded
from auditor.domain.result.model import FleetResult, Result, TenantResult


def encoded_messages(result: Result) -> dict[str, Any]:
    """Return the key `messages` of a document: template and arguments of reasons and notices, by their text."""
    found = {str(message): encoded(message) for message in _messages(result) if message.arguments}
    return {"messages": dict(sorted(found.items()))} if found else {}


def _messages(result: Result) -> Iterator[Message]:
    parts: tuple[TenantResult | FleetResult, ...] = (*result.tenants, result.fleet)
    for part in parts:
        yield from (notice.message for notice in part.notices)
        yield from (outcome.reason for outcome in part.policies if outcome.reason is not None)
    for tenant in result.tenants:
        yield from (source.reason for source in tenant.sources if source.reason is not None)
        yield from (share.reason for share in tenant.balance if share.reason is not None)
        if tenant.failure is not None:
            yield tenant.failure
