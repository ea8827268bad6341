"""The JSON document of a result, with the schema `auditor/result/v1`."""

from collections.abc import Iterator
from typing import Any, Final

from auditor.domain.message import Message, encoded
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.result.codec.encoder import TOOL

SCHEMA: Final = "auditor/result/v1"


def result_document(result: Result) -> dict[str, Any]:
    """Return the document of a result, for `encoder.document` and `encoder.document_parts`.

    Its `messages` are the templates and arguments of reasons and notices, by their text.
    """
    messages = {str(message): encoded(message) for message in _messages(result) if message.arguments}
    return {
        "schema": SCHEMA,
        "tool": {"name": TOOL, "version": result.run.tool_version},
        "run": result.run,
        "tenants": result.tenants,
        "fleet": result.fleet,
        "summary": result.summary,
        **({"messages": dict(sorted(messages.items()))} if messages else {}),
    }


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
