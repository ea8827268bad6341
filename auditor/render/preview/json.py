"""Renders a Preview as preview.json (`auditor/preview/v1`)."""

from collections.abc import Iterable
from typing import Final

from auditor.domain.enums import Severity
from auditor.domain.preview import Preview
from auditor.result.codec.encoder import TOOL, document, members
from auditor.result.preview_counts import by_department, by_policy, total_count, worsened_severities

SCHEMA: Final = "auditor/preview/v1"


def render(preview: Preview, *, locale: str) -> Iterable[bytes]:  # noqa: ARG001 - all renderers of previews have this signature
    """Render preview.json; equal previews give equal bytes."""
    worsened = worsened_severities(preview)
    fleet = members(preview.fleet)
    del fleet["name"]
    content = {
        "schema": SCHEMA,
        "tool": {"name": TOOL, "version": preview.tool_version},
        "asOf": preview.as_of,
        "base": preview.base,
        "head": preview.head,
        "complete": preview.complete,
        "tenants": preview.tenants,
        "fleet": fleet,
        "summary": {
            **members(total_count(preview)),
            "worse": {severity.value: worsened.count(severity) for severity in Severity},
            "policies": [{**members(policy), **members(counts)} for policy, counts in by_policy(preview)],
            "departments": [{"name": name, **members(counts)} for name, counts in by_department(preview)],
            "notEvaluated": preview.unknown,
        },
    }
    return (document(content),)
