"""Template of an output format (see CONTRIBUTING.md): renders the findings of a Result as plain text, one per line."""

from collections.abc import Iterable, Iterator

from auditor.domain.result.model import Result
from auditor.render.formats import RenderOptions
from auditor.render.text.sanitize import visible


def render(result: Result, _: RenderOptions) -> Iterable[bytes]:
    """Write the tenant, policy, check and subject of every finding, separated by spaces."""
    return _lines(result)


def _lines(result: Result) -> Iterator[bytes]:
    for tenant in result.tenants:
        for finding in tenant.findings:
            line = f"{tenant.name} {finding.policy} {finding.check} {finding.subject.id}"
            yield f"{visible(line)}\n".encode("utf-8", "replace")
