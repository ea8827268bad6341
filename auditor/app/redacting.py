"""A Result into the same result with stable pseudonyms for people: who it is about can be told apart, not told."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from auditor.domain.result import Action, Finding, Result, Subject, TenantResult
from auditor.domain.words import SubjectType

_PERSONAL = frozenset({"userPrincipalName", "displayName", "mail", "id", "userId"})
"""Keys of evidence that tell who somebody is."""


def redacted(result: Result) -> Result:
    """Replace ids, names and addresses of users in every finding and action.

    The pseudonym is a hash of tenant and user id, so that it stays the same from run to run; fingerprints stay as they
    are. Groups, products and departments are not people and keep their names.
    """
    return replace(result, tenants=tuple(map(_tenant, result.tenants)))


def pseudonym(tenant_id: str, user_id: str) -> str:
    """Return the stable name that stands for a user of a tenant."""
    return "user-" + hashlib.sha256(f"{tenant_id}\x1f{user_id}".encode()).hexdigest()[:12]


def _tenant(tenant: TenantResult) -> TenantResult:
    people: dict[str, str] = {}
    for finding in (*tenant.findings, *tenant.fixed):
        if finding.subject.type is SubjectType.USER:
            name = pseudonym(tenant.tenant_id, finding.subject.id)
            known = (finding.subject.id, finding.subject.name, str(finding.evidence.get("userPrincipalName") or ""))
            people.update({text: name for text in known if text})
    return replace(
        tenant,
        findings=tuple(_finding(finding, people) for finding in tenant.findings),
        fixed=tuple(_finding(finding, people) for finding in tenant.fixed),
        actions=tuple(_action(action, people) for action in tenant.actions),
    )


def _finding(finding: Finding, people: Mapping[str, str]) -> Finding:
    if finding.subject.type is not SubjectType.USER:
        return finding
    name = people[finding.subject.id]
    evidence = {key: name if key in _PERSONAL and value else value for key, value in finding.evidence.items()}
    return replace(finding, subject=Subject(type=SubjectType.USER, id=name, name=name), evidence=evidence)


def _action(action: Action, people: Mapping[str, str]) -> Action:
    return replace(
        action,
        title=_text(action.title, people),
        prerequisites=tuple(_text(text, people) for text in action.prerequisites),
        steps=tuple(_text(text, people) for text in action.steps),
        warnings=tuple(_text(text, people) for text in action.warnings),
        requests=tuple(_plain(request, people) for request in action.requests),
    )


def _plain(value: Any, people: Mapping[str, str]) -> Any:
    """Replace people in any JSON value."""
    match value:
        case str():
            return _text(value, people)
        case dict():
            return {key: _plain(item, people) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, people) for item in value]
        case _:
            return value


def _text(text: str, people: Mapping[str, str]) -> str:
    """Replace every known id, name and address in a text, the longest first."""
    for known in sorted(people, key=len, reverse=True):
        if known in text:
            text = text.replace(known, people[known])
    return text
