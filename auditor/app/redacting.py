"""A Result into the same result with stable pseudonyms for people: who it is about can be told apart, not told."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditor.app.packing import rewritten
from auditor.domain.result import Action, Finding, Notice, Result, Run, Subject, TenantResult
from auditor.domain.words import SubjectType
from auditor.remedy.planned import FleetPlan

_PERSONAL = frozenset({"userPrincipalName", "displayName", "mail", "id", "userId"})
"""Keys of evidence and selectors that tell who somebody is."""
_TOKEN = re.compile(r"""[^\s/'"(),;=<>\[\]{}]*[^\s/'"(),;=<>\[\]{}.:!?]""")
"""What can be an id or an address in a text: no address and no id holds one of these signs, or ends in a stop."""

_QUOTED = re.compile(r"'([^']*)'")
_NAMED = re.compile(rf"\b(?:{'|'.join(sorted(_PERSONAL))}) '[^']*'(?:, '[^']*')*")
"""What a notice quotes of a property that tells who somebody is."""


def redacted(result: Result) -> Result:
    """Replace ids, names and addresses of users in findings, actions, notices and in the selectors of policies.

    The pseudonym is a hash of tenant and user id, so that it stays the same from run to run; fingerprints stay as they
    are. Groups, products and departments are not people and keep their names; so do the owners of policies and
    waivers, to whom the report is addressed. A result of pseudonyms stays as it is: theirs would be other ones.
    """
    if result.run.redacted:
        return result
    return replace(result, run=_run(result.run), tenants=tuple(rewritten(tenant, _tenant) for tenant in result.tenants))


def redacted_plan(plan: FleetPlan) -> FleetPlan:
    """Replace people in a plan as in a result; the same person has the same pseudonym in both."""
    tenants = []
    for tenant in plan.tenants:
        people = _people(tenant.tenant_id, (*tenant.findings, *tenant.proof.new))
        solved = replace(tenant.solved, partial=tuple(_text(name, people) for name in tenant.solved.partial))
        proof = replace(
            tenant.proof,
            new=tuple(_finding(finding, people) for finding in tenant.proof.new),
            remaining=tuple(replace(item, why=_text(item.why, people)) for item in tenant.proof.remaining),
        )
        dropped = tuple(
            replace(item, subject=_text(item.subject, people), why=_text(item.why, people)) for item in tenant.dropped
        )
        tenants.append(
            replace(
                tenant,
                actions=tuple(_action(action, people) for action in tenant.actions),
                findings=tuple(_finding(finding, people) for finding in tenant.findings),
                proof=proof,
                dropped=dropped,
                solved=solved,
            )
        )
    return replace(plan, tenants=tuple(tenants))


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
    return replace(run, policies=tuple(headers), definitions=definitions, redacted=True)


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
    people = _people(tenant.tenant_id, (*tenant.findings, *tenant.fixed, *tenant.unconfirmed))
    return replace(
        tenant,
        findings=tuple(_finding(finding, people) for finding in tenant.findings),
        fixed=tuple(_finding(finding, people) for finding in tenant.fixed),
        unconfirmed=tuple(_finding(finding, people) for finding in tenant.unconfirmed),
        actions=tuple(_action(action, people) for action in tenant.actions),
        notices=tuple(_notice(notice, people) for notice in tenant.notices),
    )


def _notice(notice: Notice, people: "_People") -> Notice:
    """Replace people in a notice, and the values by which a policy names them: they get the policy's pseudonyms."""
    message = _text(notice.message, people)
    if notice.code == "policy.no-match":
        message = _NAMED.sub(lambda found: _QUOTED.sub(_hidden, found[0]), message)
    return replace(notice, message=message)


def _hidden(quoted: re.Match[str]) -> str:
    return f"'{_anonymous(quoted[1])}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """The pseudonyms of a tenant's users: by id, and by everything that names them in a text."""

    ids: Mapping[str, str]
    texts: Mapping[str, str]


def _people(tenant_id: str, findings: Iterable[Finding]) -> _People:
    ids: dict[str, str] = {}
    names: dict[str, str] = {}
    addresses: dict[str, str] = {}
    for finding in findings:
        if finding.subject.type is SubjectType.USER:
            user = finding.subject.id
            name = ids[user] = ids.get(user) or pseudonym(tenant_id, user)
            names[finding.subject.name] = name
            addresses[str(finding.evidence.get("userPrincipalName") or "")] = name
    # Anybody may be called what is another's id: the id goes before.
    texts = {**names, **addresses, **ids}
    texts.pop("", None)
    return _People(ids=ids, texts=texts)


def _finding(finding: Finding, people: _People) -> Finding:
    if finding.subject.type is not SubjectType.USER:
        return finding
    name = people.ids[finding.subject.id]
    personal = {key: name for key in _PERSONAL & finding.evidence.keys() if finding.evidence[key]}
    evidence = {**finding.evidence, **personal}
    return replace(finding, subject=Subject(type=SubjectType.USER, id=name, name=name), evidence=evidence)


def _action(action: Action, people: _People) -> Action:
    return replace(
        action,
        title=_text(action.title, people),
        prerequisites=tuple(_text(text, people) for text in action.prerequisites),
        steps=tuple(_text(text, people) for text in action.steps),
        warnings=tuple(_text(text, people) for text in action.warnings),
        requests=tuple(_plain(request, people) for request in action.requests),
    )


def _plain(value: Any, people: _People) -> Any:
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


def _text(text: str, people: _People) -> str:
    """Replace every known id and address in a text; a name that is no more than a word of it says nothing."""
    whole = people.texts.get(text)
    if whole is not None:
        return whole
    if people.texts.keys().isdisjoint(_TOKEN.findall(text)):  # as in most texts: they name nobody
        return text
    return _TOKEN.sub(lambda found: people.texts.get(found[0], found[0]), text)
