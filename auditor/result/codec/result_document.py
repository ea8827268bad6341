"""The document of a result: `auditor/result/v1`."""

from typing import Any, Final

from auditor.domain.result.model import Result
from auditor.result.codec.encoder import TOOL
from auditor.result.messages import encoded_messages

SCHEMA: Final = "auditor/result/v1"


def result_document(result: Result) -> dict[str, Any]:
    """Return what `encoder.document` and `encoder.pieces` write of a result."""
    return {
        "schema": SCHEMA,
        "tool": {"name": TOOL, "version": result.run.tool_version},
        "run": result.run,
        "tenants": result.tenants,
        "fleet": result.fleet,
        "summary": result.summary,
        **encoded_messages(result),
    }
