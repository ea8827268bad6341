"""Chooses for each open finding of a tenant which remedy fixes it, for one person or product."""

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
from auditor.remedy.actions.remedies.model import Decided, Remedy, merged
from auditor.remedy.actions.remedies.proposals import Downgrade, downgrade, downgrade_of
from auditor.remedy.actions.remedies.same_article import merge_same_article
from auditor.remedy.actions.remedies.targets import (
    groups_of,
    is_assignable,
    known_location,
    product_of,
    sku_of,
    target_of,
    written_of,
)
from auditor.remedy.requests import Addition, Command, assign_user, locate, reprocess

REMOVALS = frozenset({Correction.REPLACE, Correction.REMOVE})
"""The product of the finding is taken away."""
_PATHS = frozenset({Correction.CHANGE_PATH, Correction.REMOVE_COPY})


class _OpenFindings(Struct):
    """Open findings of a tenant or a person, with their routes."""

    context: RemediationContext
    routes: Mapping[str, RoutedFinding]
    """Fingerprint → the route of the finding; also of other findings."""
    left: dict[str, Finding]
    """Findings that still need a remedy, by fingerprint; the remedy that fixes one takes it out."""

    @classmethod
    def of(
        cls, context: RemediationContext, findings: Iterable[Finding], routes: Sequence[RoutedFinding]
    ) -> "_OpenFindings":
        routed = [(f, route) for f, route in zip(findings, routes, strict=True) if f.status is Status.OPEN]
        by_fingerprint = {finding.fingerprint: route for finding, route in routed}
        return cls(context, by_fingerprint, {finding.fingerprint: finding for finding, _ in routed})

    def route(self, finding: Finding) -> RoutedFinding:
        return self.routes[finding.fingerprint]

    def merged_situation(self, findings: Iterable[Finding]) -> Situation:
        return merged([self.route(finding).situation for finding in findings])

    def take(self, findings: Iterable[Finding]) -> list[Finding]:
        """Take findings out of those that need a remedy."""
        listed = list(findings)
        for finding in listed:
            self.left.pop(finding.fingerprint, None)
        return listed

    def take_lacking(self, first: Finding) -> list[Finding]:
        """Take out the findings that say of a person that they lack the product of `first`, which comes first."""
        target = target_of(first, self.context)
        lacking = [f for f in self.left.values() if correction_of(f) is Correction.ASSIGN]
        return self.take([first, *(f for f in lacking if f is not first and target_of(f, self.context) == target)])

    def take_paths(self, product: str) -> list[Finding]:
        """Take out what is wrong with the paths of a product."""
        wrong = [finding for finding in self.left.values() if correction_of(finding) in _PATHS]
        return self.take([f for f in wrong if f.product is not None and f.product.sku_id == product])


def remedies_of(
    context: RemediationContext, routes: Sequence[RoutedFinding], decided: Iterable[Decided] = ()
) -> Iterator[Remedy]:
    """Yield a remedy for every open finding, each finding in exactly one; decisions of a plan go first.

    `routes` are those of the tenant's findings, in their order. The remedies of people are in the order of their first
    findings, before all others.
    """
    open_findings = _OpenFindings.of(context, context.findings, routes)
    for one in decided:
        if (remedy := _decided(open_findings, one)) is not None:
            yield remedy
    people: dict[str, list[Finding]] = {}
    objects: list[Finding] = []
    for finding in open_findings.left.values():
        if finding.subject.type is SubjectType.USER:
            people.setdefault(finding.subject.id, []).append(finding)
        else:
            objects.append(finding)
    for findings in people.values():
        yield from _personal(replace(open_findings, left={}), findings)
    for finding in objects:
        yield object_remedy(finding, open_findings.route(finding))


def personal_remedies(
    context: RemediationContext, findings: Sequence[Finding], routes: Sequence[RoutedFinding]
) -> Sequence[Remedy]:
    """Return the remedies of a person; `findings` are all open ones about the person, in report order."""
    by_fingerprint = {finding.fingerprint: route for finding, route in zip(findings, routes, strict=True)}
    return _personal(_OpenFindings(context, by_fingerprint, {}), findings)


def object_remedy(finding: Finding, route: RoutedFinding) -> Remedy:
    """Return what fixes a finding about a product, subscription, contract, group or tenant.

    Raises ValueError where its check describes no action.
    """
    action = check_of(finding.check).action
    if action is None:
        raise ValueError(f"the check {finding.check} describes no action")
    kind, seats, extra, other = action(finding, route.situation)
    old = other or product_of(finding)
    return Remedy(kind, (finding,), route.situation, route.article, old=old, extra=extra, seats=seats)


def _decided(open_findings: _OpenFindings, one: Decided) -> Remedy | None:
    findings = open_findings.take(open_findings.left[each] for each in one.findings if each in open_findings.left)
    if not findings:
        return None
    situation = open_findings.merged_situation(findings)
    return Remedy(
        one.kind,
        tuple(findings),
        situation,
        _article(one.kind, findings[0].check, situation),
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


def _personal(person: _OpenFindings, findings: Sequence[Finding]) -> list[Remedy]:
    """Fix what is wrong with a person: products too many first, then errors, then what is left."""
    products: dict[str, list[Finding]] = {}
    errors: list[Finding] = []
    roles: list[Finding] = []
    smaller: dict[Downgrade, list[Finding]] = {}
    for finding in findings:
        proposal = downgrade_of(finding, person.context)
        if proposal is not None:
            smaller.setdefault(proposal, []).append(finding)
        elif person.route(finding).article == SEPARATE_ACCOUNTS:
            roles.append(finding)
        elif correction_of(finding) in REMOVALS and finding.product is not None:
            products.setdefault(sku_of(finding), []).append(finding)
        elif correction_of(finding) is Correction.RETRY:
            errors.append(finding)
        else:
            person.left[finding.fingerprint] = finding
    remedies = [_removal(person, sku_id, unwanted) for sku_id, unwanted in products.items()]
    remedies += [downgrade(own, person.route(own[0]), each) for each, own in smaller.items()]
    if roles:  # The products of an everyday account that has a role stay; the role is what goes.
        route = person.route(roles[0])
        remedies.append(Remedy(ActionKind.SEPARATE, tuple(roles), route.situation, route.article))
    if errors:
        remedies = [_by_group(person, remedy, errors) for remedy in remedies]
    if len(remedies) > 1:
        remedies = merge_same_article(remedies)
    remedies += [_error(person, finding) for finding in errors]
    while person.left:
        finding = person.left.pop(next(iter(person.left)))
        remedies.append((_path if correction_of(finding) in _PATHS else _one)(person, finding))
    return remedies


def _removal(person: _OpenFindings, sku_id: str, unwanted: Sequence[Finding]) -> Remedy:
    """Take away a product that should not be held, in exchange for what the same policy asks for."""
    first = unwanted[0]
    situation, article, target = person.route(first).situation, person.route(first).article, ""
    if len(unwanted) > 1:
        situation = person.merged_situation(unwanted)
        article = articles_of(first.check, situation)[0]
    wanted = _asked_for(person, {finding.policy for finding in unwanted}, sku_id)
    findings = (*unwanted, *wanted, *person.take_paths(sku_id))
    if wanted:
        target = target_of(wanted[0], person.context)
    if situation.path in {"group", "both"}:
        kind, groups = ActionKind.MOVE_GROUP if wanted else ActionKind.LEAVE_GROUP, ", ".join(groups_of(first))
    else:
        kind, groups = ActionKind.MOVE if wanted else ActionKind.UNASSIGN, ""
    commands: tuple[Command, ...] = ()
    direct = situation.path == "direct" and situation.self_service is not True
    if direct and (not wanted or is_assignable(target, person.context)):
        added = [Addition(sku_id=target)] if wanted else []
        commands = (assign_user(first.subject.id, add=added, remove=[sku_id]),)
    return Remedy(kind, findings, situation, article, old=sku_id, new=target, extra=groups, commands=commands)


def _by_group(person: _OpenFindings, remedy: Remedy, errors: list[Finding]) -> Remedy:
    """Let a group give what a person is moved to, where it is to give it and cannot: a direct copy would be too much.

    The error is fixed by the same action, which follows its article; it is taken out of `errors`.
    """
    if remedy.kind is not ActionKind.MOVE:
        return remedy
    for error in errors:
        if sku_of(error) == remedy.new and "@" in (error.detail or ""):
            errors.remove(error)
            article = person.route(error).article
            return replace(remedy, findings=(*remedy.findings, error), article=article, commands=())
    return remedy


def _asked_for(person: _OpenFindings, policies: AbstractSet[str], sku_id: str) -> list[Finding]:
    """Take out the first finding of a product of the same kind that these policies ask for, if there is one.

    Other policies that ask for the same product of this person are fixed by the same change.
    """
    asked = (f for f in person.left.values() if correction_of(f) is Correction.ASSIGN and f.policy in policies)
    first = next((f for f in asked if person.context.replaces(f.policy, written_of(f), sku_id)), None)
    return [] if first is None else person.take_lacking(first)


def _error(person: _OpenFindings, finding: Finding) -> Remedy:
    """Fix an assignment in error; somebody who lacks a product for want of a seat needs no second one of it."""
    sku_id, route = sku_of(finding), person.route(finding)
    lacking = person.take(
        [
            other
            for other in person.left.values()
            if correction_of(other) is Correction.ASSIGN
            and sku_id in person.context.choices(other.policy, written_of(other))
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
        extra=code,
        commands=(reprocess(finding.subject.id),) if waiting else (),
    )


def _one(person: _OpenFindings, finding: Finding) -> Remedy:
    """Fix what is neither a product too many nor an error nor a path: what is missing, services, properties."""
    user, detail, route = finding.subject.id, finding.detail or "", person.route(finding)
    findings: Sequence[Finding] = (finding,)
    old, new, extra = sku_of(finding), "", ""
    commands: tuple[Command, ...] = ()
    correction = correction_of(finding)
    match correction:
        case Correction.ASSIGN:
            new, findings = target_of(finding, person.context), person.take_lacking(finding)
            assignable = is_assignable(new, person.context)
            commands = (assign_user(user, add=[Addition(sku_id=new)]),) if assignable else ()
        case Correction.CHOOSE:
            old = detail
        case Correction.SET_ATTRIBUTE:
            extra, country = detail, known_location(finding, person.context)
            commands = () if country is None else (locate(user, country),)
        case _:
            extra = detail
    return Remedy(
        _KINDS[correction],
        tuple(findings),
        route.situation,
        route.article,
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


def _path(person: _OpenFindings, finding: Finding) -> Remedy:
    """Decide which path goes: the direct one where a group gives the product too and no policy wants it direct."""
    sku_id, route = sku_of(finding), person.route(finding)
    findings = (finding, *person.take_paths(sku_id))
    blocks = (person.context.assignments(f.policy) for f in findings if correction_of(f) is Correction.CHANGE_PATH)
    wanted = {block.via for block in blocks if block is not None}
    kind, article = ActionKind.COPIES, route.article
    commands: tuple[Command, ...] = ()
    if route.situation.path == "both" and "direct" not in wanted:
        kind, article = ActionKind.COPY, "duplicate-assignment"
        commands = (assign_user(finding.subject.id, remove=[sku_id]),)
    elif "direct" in wanted:
        kind, article = ActionKind.TO_DIRECT, "group-to-direct"
    elif "group" in wanted:
        kind, article = ActionKind.TO_GROUP, "direct-to-group"
    return Remedy(kind, findings, route.situation, article, old=sku_id, commands=commands)
