"""A Result into result.json, and one tenant's part of it into a file of its own."""

from auditor.domain.errors import UsageError
from auditor.domain.result import FleetResult, Result
from auditor.render.artifact import Artifact
from auditor.render.document import result_document
from auditor.render.json_text import document
from auditor.render.totals import summarise

_MEDIA_TYPE = "application/json"


def render(result: Result, *, locale: str) -> Artifact:
    """Write the whole run; the locale plays no part, machine output is the same everywhere."""
    del locale
    return Artifact(name="result.json", media_type=_MEDIA_TYPE, body=document(result_document(result)))


def tenant_json(result: Result, name: str) -> Artifact:
    """Write one tenant of the run as a result of its own, `<name>.json`; UsageError for a tenant it does not hold."""
    tenants = tuple(tenant for tenant in result.tenants if tenant.name == name)
    if not tenants:
        raise UsageError("tenant-unknown", f"the result holds no tenant '{name}'")
    part = Result(run=result.run, tenants=tenants, fleet=FleetResult(), summary=summarise(tenants))
    return Artifact(name=f"{name}.json", media_type=_MEDIA_TYPE, body=document(result_document(part)))
