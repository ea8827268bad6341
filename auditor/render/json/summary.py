"""A Result whose findings are in a table of their own into summary.json: counts in the place of findings."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from auditor.domain.result import Result
from auditor.engine.outcome import FindingCount
from auditor.render.artifact import Artifact
from auditor.result.codec.encoder import document
from auditor.result.codec.result_document import result_document

Document = dict[str, Any]
SCHEMA: Final = "auditor/summary/v1"
_LEFT_OUT: Final = frozenset(
    {"findings", "actions", "fixed", "unconfirmed", "closed", "past", "balance", "touchedWaivers"}
)
"""What a table holds, or what nobody makes where no finding is at hand."""


def summary_json(result: Result, raised: Mapping[str, Mapping[str, FindingCount]], *, file: str, rows: int) -> Artifact:
    """Write what result.json says of run, tenants and fleet, with the number of findings of every policy.

    `raised` counts them by tenant and policy; `file` is the name of the table, which has `rows` rows.
    """
    whole = orjson.loads(document(result_document(result)))
    tenants = [_tenant(tenant, raised.get(tenant["name"], {})) for tenant in whole["tenants"]]
    told = {**whole, "schema": SCHEMA, "findings": {"file": file, "rows": rows}}
    told |= {"tenants": tenants, "fleet": _fleet(whole["fleet"])}
    return Artifact(name="summary.json", media_type="application/json", body=document(told))


def _tenant(tenant: Document, raised: Mapping[str, FindingCount]) -> Document:
    policies = [
        {**outcome, "open": raised[outcome["id"]].open if outcome["id"] in raised else 0}
        for outcome in tenant["policies"]
    ]
    return {**_without(tenant), "policies": policies}


def _fleet(fleet: Document) -> Document:
    counts = [finding["policy"] for finding in fleet["findings"] if finding["status"] == "open"]
    policies = [{**outcome, "open": counts.count(outcome["id"])} for outcome in fleet["policies"]]
    return {**_without(fleet), "policies": policies}


def _without(part: Document) -> Document:
    return {name: value for name, value in part.items() if name not in _LEFT_OUT}
