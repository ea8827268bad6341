"""Renders a Result as result.json, and single tenants of it as separate files."""

from collections.abc import Iterable, Iterator

from auditor.domain.result.model import Result
from auditor.render.formats import RenderOptions
from auditor.result.aggregate import single_tenant
from auditor.result.codec.encoder import document_parts
from auditor.result.codec.result_document import result_document

TenantSpans = dict[str, tuple[int, int]]
"""Start and end offset of each tenant's object in result.json, in bytes, by tenant name."""


def render(result: Result, _: RenderOptions) -> Iterable[bytes]:
    """Render the result of the run; the output does not depend on the language."""
    return result_json(result, {})


def tenant_json(result: Result, name: str) -> Iterable[bytes]:
    """Render the result of one tenant as `<name>.json`. Raises UsageError if the result does not contain the tenant."""
    return result_json(single_tenant(result, name), {})


def tenant_frame(result: Result, name: str) -> tuple[bytes, bytes]:
    """Return the bytes before and after the tenant's object in the output of `tenant_json`."""
    before, after = bytearray(), bytearray()
    target = before
    for index, part in document_parts(result_document(single_tenant(result, name))):
        if index is None:
            target += b"".join(part)
        else:
            target = after
    return bytes(before), bytes(after)


def result_json(result: Result, spans: TenantSpans) -> Iterator[bytes]:
    """Render the result of the run; the byte offsets of each tenant are added to `spans` while the body is consumed."""
    end = 0
    for index, part in document_parts(result_document(result)):
        start = end
        for piece in part:
            end += len(piece)
            yield piece
        if index is not None:
            spans[result.tenants[index].name] = start, end
