"""Renders the JSON event of a signed webhook (`auditor/event/v1`): the outcome, and an entry for each action."""

from typing import Any, Final

from auditor.domain.enums import Severity
from auditor.domain.result.model import Result
from auditor.render.mail.view import MailView
from auditor.render.text.guidance import plain
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import single_line
from auditor.result.aggregate import changes
from auditor.result.codec.encoder import document, instant
from auditor.result.work_items import FLEET, WorkItem, is_certainly_done, work_items

TYPE: Final = "licences.audited"
SCHEMA: Final = "auditor/event/v1"
_MAX_TEXT: Final = 2_000
"""Maximum characters of a step or warning."""


def event(result: Result, view: MailView, l10n: Labels) -> bytes:
    """Return the event as JSON: counts, and the actions of each tenant, without findings and requests."""
    since = changes(result.tenants, result.fleet)
    items: dict[str, list[dict[str, Any]]] = {}
    for item in work_items(result):
        items.setdefault(item.tenant, []).append(_item(item))
    previous = result.run.previous
    data = {
        "schema": SCHEMA,
        "run": result.run.id,
        "asOf": instant(result.run.as_of),
        "previous": None if previous is None else instant(previous),
        "policyDigest": result.run.policy_digest,
        "complete": result.complete,
        "redacted": result.run.redacted,
        "weekly": view.reader.weekly,
        "language": view.page.language,
        "title": view.subject,
        "verdict": view.verdict,
        "link": view.reader.link or None,
        "open": {severity.value: result.summary.open.get(severity, 0) for severity in Severity},
        "waived": result.summary.waived,
        "notEvaluated": result.summary.not_evaluated,
        "changes": None
        if previous is None
        else {"new": since.new, "reopened": since.reopened, "fixed": since.fixed, "unconfirmed": since.unconfirmed},
        "tenants": [
            {
                "name": tenant.name,
                "tenantId": tenant.tenant_id,
                "displayName": single_line(tenant.display_name),
                "complete": is_certainly_done(tenant, complete=tenant.complete and tenant.failure is None),
                "failure": None if tenant.failure is None else single_line(l10n.translate(tenant.failure), _MAX_TEXT),
                "actions": items.get(tenant.name, []),
            }
            for tenant in result.tenants
        ],
        "fleet": {
            "complete": is_certainly_done(result.fleet, complete=result.complete),
            "actions": items.get(FLEET, []),
        },
    }
    return document({"type": TYPE, "timestamp": instant(result.run.as_of), "data": data})


def _item(item: WorkItem) -> dict[str, Any]:
    action = item.action
    links = [{"label": single_line(link.label), "address": link.address} for link in action.links]
    return {
        "id": item.id,
        "title": single_line(plain(action.title), 200),
        "severity": item.severity,
        "kind": action.kind,
        "order": action.order,
        "rank": action.rank,
        "findings": len(action.findings),
        "count": action.count,
        "owner": action.owner,
        "role": action.role,
        "due": action.due,
        "saves": action.saves,
        "costs": action.costs,
        "policies": [single_line(title, _MAX_TEXT) for title in item.policies],
        "why": single_line(action.why, _MAX_TEXT),
        "warnings": [single_line(plain(text), _MAX_TEXT) for text in action.warnings],
        "steps": [single_line(plain(text), _MAX_TEXT) for text in action.steps],
        "links": [link for link in links if link["address"].startswith("https://")],
    }
