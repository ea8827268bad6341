"""Writes plan.http: the requests of a plan as messages for REST clients, with the token as a variable."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from auditor.domain.errors import printable_line
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.requests import root
from auditor.render.plan.scripts.data_block import about, changes_in, names_of, scopes_of


def http_messages(plan: TenantPlan, as_of: str) -> bytes:
    """Return the requests in the plan's order. Raises UsageError if the plan cannot be run.

    Each is a request message (RFC 9110, in HTTP/1.1 format) below a line with the numbers of action and step, and the
    subject. `{{token}}` is the only variable: double braces in a tenant's texts are separated.
    """
    return ("\n".join(_lines(plan, as_of)) + "\n").encode("utf-8", "replace")


def _lines(plan: TenantPlan, as_of: str) -> Iterator[str]:
    changes, names = changes_in(plan), names_of(plan)
    yield _comment(f"Plan of {plan.title} ({plan.tenant_id}), {as_of}")
    yield "# Send the requests in this order, and stop at the first that fails. Here nothing compares the state with"
    yield "# the snapshot; plan.ps1 does. `token` is a token of this tenant with the permissions that the actions name."
    seats = {decided.action for decided in plan.decided_seats}
    for number, action in enumerate(plan.actions, start=1):
        if action.id not in changes.steps and number not in seats:
            continue
        yield ""
        yield _comment(f"{number}. {action.title}")
        if number in seats:
            yield "# There is no request for this action: carry it out in this place of the order."
            continue
        if action.confidence == "review":
            yield "# A person has to decide first."
        yield f"# Permissions: {', '.join(scopes_of(changes.steps[action.id]))}"
        for step in changes.steps[action.id]:
            yield ""
            yield "##" + _comment(f"{number}.{step.number} {about(step, changes, names)}")
            yield f"{step.request.method} {root(plan.cloud)}{step.request.path} HTTP/1.1"
            yield "Authorization: Bearer {{token}}"
            if step.request.body:
                yield "Content-Type: application/json"
                yield ""
                yield _body(step.request.body)


def _body(body: Mapping[str, Any]) -> str:
    """Return JSON in which `{{` is escaped, so that the REST client finds no variable in it."""
    return json.dumps(body, ensure_ascii=True, indent=2).replace("{{", "{\\u007b")


def _comment(text: str) -> str:
    return f"# {printable_line(text).replace('{{', '{ {').replace('}}', '} }')}"
