"""A Result into result.json, and one tenant's part of it into a file of its own."""

from typing import Final

from auditor.domain.result import Result
from auditor.render.artifact import Artifact
from auditor.render.formats import RenderOptions
from auditor.result.codec.encoder import pieces
from auditor.result.codec.result_document import result_document
from auditor.result.ranking import single_tenant

_MEDIA_TYPE: Final = "application/json"


def render(result: Result, _: RenderOptions) -> Artifact:
    """Write the whole run, the same in every language."""
    return Artifact(name="result.json", media_type=_MEDIA_TYPE, body=pieces(result_document(result)))


def tenant_json(result: Result, name: str) -> Artifact:
    """Write one tenant of the run as a result of its own, `<name>.json`; UsageError for a tenant it does not hold."""
    document = result_document(single_tenant(result, name))
    return Artifact(name=f"{name}.json", media_type=_MEDIA_TYPE, body=pieces(document))
