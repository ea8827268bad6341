"""A Result's findings into newline-delimited JSON, one finding with its tenant on each line."""

from collections.abc import Iterator

from auditor.domain.result import Finding, Result
from auditor.render.artifact import Artifact
from auditor.render.document import finding_document
from auditor.render.json_text import line


def render(result: Result, *, locale: str) -> Artifact:
    """Write every finding, tenant by tenant and the fleet's last (its tenant is null), in the order of the result."""
    del locale
    return Artifact(name="findings.ndjson", media_type="application/x-ndjson", body=_lines(result))


def _lines(result: Result) -> Iterator[bytes]:
    for tenant in result.tenants:
        for finding in tenant.findings:
            yield _line(tenant.name, finding)
    for finding in result.fleet.findings:
        yield _line(None, finding)


def _line(tenant: str | None, finding: Finding) -> bytes:
    return line({"tenant": tenant, **finding_document(finding)})
