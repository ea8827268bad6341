"""Replaces users in a Result with pseudonyms that cannot be computed without the key."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, TypeVar

from msgspec.structs import replace

from auditor.domain.actions.action import Action, Link
from auditor.domain.enums import SubjectType
from auditor.domain.message import Message
from auditor.domain.result.model import Coverage, FleetResult, Notice, PolicyOutcome, Result, Run, TenantResult
from auditor.domain.result.verification import ActionVerdict, TenantVerification
from auditor.findings.action_table import mapped
from auditor.findings.open_findings import fingerprints_of
from auditor.findings.person_names import users_in
from auditor.result.redaction.departments import redacted_departments
from auditor.result.redaction.findings import redacted_batch, redacted_findings
from auditor.result.redaction.people import (
    PERSONAL,
    UserPseudonyms,
    named_in,
    people_in_policies,
    people_of,
    with_texts,
)
from auditor.result.redaction.pseudonyms import PSEUDONYM, RedactionKey

Part = TypeVar("Part", TenantResult, FleetResult)
Reasoned = TypeVar("Reasoned", Coverage, PolicyOutcome)

_REMOVED_KEYS = frozenset({"ticket", "approvedBy"})
"""Keys of waivers that are removed."""
REASON = "redacted"
"""Placeholder for the reason of a waiver, which is required, and of a decision."""
_QUOTED = re.compile(r"'([^']*)'")
_IDENTIFYING_VALUES = re.compile(rf"\b(?:{'|'.join(sorted(PERSONAL))}) '[^']*'(?:, '[^']*')*")
"""Pattern of quoted values of identifying properties in notices, whose apostrophes are typographic."""


def redacted(result: Result, key: RedactionKey) -> Result:
    """Replace users in findings, actions, notices and policies, and all fingerprints; instants become days.

    Ids, names and addresses of users and every address in free text become pseudonyms. Reasons, tickets and approvers
    of waivers are removed. Findings are sorted by pseudonym, because the order of ids would reveal them. Groups,
    products, departments and owners of policies are kept; the counts of departments with few users are merged. A
    redacted result is returned unchanged.
    """
    if result.run.redacted:
        return result
    named = named_in(result.run, key)
    return replace(
        result,
        run=_run(result.run, people_in_policies(result, key, named)),
        tenants=tuple(_tenant(tenant, key, named) for tenant in result.tenants),
        fleet=_fleet(result.fleet, UserPseudonyms(key=key, named=named)),
    )


def _run(run: Run, people: UserPseudonyms) -> Run:
    headers = []
    for header in run.policies:
        spec = _texts(header.spec, people)
        if "owner" in header.spec:
            spec["owner"] = header.spec["owner"]
        title, rationale = people.free_text(header.title), people.free_text(header.rationale)
        pages = header.references and tuple(
            replace(page, title=people.free_text(page.title), url=people.free_text(page.url))
            for page in header.references
        )
        headers.append(replace(header, title=title, rationale=rationale, references=pages, spec=spec))
    populations = run.definitions.get("populations") or {}
    definitions = {
        **run.definitions,
        "populations": {
            name: with_texts(_selector(selector, people.key), people.free_text)
            for name, selector in populations.items()
        },
        "waivers": [_waiver(waiver, people) for waiver in run.definitions.get("waivers") or ()],
    }
    redaction = people.key.redaction
    return replace(run, policies=tuple(headers), definitions=definitions, redacted=True, redaction=redaction)


def _texts(fields: Mapping[str, Any], people: UserPseudonyms) -> dict[str, Any]:
    """Replace the users in the fields of a policy or waiver."""
    return {
        name: with_texts(_selector(value, people.key) if name == "users" else value, people.free_text)
        for name, value in fields.items()
    }


def _waiver(waiver: Mapping[str, Any], people: UserPseudonyms) -> dict[str, Any]:
    """Return a waiver without its free texts, and with a pseudonym instead of its owner."""
    fields = _texts({name: value for name, value in waiver.items() if name not in _REMOVED_KEYS}, people)
    if "owner" in waiver:
        fields["owner"] = _waiver_owner(str(waiver["owner"]), people.key)
    return {**fields, "reason": REASON} if "reason" in fields else fields


def _waiver_owner(owner: str, key: RedactionKey) -> str:
    """Return the pseudonym of the owner of a waiver, which can be an address, a name, or empty."""
    return key.person("", owner.casefold()) if owner else owner


def _selector(selector: Any, key: RedactionKey) -> Any:
    """Replace the users in a selector; names of populations and groups are kept."""
    match selector:
        case Mapping():
            return {
                name: with_texts(value, lambda text: key.person("", text.casefold()))
                if name in PERSONAL
                else _selector(value, key)
                for name, value in selector.items()
            }
        case list() | tuple():
            return [_selector(item, key) for item in selector]
        case _:
            return selector


def _tenant(tenant: TenantResult, key: RedactionKey, named: Mapping[str, str]) -> TenantResult:
    verification = tenant.verification
    verified = () if verification is None else (finding.subject for finding in verification.findings)
    users = (
        *users_in(tenant.findings, tenant.fixed, tenant.unconfirmed),
        *((subject.id, subject.name, None) for subject in verified if subject.type is SubjectType.USER),
    )
    people = people_of(tenant.tenant_id, users, key, named)
    return replace(
        _part(tenant, people),
        sources=_reasons(tenant.sources, people),
        policies=_reasons(tenant.policies, people),
        failure=None if tenant.failure is None else tenant.failure.rewritten(people.quoted_text),
        departments=None if tenant.departments is None else redacted_departments(tenant.departments, people),
        verification=None if verification is None else _verification(verification, people),
    )


def _fleet(fleet: FleetResult, people: UserPseudonyms) -> FleetResult:
    past = fleet.past
    if past is not None:
        past = replace(
            past,
            findings=redacted_findings(past.findings, people),
            unconfirmed=redacted_findings(past.unconfirmed, people),
            closed=people.fingerprints(past.closed),
        )
    return replace(_part(fleet, people), past=past)


def _part(part: Part, people: UserPseudonyms) -> Part:
    """Replace users in the fields that a tenant and the fleet have in common."""
    findings = part.findings.map_batches(lambda batch: redacted_batch(batch, people))
    positions = {fingerprint: index for index, fingerprint in enumerate(fingerprints_of(findings))}
    return replace(
        part,
        findings=findings,
        fixed=redacted_findings(part.fixed, people),
        unconfirmed=redacted_findings(part.unconfirmed, people),
        closed=people.fingerprints(part.closed),
        actions=mapped(part.actions, lambda action: redacted_action(action, people, positions)),
        notices=tuple(
            replace(notice, message=_notice(notice, people), subject=people.free_text(notice.subject))
            for notice in part.notices
        ),
    )


def _reasons(items: Iterable[Reasoned], people: UserPseudonyms) -> tuple[Reasoned, ...]:
    return tuple(
        item if item.reason is None else replace(item, reason=item.reason.rewritten(people.quoted_text))
        for item in items
    )


def _verification(verification: TenantVerification, people: UserPseudonyms) -> TenantVerification:
    """Return the verification with pseudonyms and new fingerprints, sorted so that the order of ids is not revealed."""
    findings = (
        replace(
            finding, fingerprint=people.key.fingerprint(finding.fingerprint), subject=people.subject(finding.subject)
        )
        for finding in verification.findings
    )
    return replace(
        verification,
        actions=tuple(_action_verdict(action, people) for action in verification.actions),
        findings=tuple(sorted(findings, key=lambda finding: finding.fingerprint)),
    )


def _action_verdict(action: ActionVerdict, people: UserPseudonyms) -> ActionVerdict:
    steps = (replace(step, subject=people.text(step.subject)) for step in action.steps)
    run, decided = action.execution, action.decided
    return replace(
        action,
        title=people.program_text(action.title),
        title_arguments=people.title_arguments(action.title_arguments),
        steps=tuple(sorted(steps, key=lambda step: (step.subject, step.step))),
        findings=people.fingerprints(action.findings),
        decided=decided and replace(decided, decisions=tuple(map(people.free_text, decided.decisions))),
        execution=None if run is None else replace(run, by=tuple(map(people.free_text, run.by))),
    )


def _notice(notice: Notice, people: UserPseudonyms) -> Message:
    """Return the message of a notice; identifying values of a policy get the same pseudonyms as in the policy."""
    message = notice.message
    owner = message.arguments.get("owner")
    if notice.code.startswith("waiver.") and isinstance(owner, str):
        message = Message(message.id, **{**message.arguments, "owner": _waiver_owner(owner, people.key)})
    if notice.code != "policy.no-match":
        return message.rewritten(people.free_text)

    quoted = {value.replace("'", "\u2019"): pseudonym for value, pseudonym in people.named.items()}

    def pseudonym(value: re.Match[str]) -> str:
        name = value[1].casefold()
        return f"'{quoted.get(name) or people.key.person('', name)}'"

    return message.rewritten(
        lambda text: people.free_text(_IDENTIFYING_VALUES.sub(lambda match: _QUOTED.sub(pseudonym, match[0]), text))
    )


def redacted_action(action: Action, people: UserPseudonyms, positions: Mapping[str, int]) -> Action:
    """Replace users in an action, and order its findings by `positions`: fingerprint → index."""
    findings = sorted(
        map(people.key.fingerprint, action.findings),
        key=lambda fingerprint: (positions.get(fingerprint, -1), fingerprint),
    )
    return replace(
        action,
        findings=tuple(findings),
        title=people.program_text(action.title),
        title_arguments=people.title_arguments(action.title_arguments),
        prerequisites=tuple(map(people.program_text, action.prerequisites)),
        steps=tuple(map(people.program_text, action.steps)),
        warnings=tuple(map(people.program_text, action.warnings)),
        links=tuple(Link(label=people.text(link.label), address=people.text(link.address)) for link in action.links),
        requests=_requests([with_texts(request, people.program_text) for request in action.requests]),
        concern=None,
    )


def _requests(requests: Sequence[Any]) -> tuple[Any, ...]:
    """Sort consecutive requests about users by pseudonym; requests about the same user keep their order."""
    requests_with_pseudonyms = [(PSEUDONYM.findall(str(request)), request) for request in requests]
    ordered: list[Any] = []
    for has_pseudonyms, group in groupby(requests_with_pseudonyms, key=lambda item: bool(item[0])):
        ordered += [
            request for _, request in (sorted(group, key=lambda item: str(item[0][0])) if has_pseudonyms else group)
        ]
    return tuple(ordered)
