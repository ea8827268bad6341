"""A Result into result.json, and one tenant's part of it into a file of its own."""

from collections.abc import Iterator
from typing import Final

from auditor.domain.result.model import Result
from auditor.render.artifact import Artifact
from auditor.render.formats import RenderOptions
from auditor.result.codec.encoder import framed_pieces
from auditor.result.codec.result_document import result_document
from auditor.result.ranking import single_tenant

TenantSpans = dict[str, tuple[int, int]]
"""Where in result.json the object of each tenant begins and ends, in bytes, by name."""
_MEDIA_TYPE: Final = "application/json"
_TENANTS: Final = "tenants"


def render(result: Result, _: RenderOptions) -> Artifact:
    """Write the whole run, the same in every language."""
    return result_json(result, {})


def result_json(result: Result, spans: TenantSpans) -> Artifact:
    """Write the whole run, and add where each tenant is to `spans` while the body is read."""
    return Artifact(name="result.json", media_type=_MEDIA_TYPE, body=_pieces(result, spans))


def tenant_json(result: Result, name: str) -> Artifact:
    """Write one tenant of the run as a result of its own, `<name>.json`; UsageError for a tenant it does not hold."""
    return Artifact(name=f"{name}.json", media_type=_MEDIA_TYPE, body=_pieces(single_tenant(result, name), {}))


def tenant_frame(result: Result, name: str) -> tuple[bytes, bytes]:
    """Return what stands before and behind the tenant's object in what `tenant_json` writes."""
    before, behind = bytearray(), bytearray()
    end = before
    for index, part in framed_pieces(result_document(single_tenant(result, name)), _TENANTS):
        if index is None:
            end += b"".join(part)
        else:
            end = behind
    return bytes(before), bytes(behind)


def _pieces(result: Result, spans: TenantSpans) -> Iterator[bytes]:
    end = 0
    for index, part in framed_pieces(result_document(result), _TENANTS):
        start = end
        for piece in part:
            end += len(piece)
            yield piece
        if index is not None:
            spans[result.tenants[index].name] = start, end
