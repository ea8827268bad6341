"""Renders findings as newline-delimited JSON: one finding with its tenant per line."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result
from auditor.render.formats import RenderOptions
from auditor.result.codec.encoder import line, members

_CHUNK_LINES = 1000
"""Lines per chunk of the output."""


def render(result: Result, _: RenderOptions) -> Iterable[bytes]:
    """Render all findings in the order of the result: tenant by tenant, then the fleet's (their tenant is null)."""
    return _chunks(result)


def _chunks(result: Result) -> Iterator[bytes]:
    for tenant in result.tenants:
        yield from _lines(tenant.name, tenant.findings)
    yield from _lines(None, result.fleet.findings)


def _lines(tenant: str | None, findings: Sequence[Finding]) -> Iterator[bytes]:
    remaining = iter(findings)
    while chunk := list(islice(remaining, _CHUNK_LINES)):
        yield b"".join([line({"tenant": tenant, **members(finding)}) for finding in chunk])
