"""The open findings of a tenant into remedies: what would mend which, for one person or product."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from auditor.domain.policy import Assignments, Attributes
from auditor.domain.result import Finding
from auditor.domain.words import Status, SubjectType
from auditor.guidance import Situation, choose
from auditor.remedy.commands import Addition, Command, assign_user, locate, reprocess
from auditor.remedy.kinds import Kind
from auditor.remedy.remedy import Decided, Remedy
from auditor.remedy.situating import UNWANTED, Circumstances, path_of, situation_of
from auditor.remedy.things import thing_of
from auditor.remedy.visits import once_each

REMOVING = UNWANTED | {"assignment.redundant"}
"""Checks that are mended when the product of the finding is taken away."""
_PATHS = frozenset({"assignment.path", "assignment.duplicate"})


@dataclass(slots=True)
class _Desk:
    """The findings that still need a remedy."""

    known: Circumstances
    left: dict[str, Finding] = field(default_factory=dict)

    def take(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Take findings off the desk; those that are gone already stay gone."""
        return tuple(finding for finding in findings if self.left.pop(finding.fingerprint, None) is not None)


def remedies_of(known: Circumstances, decided: Iterable[Decided] = ()) -> tuple[Remedy, ...]:
    """Return a remedy for every open finding, each finding in exactly one; decisions of a plan go first."""
    open_ = {f.fingerprint: f for f in known.tenant.findings if f.status is Status.OPEN}
    desk = _Desk(known, open_)
    made = [remedy for one in decided if (remedy := _decided(desk, one)) is not None]
    for person in _people(desk.left.values()).values():
        made.extend(_removals(desk, person))
        made.extend(_errors(desk, person))
        made.extend(_rest(desk, person))
    made.extend(_things(desk))
    return tuple(made)


def merged(findings: Iterable[Finding], known: Circumstances) -> Situation:
    """Return one situation for several findings about a person: what one of them knows, all know."""
    first, *others = [situation_of(finding, known) for finding in findings]
    for other in others:
        first = replace(
            first,
            inactive=first.inactive or other.inactive,
            never_signed_in=first.never_signed_in or other.never_signed_in,
            replacement_required=first.replacement_required or other.replacement_required,
            self_service=first.self_service or other.self_service,
            is_trial=first.is_trial or other.is_trial,
            path=first.path or other.path,
        )
    return first


def _decided(desk: _Desk, one: Decided) -> Remedy | None:
    findings = desk.take([desk.left[mark] for mark in one.findings if mark in desk.left])
    if not findings:
        return None
    situation = merged(findings, desk.known)
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
    )


def _article(kind: Kind, check: str, situation: Situation) -> str:
    match kind:
        case Kind.MOVE | Kind.MOVE_GROUP | Kind.GROUP_SWAP:
            way = replace(situation, replacement_required=True)
            return choose("assignment.not-allowed" if check == "assignment.missing" else check, way)[0]
        case Kind.COPY:
            return "duplicate-assignment"
        case Kind.GROUP_LICENCE:
            return "group-licenses"
        case _:
            return choose(check, situation)[0]


def _people(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    people: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.subject.type is SubjectType.USER:
            people.setdefault(finding.subject.id, []).append(finding)
    return people


def _removals(desk: _Desk, person: list[Finding]) -> Iterator[Remedy]:
    """Take away each product that should not be held, in exchange for what the same policy asks for."""
    products: dict[str, list[Finding]] = {}
    made: list[Remedy] = []
    for finding in person:
        if finding.check in REMOVING and finding.fingerprint in desk.left and finding.product is not None:
            products.setdefault(finding.product.sku_id or "", []).append(finding)
    for sku_id, findings in products.items():
        wanted = [
            other
            for other in person
            if other.check == "assignment.missing"
            and other.fingerprint in desk.left
            and other.policy in {finding.policy for finding in findings}
        ][:1]
        also = [f for f in person if f.check in _PATHS and f.product is not None and f.product.sku_id == sku_id]
        taken = desk.take([*findings, *wanted, *also])
        made.append(_removal(desk.known, sku_id, taken, wanted[0] if wanted else None))
    return once_each(made)


def _removal(known: Circumstances, sku_id: str, findings: tuple[Finding, ...], wanted: Finding | None) -> Remedy:
    first = findings[0]
    situation = merged([finding for finding in findings if finding.check in REMOVING], known)
    target = "" if wanted is None else target_of(wanted, known)
    direct = situation.path == "direct" and situation.self_service is not True
    moving = wanted is not None
    if situation.path in {"group", "both"}:
        kind = Kind.MOVE_GROUP if moving else Kind.LEAVE_GROUP
    else:
        kind = Kind.MOVE if moving else Kind.UNASSIGN
    commands: tuple[Command, ...] = ()
    if direct and (not moving or _is_sku(target, known)):
        added = [Addition(sku_id=target)] if moving else []
        commands = (assign_user(first.subject.id, add=added, remove=[sku_id]),)
    return Remedy(
        kind=kind,
        findings=findings,
        situation=situation,
        article=choose(first.check, situation)[0],
        subject=first.subject.id,
        old=sku_id,
        new=target,
        extra=", ".join(groups_of(first)) if kind in {Kind.MOVE_GROUP, Kind.LEAVE_GROUP} else "",
        commands=commands,
    )


def groups_of(finding: Finding) -> tuple[str, ...]:
    """Return the ids of the groups by which the product of a finding comes."""
    return tuple(
        str(path["assignedByGroup"]) for path in finding.evidence.get("paths") or () if path.get("assignedByGroup")
    )


def target_of(finding: Finding, known: Circumstances) -> str:
    """Return the skuId of the product that a person lacks, or the policy's words where they name no single one."""
    written = (finding.product.sku_part_number or "") if finding.product is not None else ""
    return known.skus.get(written.casefold(), written)


def _is_sku(name: str, known: Circumstances) -> bool:
    return name in known.seats and known.seats[name].applies_to.casefold() == "user"


def _errors(desk: _Desk, person: list[Finding]) -> Iterator[Remedy]:
    """Mend assignments in error; somebody who lacks a product for want of a seat needs no second assignment of it."""
    for finding in [item for item in person if item.check == "assignment.error" and item.fingerprint in desk.left]:
        sku_id = (finding.product.sku_id or "") if finding.product is not None else ""
        lacking = [
            other for other in person if other.check == "assignment.missing" and target_of(other, desk.known) == sku_id
        ]
        code, _, group = (finding.detail or "").partition("@")
        waiting = code.casefold() == "countviolation" and bool(group)
        situation = situation_of(finding, desk.known)
        yield Remedy(
            kind=Kind.REPROCESS if waiting else Kind.ERROR,
            findings=desk.take([finding, *lacking]),
            situation=situation,
            article=choose(finding.check, situation)[0],
            subject=finding.subject.id,
            old=sku_id,
            extra=code,
            commands=(reprocess(finding.subject.id),) if waiting else (),
        )


def _rest(desk: _Desk, person: list[Finding]) -> Iterator[Remedy]:
    """Mend what is neither a product too many nor an error: what is missing, copies, paths, services, properties."""
    for finding in person:
        if finding.fingerprint not in desk.left:
            continue
        sku_id = (finding.product.sku_id or "") if finding.product is not None else ""
        alike = [
            other
            for other in person
            if finding.check in _PATHS
            and other.check in _PATHS
            and other.product is not None
            and other.product.sku_id == sku_id
        ]
        taken = desk.take([finding, *alike])
        yield _one(desk.known, finding, taken, sku_id)


def _one(known: Circumstances, finding: Finding, findings: tuple[Finding, ...], sku_id: str) -> Remedy:
    situation = situation_of(finding, known)
    remedy = Remedy(
        kind=_PERSONAL.get(finding.check, Kind.ERROR),
        findings=findings,
        situation=situation,
        article=choose(finding.check, situation)[0],
        subject=finding.subject.id,
        old=sku_id,
    )
    user = finding.subject.id
    match finding.check:
        case "assignment.missing":
            target = target_of(finding, known)
            commands = (assign_user(user, add=[Addition(sku_id=target)]),) if _is_sku(target, known) else ()
            return replace(remedy, new=target, commands=commands)
        case "assignment.overlap":
            return replace(remedy, old=finding.detail or "")
        case "assignment.path" | "assignment.duplicate":
            return _path(known, remedy)
        case "service.missing" | "service.denied":
            return replace(remedy, extra=finding.detail or "")
        case "attribute.missing":
            country = known_location(finding, known)
            commands = () if country is None else (locate(user, country),)
            return replace(remedy, extra=finding.detail or "", commands=commands)
        case _:
            return replace(remedy, extra=finding.detail or "")


_PERSONAL: Mapping[str, Kind] = {
    "assignment.missing": Kind.ASSIGN,
    "assignment.overlap": Kind.OVERLAP,
    "service.missing": Kind.SERVICE_ON,
    "service.denied": Kind.SERVICE_OFF,
    "attribute.missing": Kind.ATTRIBUTE_SET,
    "attribute.not-allowed": Kind.ATTRIBUTE_CORRECT,
}


def _path(known: Circumstances, remedy: Remedy) -> Remedy:
    """Decide which path goes: the direct one where a group gives the product too and no policy wants it direct."""
    wanted = {_via(known, finding) for finding in remedy.findings if finding.check == "assignment.path"}
    path = path_of(remedy.findings[0])
    if path == "both" and "direct" not in wanted:
        command = assign_user(remedy.subject, remove=[remedy.old])
        return replace(remedy, kind=Kind.COPY, article="duplicate-assignment", commands=(command,))
    if "direct" in wanted:
        return replace(remedy, kind=Kind.TO_DIRECT, article="group-to-direct")
    if "group" in wanted:
        return replace(remedy, kind=Kind.TO_GROUP, article="direct-to-group")
    return replace(remedy, kind=Kind.COPIES)


def _via(known: Circumstances, finding: Finding) -> str | None:
    policy = known.policies.get(finding.policy)
    return policy.constraint.via if policy is not None and isinstance(policy.constraint, Assignments) else None


def known_location(finding: Finding, known: Circumstances) -> str | None:
    """Return the one usage location that the finding's own policy allows; nobody else's country is guessed."""
    policy = known.policies.get(finding.policy)
    if policy is None or not isinstance(policy.constraint, Attributes) or (finding.detail or "") != "usageLocation":
        return None
    values = [value for name, allowed in policy.constraint.allow if name == "usageLocation" for value in allowed]
    return values[0].upper() if len(values) == 1 and isinstance(values[0], str) and len(values[0]) == 2 else None


def _things(desk: _Desk) -> Iterator[Remedy]:
    """Mend what is not about people."""
    for finding in list(desk.left.values()):
        if finding.fingerprint not in desk.left:
            continue
        desk.take([finding])
        situation = situation_of(finding, desk.known)
        product = finding.product
        name = (product.sku_id or product.sku_part_number or "") if product is not None else ""
        kind, seats, extra = thing_of(finding, situation)
        yield Remedy(
            kind=kind,
            findings=(finding,),
            situation=situation,
            article=choose(finding.check, situation)[0],
            subject=finding.subject.id,
            old=name,
            extra=extra,
            seats=seats,
        )
