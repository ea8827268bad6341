"""A Result's findings into newline-delimited JSON, one finding with its tenant on each line."""

from collections.abc import Iterator, Sequence
from itertools import islice

from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.render.artifact import Artifact
from auditor.render.formats import RenderOptions
from auditor.result.codec.encoder import line, members

_LINES = 1000
"""Lines that are handed on together."""


def render(result: Result, _: RenderOptions) -> Artifact:
    """Write every finding, tenant by tenant and the fleet's last (its tenant is null), in the order of the result."""
    return Artifact(name="findings.ndjson", media_type="application/x-ndjson", body=_pages(result))


def _pages(result: Result) -> Iterator[bytes]:
    for tenant in result.tenants:
        yield from _lines(tenant.name, tenant.findings)
    yield from _lines(None, result.fleet.findings)


def _lines(tenant: str | None, findings: Sequence[Finding]) -> Iterator[bytes]:
    rest = iter(findings)
    while some := list(islice(rest, _LINES)):
        yield b"".join([line({"tenant": tenant, **members(finding)}) for finding in some])
