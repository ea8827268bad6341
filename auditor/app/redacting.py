"""A Result into the same result with stable pseudonyms for people: who it is about can be told apart, not told."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from auditor.domain.result import Action, Finding, Result, Run, Subject, TenantResult
from auditor.domain.words import SubjectType

_PERSONAL = frozenset({"userPrincipalName", "displayName", "mail", "id", "userId"})
"""Keys of evidence and selectors that tell who somebody is."""
_TOKEN = re.compile(r"""[^\s/'"(),;=<>\[\]{}]*[^\s/'"(),;=<>\[\]{}.:!?]""")
"""What can be an id or an address in a text: no address and no id holds one of these signs, or ends in a stop."""


def redacted(result: Result) -> Result:
    """Replace ids, names and addresses of users in findings, actions, notices and in the selectors of policies.

    The pseudonym is a hash of tenant and user id, so that it stays the same from run to run; fingerprints stay as they
    are. Groups, products and departments are not people and keep their names; so do the owners of policies and
    waivers, to whom the report is addressed.
    """
    return replace(result, run=_run(result.run), tenants=tuple(map(_tenant, result.tenants)))


def pseudonym(tenant_id: str, user_id: str) -> str:
    """Return the stable name that stands for a user of a tenant."""
    return "user-" + hashlib.sha256(f"{tenant_id}\x1f{user_id}".encode()).hexdigest()[:12]


def _run(run: Run) -> Run:
    headers = []
    for header in run.policies:
        users = header.spec.get("users")
        spec = header.spec if users is None else {**header.spec, "users": _selector(users)}
        headers.append(replace(header, spec=spec))
    populations = run.definitions.get("populations") or {}
    definitions = {
        **run.definitions,
        "populations": {name: _selector(selector) for name, selector in populations.items()},
        "waivers": [
            {key: _selector(value) if key == "users" else value for key, value in waiver.items()}
            for waiver in run.definitions.get("waivers") or ()
        ],
    }
    return replace(run, policies=tuple(headers), definitions=definitions)


def _selector(selector: Any) -> Any:
    """Replace the people whom a selector names; the names of populations and groups stay."""
    match selector:
        case Mapping():
            return {key: _anonymous(value) if key in _PERSONAL else _selector(value) for key, value in selector.items()}
        case list() | tuple():
            return [_selector(item) for item in selector]
        case _:
            return selector


def _anonymous(value: Any) -> Any:
    match value:
        case str():
            return pseudonym("", value.casefold())
        case Mapping():
            return {key: _anonymous(item) for key, item in value.items()}
        case list() | tuple():
            return [_anonymous(item) for item in value]
        case _:
            return value


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
        notices=tuple(replace(notice, message=_text(notice.message, people)) for notice in tenant.notices),
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
        case Mapping():
            return {key: _plain(item, people) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, people) for item in value]
        case _:
            return value


def _text(text: str, people: Mapping[str, str]) -> str:
    """Replace every known id and address in a text; a name that is no more than a word of it says nothing."""
    whole = people.get(text)
    return whole if whole is not None else _TOKEN.sub(lambda found: people.get(found[0], found[0]), text)
