"""Decides for each open finding of a tenant which remedy fixes it, for one person or product."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from auditor.checks.assignments.not_allowed import CHECK as NOT_ALLOWED
from auditor.checks.check import Correction
from auditor.checks.registry import articles_of, check_of, correction_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Status, SubjectType
from auditor.domain.policy.model import Assignments
from auditor.domain.result.model import Finding
from auditor.guidance import Situation
from auditor.guidance.routing import SEPARATE_ACCOUNTS
from auditor.remedy.actions.context import RemediationContext, RoutedFinding
from auditor.remedy.actions.guidance.same_article import merge_same_article
from auditor.remedy.actions.model import Decided, Remedy, merged
from auditor.remedy.actions.object_remedies import object_remedy
from auditor.remedy.actions.proposals import Downgrade, downgrade, downgrade_of, separate_account
from auditor.remedy.actions.targets import groups_of, is_assignable, known_location, target_of, written_of
from auditor.remedy.requests import Addition, Command, assign_user, locate, reprocess

REMOVALS = frozenset({Correction.REPLACE, Correction.REMOVE})
"""The product of the finding is taken away."""
_PATHS = frozenset({Correction.CHANGE_PATH, Correction.REMOVE_COPY})


@dataclass(frozen=True, slots=True)
class _OpenFindings:
    """The open findings of a tenant with their routes."""

    known: RemediationContext
    routes: Mapping[str, RoutedFinding]
    """Fingerprint → the situation of the finding."""


_Left = dict[str, Finding]
"""Findings that still need a remedy, by fingerprint; the remedy that fixes one takes it out."""


def remedies_of(
    known: RemediationContext, situations: Sequence[RoutedFinding], decided: Iterable[Decided] = ()
) -> tuple[Remedy, ...]:
    """Return a remedy for every open finding, each finding in exactly one; decisions of a plan go first.

    `situations` are those of the tenant's findings, in their order.
    """
    open_findings, left = _opened(known, known.findings, situations)
    remedies = [remedy for one in decided if (remedy := _decided(open_findings, left, one)) is not None]
    return (*remedies, *_remedies(open_findings, left.values()))


def personal_remedies(
    known: RemediationContext, findings: Sequence[Finding], routes: Sequence[RoutedFinding]
) -> Sequence[Remedy]:
    """Return the remedies of a person; `findings` are all open ones about the person, in report order."""
    return _personal(_opened(known, findings, routes)[0], findings)


def object_remedies(
    known: RemediationContext, findings: Iterable[Finding], routes: Sequence[RoutedFinding]
) -> Iterator[tuple[Finding, Remedy]]:
    """Yield the open findings about anything but people, each with what fixes it."""
    open_findings, left = _opened(known, findings, routes)
    routed = open_findings.routes
    return ((finding, object_remedy(finding, routed[finding.fingerprint])) for finding in left.values())


def _opened(
    known: RemediationContext, findings: Iterable[Finding], situations: Sequence[RoutedFinding]
) -> tuple[_OpenFindings, _Left]:
    left: _Left = {}
    routes: dict[str, RoutedFinding] = {}
    for finding, route in zip(findings, situations, strict=True):
        if finding.status is Status.OPEN:
            left[finding.fingerprint], routes[finding.fingerprint] = finding, route
    return _OpenFindings(known, routes), left


def _remedies(open_findings: _OpenFindings, findings: Iterable[Finding]) -> Iterator[Remedy]:
    """Yield the remedies of people, in the order of their first findings, then all others."""
    people: dict[str, list[Finding]] = {}
    things: list[Finding] = []
    for finding in findings:
        if finding.subject.type is SubjectType.USER:
            people.setdefault(finding.subject.id, []).append(finding)
        else:
            things.append(finding)
    for found in people.values():
        yield from _personal(open_findings, found)
    for finding in things:
        yield object_remedy(finding, open_findings.routes[finding.fingerprint])


def _decided(open_findings: _OpenFindings, left: _Left, one: Decided) -> Remedy | None:
    findings = tuple([left.pop(fingerprint) for fingerprint in one.findings if fingerprint in left])
    if not findings:
        return None
    situation = merged([open_findings.routes[finding.fingerprint].situation for finding in findings])
    return Remedy(
        kind=one.kind,
        findings=findings,
        situation=situation,
        article=_article(one.kind, findings[0].check, situation),
        subject=findings[0].subject.id,
        old=one.old,
        new=one.new,
        extra=one.extra,
        commands=one.commands,
        lost=one.lost,
        proven=True,
        answered=one.answered,
    )


def _article(kind: ActionKind, check: str, situation: Situation) -> str:
    match kind:
        case ActionKind.MOVE | ActionKind.MOVE_GROUP | ActionKind.GROUP_SWAP:
            route = replace(situation, replacement_required=True)
            # The article about moving stands with the product that goes.
            lacking = check_of(check).correction is Correction.ASSIGN
            return (NOT_ALLOWED if lacking else check_of(check)).articles(route)[0]
        case ActionKind.COPY:
            return "duplicate-assignment"
        case ActionKind.GROUP_LICENCE:
            return "group-licenses"
        case _:
            return articles_of(check, situation)[0]


def _sku_of(finding: Finding) -> str:
    return "" if finding.product is None else finding.product.sku_id or ""


def _personal(open_findings: _OpenFindings, findings: Sequence[Finding]) -> list[Remedy]:
    """Fix what is wrong with a person: products too many first, then errors, then what is left."""
    products: dict[str, list[Finding]] = {}
    errors: list[Finding] = []
    left: _Left = {}
    roles: list[Finding] = []
    smaller: dict[Downgrade, list[Finding]] = {}
    for finding in findings:
        proposal = downgrade_of(finding, open_findings.known)
        if proposal is not None:
            smaller.setdefault(proposal, []).append(finding)
        elif open_findings.routes[finding.fingerprint].article == SEPARATE_ACCOUNTS:
            roles.append(finding)
        elif correction_of(finding) in REMOVALS and finding.product is not None:
            products.setdefault(finding.product.sku_id or "", []).append(finding)
        elif correction_of(finding) is Correction.RETRY:
            errors.append(finding)
        else:
            left[finding.fingerprint] = finding
    remedies = [_removal(open_findings, sku_id, unwanted, left) for sku_id, unwanted in products.items()]
    remedies += [downgrade(own, open_findings.routes[own[0].fingerprint], each) for each, own in smaller.items()]
    remedies += [separate_account(roles, open_findings.routes[roles[0].fingerprint])] if roles else []
    if errors:
        remedies = [_by_group(open_findings, remedy, errors) for remedy in remedies]
    if len(remedies) > 1:
        remedies = merge_same_article(remedies)
    for finding in errors:
        remedies.append(_error(open_findings, finding, left))
    while left:
        finding = left.pop(next(iter(left)))
        remedies.append(
            _path(open_findings, finding, left)
            if correction_of(finding) in _PATHS
            else _one(open_findings, finding, left)
        )
    return remedies


def _removal(open_findings: _OpenFindings, sku_id: str, unwanted: Sequence[Finding], left: _Left) -> Remedy:
    """Take away a product that should not be held, in exchange for what the same policy asks for."""
    first, known = unwanted[0], open_findings.known
    route = open_findings.routes[first.fingerprint]
    situation, article, target = route.situation, route.article, ""
    findings = tuple(unwanted)
    wanted: Sequence[Finding] = ()
    if len(unwanted) > 1:
        situation = merged([open_findings.routes[finding.fingerprint].situation for finding in unwanted])
        article = articles_of(first.check, situation)[0]
    if left:
        wanted = _asked_for({finding.policy for finding in unwanted}, left, sku_id, known)
        findings = (*findings, *wanted, *_paths_of(sku_id, left))
        target = target_of(wanted[0], known) if wanted else ""
    moving = bool(wanted)
    if situation.path in {"group", "both"}:
        kind, groups = (
            (ActionKind.MOVE_GROUP if moving else ActionKind.LEAVE_GROUP),
            ", ".join(groups_of(first)),
        )
    else:
        kind, groups = (ActionKind.MOVE if moving else ActionKind.UNASSIGN), ""
    commands: tuple[Command, ...] = ()
    direct = situation.path == "direct" and situation.self_service is not True
    if direct and (not moving or is_assignable(target, known)):
        added = [Addition(sku_id=target)] if moving else []
        commands = (assign_user(first.subject.id, add=added, remove=[sku_id]),)
    return Remedy(
        kind=kind,
        findings=findings,
        situation=situation,
        article=article,
        subject=first.subject.id,
        old=sku_id,
        new=target,
        extra=groups,
        commands=commands,
    )


def _by_group(open_findings: _OpenFindings, remedy: Remedy, errors: list[Finding]) -> Remedy:
    """Let a group give what a person is moved to, where it is to give it and cannot: a direct copy would be too much.

    The error is fixed by the same action, which follows its article; it is taken out of `errors`.
    """
    if remedy.kind is not ActionKind.MOVE:
        return remedy
    for error in errors:
        if _sku_of(error) == remedy.new and "@" in (error.detail or ""):
            errors.remove(error)
            route = open_findings.routes[error.fingerprint]
            return replace(remedy, findings=(*remedy.findings, error), article=route.article, commands=())
    return remedy


def _asked_for(policies: AbstractSet[str], left: _Left, sku_id: str, known: RemediationContext) -> list[Finding]:
    """Take out the first finding of a product of the same kind that these policies ask for, if there is one.

    Other policies that ask for the same product of this person are fixed by the same change.
    """
    asked = [f for f in left.values() if correction_of(f) is Correction.ASSIGN and f.policy in policies]
    first = next((f for f in asked if known.replaces(f.policy, written_of(f), sku_id)), None)
    return [] if first is None else _lacking(left, target_of(first, known), known, first)


def _lacking(left: _Left, target: str, known: RemediationContext, first: Finding) -> list[Finding]:
    """Take out the findings that say of a person that they lack a product, `first` before the others."""
    same = [f for f in left.values() if correction_of(f) is Correction.ASSIGN and target_of(f, known) == target]
    ordered = [first, *(f for f in same if f is not first)]
    for finding in ordered:
        left.pop(finding.fingerprint, None)
    return ordered


def _paths_of(sku_id: str, left: _Left) -> list[Finding]:
    """Take out what is wrong with the paths of a product."""
    wrong = [finding for finding in left.values() if correction_of(finding) in _PATHS and finding.product is not None]
    return [left.pop(f.fingerprint) for f in wrong if f.product is not None and f.product.sku_id == sku_id]


def _error(open_findings: _OpenFindings, finding: Finding, left: _Left) -> Remedy:
    """Fix an assignment in error; somebody who lacks a product for want of a seat needs no second one of it."""
    sku_id = _sku_of(finding)
    lacking = [
        fingerprint
        for fingerprint, other in left.items()
        if correction_of(other) is Correction.ASSIGN
        and sku_id in open_findings.known.choices(other.policy, written_of(other))
    ]
    code, _, group = (finding.detail or "").partition("@")
    waiting = code.casefold() == "countviolation" and bool(group)
    route = open_findings.routes[finding.fingerprint]
    return Remedy(
        kind=ActionKind.REPROCESS if waiting else ActionKind.ERROR,
        findings=(finding, *[left.pop(fingerprint) for fingerprint in lacking]),
        situation=route.situation,
        article=route.article,
        subject=finding.subject.id,
        old=sku_id,
        extra=code,
        commands=(reprocess(finding.subject.id),) if waiting else (),
    )


def _one(open_findings: _OpenFindings, finding: Finding, left: _Left) -> Remedy:
    """Fix what is neither a product too many nor an error nor a path: what is missing, services, properties."""
    known, user, detail = open_findings.known, finding.subject.id, finding.detail or ""
    route = open_findings.routes[finding.fingerprint]
    findings: tuple[Finding, ...] = (finding,)
    old, new, extra = _sku_of(finding), "", ""
    commands: tuple[Command, ...] = ()
    correction = correction_of(finding)
    match correction:
        case Correction.ASSIGN:
            new = target_of(finding, known)
            findings = tuple(_lacking(left, new, known, finding))
            commands = (assign_user(user, add=[Addition(sku_id=new)]),) if is_assignable(new, known) else ()
        case Correction.CHOOSE:
            old = detail
        case Correction.SET_ATTRIBUTE:
            extra, country = detail, known_location(finding, known)
            commands = () if country is None else (locate(user, country),)
        case _:
            extra = detail
    return Remedy(
        kind=_KINDS[correction],
        findings=findings,
        situation=route.situation,
        article=route.article,
        subject=user,
        old=old,
        new=new,
        extra=extra,
        commands=commands,
    )


_KINDS: Mapping[Correction | None, ActionKind] = {
    Correction.ASSIGN: ActionKind.ASSIGN,
    Correction.CHOOSE: ActionKind.OVERLAP,
    Correction.ENABLE_SERVICE: ActionKind.SERVICE_ON,
    Correction.DISABLE_SERVICE: ActionKind.SERVICE_OFF,
    Correction.SET_ATTRIBUTE: ActionKind.ATTRIBUTE_SET,
    Correction.CORRECT_ATTRIBUTE: ActionKind.ATTRIBUTE_CORRECT,
}


def _path(open_findings: _OpenFindings, finding: Finding, left: _Left) -> Remedy:
    """Decide which path goes: the direct one where a group gives the product too and no policy wants it direct."""
    user, sku_id = finding.subject.id, _sku_of(finding)
    findings = (finding, *(_paths_of(sku_id, left) if left else ()))
    wanted = {_via(open_findings.known, each) for each in findings if correction_of(each) is Correction.CHANGE_PATH}
    route = open_findings.routes[finding.fingerprint]
    kind, article = ActionKind.COPIES, route.article
    commands: tuple[Command, ...] = ()
    if route.situation.path == "both" and "direct" not in wanted:
        kind, article = ActionKind.COPY, "duplicate-assignment"
        commands = (assign_user(user, remove=[sku_id]),)
    elif "direct" in wanted:
        kind, article = ActionKind.TO_DIRECT, "group-to-direct"
    elif "group" in wanted:
        kind, article = ActionKind.TO_GROUP, "direct-to-group"
    return Remedy(
        kind=kind,
        findings=findings,
        situation=route.situation,
        article=article,
        subject=user,
        old=sku_id,
        commands=commands,
    )


def _via(known: RemediationContext, finding: Finding) -> str | None:
    policy = known.policies.get(finding.policy)
    return policy.constraint.via if policy is not None and isinstance(policy.constraint, Assignments) else None
