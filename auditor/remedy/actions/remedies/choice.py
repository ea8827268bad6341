"""Chooses the remedy for each open finding of a tenant, one person or object at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct
from msgspec.structs import replace

from auditor.checks.assignments.not_allowed import CHECK as NOT_ALLOWED
from auditor.checks.check import Correction
from auditor.checks.registry import articles_of, check_of, correction_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Status, SubjectType
from auditor.domain.result.finding import Finding
from auditor.guidance import Situation
from auditor.guidance.routing import SEPARATE_ACCOUNTS
from auditor.remedy.actions.context import RemediationContext, RoutedFinding
from auditor.remedy.actions.remedies.model import PlannedChange, Remedy, merge_same_article, merged
from auditor.remedy.actions.remedies.proposals import Downgrade, downgrade, downgrade_of
from auditor.remedy.actions.remedies.targets import (
    groups_of,
    is_assignable,
    known_location,
    product_of,
    sku_of,
    target_of,
    written_of,
)
from auditor.remedy.requests import Addition, GraphRequest, assign_user, locate, reprocess

REMOVALS = frozenset({Correction.REPLACE, Correction.REMOVE})
"""Corrections that remove the product of the finding."""
_PATHS = frozenset({Correction.CHANGE_PATH, Correction.REMOVE_COPY})


class _OpenFindings(Struct):
    """Open findings of a tenant or a person, with their routes."""

    context: RemediationContext
    routes: Mapping[str, RoutedFinding]
    """Fingerprint → the route of the finding; also of other findings."""
    remaining: dict[str, Finding]
    """Findings that still need a remedy, by fingerprint; a finding is removed once it has one."""

    def route(self, finding: Finding) -> RoutedFinding:
        return self.routes[finding.fingerprint]

    def merged_situation(self, findings: Iterable[Finding]) -> Situation:
        return merged([self.route(finding).situation for finding in findings])

    def take(self, findings: Iterable[Finding]) -> list[Finding]:
        """Remove findings from those that need a remedy, and return them."""
        selection = list(findings)
        for finding in selection:
            self.remaining.pop(finding.fingerprint, None)
        return selection

    def take_lacking(self, first: Finding) -> list[Finding]:
        """Take the findings that a person lacks the product of `first`, which is the first one returned."""
        target = target_of(first, self.context)
        lacking = [f for f in self.remaining.values() if correction_of(f) is Correction.ASSIGN]
        return self.take([first, *(f for f in lacking if f is not first and target_of(f, self.context) == target)])

    def take_paths(self, product: str) -> list[Finding]:
        """Take the findings about the assignment paths of a product."""
        path_findings = [finding for finding in self.remaining.values() if correction_of(finding) in _PATHS]
        return self.take([f for f in path_findings if f.product is not None and f.product.sku_id == product])


def remedies_of(
    context: RemediationContext, routes: Sequence[RoutedFinding], changes: Iterable[PlannedChange] = ()
) -> Iterator[Remedy]:
    """Yield a remedy for every open finding, each finding in exactly one; changes of a plan come first.

    `routes` are those of the tenant's findings, in the same order. Then come the remedies of people, in the order of
    their first findings, and then all others.
    """
    by_fingerprint = {finding.fingerprint: route for finding, route in zip(context.findings, routes, strict=True)}
    remaining = {finding.fingerprint: finding for finding in context.findings if finding.status is Status.OPEN}
    open_findings = _OpenFindings(context, by_fingerprint, remaining)
    for change in changes:
        if (remedy := _planned_remedy(open_findings, change)) is not None:
            yield remedy
    people: dict[str, list[Finding]] = {}
    objects: list[Finding] = []
    for finding in open_findings.remaining.values():
        if finding.subject.type is SubjectType.USER:
            people.setdefault(finding.subject.id, []).append(finding)
        else:
            objects.append(finding)
    for findings in people.values():
        yield from _personal(replace(open_findings, remaining={}), findings)
    for finding in objects:
        yield object_remedy(finding, open_findings.route(finding))


def personal_remedies(
    context: RemediationContext, findings: Sequence[Finding], routes: Sequence[RoutedFinding]
) -> Sequence[Remedy]:
    """Return the remedies of a person; `findings` are all open findings about the person, in report order."""
    by_fingerprint = {finding.fingerprint: route for finding, route in zip(findings, routes, strict=True)}
    return _personal(_OpenFindings(context, by_fingerprint, {}), findings)


def object_remedy(finding: Finding, route: RoutedFinding) -> Remedy:
    """Return the remedy for a finding about a product, subscription, contract, group or tenant.

    Raises ValueError if its check describes no action.
    """
    action = check_of(finding.check).action
    if action is None:
        raise ValueError(f"the check {finding.check} describes no action")
    kind, seats, text, product, article = action(finding, route.situation)
    old, extra = product or product_of(finding), (text,) if text else ()
    money = finding.money if kind is ActionKind.BUDGET else None
    article = article or route.article
    return Remedy(kind, (finding,), route.situation, article, old=old, extra=extra, seats=seats, money=money)


def _planned_remedy(open_findings: _OpenFindings, change: PlannedChange) -> Remedy | None:
    findings = open_findings.take(
        open_findings.remaining[fingerprint]
        for fingerprint in change.findings
        if fingerprint in open_findings.remaining
    )
    if not findings:
        return None
    situation = open_findings.merged_situation(findings)
    # A group in error should give the new product: the same change ends the conflict and retries the group's licence.
    errors = [f for f in findings if change.kind is ActionKind.MOVE and correction_of(f) is Correction.RETRY]
    article = open_findings.route(errors[0]).article if errors else _article(change.kind, findings[0].check, situation)
    return Remedy(
        change.kind,
        tuple(findings),
        situation,
        article,
        old=change.old,
        new=change.new,
        extra=change.extra,
        requests=change.requests,
        lost=change.lost,
        proven=change.blocked is None,
        answered=change.answered,
        blocked=change.blocked,
    )


def _article(kind: ActionKind, check: str, situation: Situation) -> str:
    match kind:
        case ActionKind.MOVE | ActionKind.MOVE_GROUP | ActionKind.GROUP_SWAP:
            route = replace(situation, replacement_required=True)
            # The article about moving belongs to the check of the product to remove.
            is_missing = check_of(check).correction is Correction.ASSIGN
            return (NOT_ALLOWED if is_missing else check_of(check)).articles(route)[0]
        case ActionKind.COPY:
            return "duplicate-assignment"
        case ActionKind.GROUP_LICENCE:
            return "group-licenses"
        case _:
            return articles_of(check, situation)[0]


def _personal(person: _OpenFindings, findings: Sequence[Finding]) -> list[Remedy]:
    """Return the remedies of a person: removals of products first, then errors, then the rest."""
    products: dict[str, list[Finding]] = {}
    errors: list[Finding] = []
    role_findings: list[Finding] = []
    smaller: dict[Downgrade, list[Finding]] = {}
    for finding in findings:
        proposal = downgrade_of(finding, person.context)
        if proposal is not None:
            smaller.setdefault(proposal, []).append(finding)
        elif person.route(finding).article == SEPARATE_ACCOUNTS:
            role_findings.append(finding)
        elif correction_of(finding) in REMOVALS and finding.product is not None:
            products.setdefault(sku_of(finding), []).append(finding)
        elif correction_of(finding) is Correction.RETRY:
            errors.append(finding)
        else:
            person.remaining[finding.fingerprint] = finding
    remedies = [_removal(person, sku_id, unwanted) for sku_id, unwanted in products.items()]
    for proposal, own_findings in smaller.items():
        if proposal.old in products:  # whoever loses the product needs no smaller one
            index = list(products).index(proposal.old)
            remedies[index] = replace(remedies[index], findings=(*remedies[index].findings, *own_findings))
        else:
            remedies.append(downgrade(own_findings, person.route(own_findings[0]), proposal))
    if role_findings:  # An everyday account with a directory role keeps its products and loses the role.
        route = person.route(role_findings[0])
        remedies.append(Remedy(ActionKind.SEPARATE, tuple(role_findings), route.situation, route.article))
    if errors:
        remedies = [_fix_group_error(person, remedy, errors) for remedy in remedies]
    if len(remedies) > 1:
        remedies = merge_same_article(remedies)
    remedies += [_error(person, finding) for finding in errors]
    while person.remaining:
        finding = person.remaining.pop(next(iter(person.remaining)))
        remedies.append((_path if correction_of(finding) in _PATHS else _other)(person, finding))
    return remedies


def _removal(person: _OpenFindings, sku_id: str, unwanted: Sequence[Finding]) -> Remedy:
    """Remove a product that should not be held, in exchange for one that the same policy requires."""
    first = unwanted[0]
    situation, article, target = person.route(first).situation, person.route(first).article, ""
    if len(unwanted) > 1:
        situation = person.merged_situation(unwanted)
        article = articles_of(first.check, situation)[0]
    required = _take_required(person, {finding.policy for finding in unwanted}, sku_id)
    findings = (*unwanted, *required, *person.take_paths(sku_id))
    if required:
        target = target_of(required[0], person.context)
    if situation.path in {"group", "both"}:
        kind, groups = ActionKind.MOVE_GROUP if required else ActionKind.LEAVE_GROUP, groups_of(first)
    else:
        kind, groups = ActionKind.MOVE if required else ActionKind.UNASSIGN, ()
    requests: tuple[GraphRequest, ...] = ()
    direct = situation.path == "direct" and situation.self_service is not True
    if direct and (not required or is_assignable(target, person.context)):
        added = [Addition(sku_id=target)] if required else []
        requests = (assign_user(first.subject.id, add=added, remove=[sku_id]),)
    return Remedy(kind, findings, situation, article, old=sku_id, new=target, extra=groups, requests=requests)


def _fix_group_error(person: _OpenFindings, remedy: Remedy, errors: list[Finding]) -> Remedy:
    """If a group should give the new product but is in error, fix the error instead of assigning a direct copy.

    The same remedy fixes the error and follows its article; the error is removed from `errors`.
    """
    if remedy.kind is not ActionKind.MOVE:
        return remedy
    for error in errors:
        if sku_of(error) == remedy.new and "@" in (error.detail or ""):
            errors.remove(error)
            article = person.route(error).article
            return replace(remedy, findings=(*remedy.findings, error), article=article, requests=())
    return remedy


def _take_required(person: _OpenFindings, policies: AbstractSet[str], sku_id: str) -> list[Finding]:
    """Take the first finding that one of these policies requires a product of the same kind, if there is one.

    Findings of other policies that require the same product for this person are fixed by the same change.
    """
    required = (f for f in person.remaining.values() if correction_of(f) is Correction.ASSIGN and f.policy in policies)
    first = next((f for f in required if person.context.replaces(written_of(f), sku_id)), None)
    return [] if first is None else person.take_lacking(first)


def _error(person: _OpenFindings, finding: Finding) -> Remedy:
    """Fix an assignment in error, and with it the findings that the person lacks its product."""
    sku_id, route = sku_of(finding), person.route(finding)
    lacking = person.take(
        [
            missing
            for missing in person.remaining.values()
            if correction_of(missing) is Correction.ASSIGN and sku_id in person.context.choices(written_of(missing))
        ]
    )
    code, _, group = (finding.detail or "").partition("@")
    waiting = code.casefold() == "countviolation" and bool(group)
    return Remedy(
        ActionKind.REPROCESS if waiting else ActionKind.ERROR,
        (finding, *lacking),
        route.situation,
        route.article,
        old=sku_id,
        extra=(code,) if code else (),
        requests=(reprocess(finding.subject.id),) if waiting else (),
    )


def _other(person: _OpenFindings, finding: Finding) -> Remedy:
    """Fix a finding about a missing product, services or properties."""
    user, detail, route = finding.subject.id, finding.detail or "", person.route(finding)
    findings: Sequence[Finding] = (finding,)
    old, new = sku_of(finding), ""
    extra: tuple[str, ...] = ()
    requests: tuple[GraphRequest, ...] = ()
    correction = correction_of(finding)
    match correction:
        case Correction.ASSIGN:
            new, findings = target_of(finding, person.context), person.take_lacking(finding)
            assignable = is_assignable(new, person.context)
            requests = (assign_user(user, add=[Addition(sku_id=new)]),) if assignable else ()
        case Correction.CHOOSE:
            old, smallest = detail, person.context.smallest(detail)
            extra = (smallest,) if smallest else ()
        case Correction.SET_ATTRIBUTE:
            extra, country = (detail,), known_location(finding, person.context)
            requests = () if country is None else (locate(user, country),)
        case _:
            extra = (detail,) if detail else ()
    return Remedy(
        _KINDS[correction],
        tuple(findings),
        route.situation,
        route.article,
        old=old,
        new=new,
        extra=extra,
        requests=requests,
    )


_KINDS: Mapping[Correction | None, ActionKind] = {
    Correction.ASSIGN: ActionKind.ASSIGN,
    Correction.CHOOSE: ActionKind.OVERLAP,
    Correction.ENABLE_SERVICE: ActionKind.SERVICE_ON,
    Correction.DISABLE_SERVICE: ActionKind.SERVICE_OFF,
    Correction.SET_ATTRIBUTE: ActionKind.ATTRIBUTE_SET,
    Correction.CORRECT_ATTRIBUTE: ActionKind.ATTRIBUTE_CORRECT,
}


def _path(person: _OpenFindings, finding: Finding) -> Remedy:
    """Choose the path to remove: the direct one if a group also gives the product and no policy requires it direct."""
    sku_id, route = sku_of(finding), person.route(finding)
    findings = (finding, *person.take_paths(sku_id))
    blocks = (person.context.assignments(f.policy) for f in findings if correction_of(f) is Correction.CHANGE_PATH)
    required_paths = {block.via for block in blocks if block is not None}
    kind, article = ActionKind.COPIES, route.article
    requests: tuple[GraphRequest, ...] = ()
    if route.situation.path == "both" and "direct" not in required_paths:
        kind, article = ActionKind.COPY, "duplicate-assignment"
        requests = (assign_user(finding.subject.id, remove=[sku_id]),)
    elif "direct" in required_paths:
        kind, article = ActionKind.TO_DIRECT, "group-to-direct"
    elif "group" in required_paths:
        kind, article = ActionKind.TO_GROUP, "direct-to-group"
    return Remedy(kind, findings, route.situation, article, old=sku_id, requests=requests)
