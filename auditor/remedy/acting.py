"""Findings and their remedies into the fewest actions a person would take, in an order in which nothing breaks."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TypeVar

from auditor.domain.errors import printable
from auditor.domain.policy import Assignments
from auditor.domain.result import Action, Finding, Money
from auditor.domain.words import Agreement, SubjectType
from auditor.guidance import Library, Situation, Variant, compose
from auditor.remedy import wording
from auditor.remedy.kinds import JUDGED_ARTICLES, ORDER, REVIEWED, Kind, Term
from auditor.remedy.naming import owned_of, property_label, service_label
from auditor.remedy.remedies import remedies_of
from auditor.remedy.remedy import Decided, Remedy
from auditor.remedy.situating import Circumstances, Situated
from auditor.remedy.telling import Told, tell
from auditor.remedy.wording import ENGLISH, Words

_COUNTED_IN_SEATS = frozenset({Kind.BUY, Kind.REMOVE_NOW, Kind.REMOVE_AT_RENEWAL, Kind.QUOTA})
_OF_ONE_PRODUCT = _COUNTED_IN_SEATS | {Kind.STATE, Kind.EXPIRING, Kind.TRIAL}
"""Kinds that are settled in one visit to a product, whatever article each finding leads to."""
_AT_GROUPS = frozenset({Kind.LEAVE_GROUP, Kind.MOVE_GROUP, Kind.GROUP_LICENCE, Kind.GROUP_SWAP})
_TAKING = frozenset({Kind.UNASSIGN, Kind.LEAVE_GROUP, Kind.GROUP_LICENCE})
_MOVING = frozenset({Kind.MOVE, Kind.MOVE_GROUP, Kind.GROUP_SWAP})
_GIVING = frozenset({Kind.ASSIGN, Kind.WAIT})
_NEEDS_SEATS = _MOVING | {Kind.ASSIGN, Kind.REPROCESS}
_PLACES = {kind: place for place, kind in enumerate(ORDER)}
_Fact = TypeVar("_Fact")


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What turns remedies into actions: the tenant, the guidance, names and language."""

    known: Circumstances
    library: Library
    words: Words
    groups: Mapping[str, str]
    """Group id → name, as far as they are known."""
    terms: Mapping[str, Term]
    """SkuId → when its seats can go."""
    told: dict[tuple[str, Variant], Told] = field(default_factory=dict)
    """Guidance that was told already: many actions share one article and its circumstances."""

    def guidance(self, article: str, variant: Variant) -> Told:
        """Return the guidance of an article for a variant."""
        key = (article, variant)
        if key not in self.told:
            self.told[key] = tell(compose(self.library, article, variant), self.library.titles, self.words)
        return self.told[key]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Remedies of one kind that are one action for a person."""

    remedies: Sequence[Remedy]
    """The one that leads goes first: it brings the detail that the title names."""
    findings: Sequence[Finding]
    """All that they mend, the worst first."""

    @property
    def first(self) -> Remedy:
        return self.remedies[0]


def actions_of(
    known: Circumstances,
    situations: Sequence[Situated],
    library: Library,
    *,
    words: Words = ENGLISH,
    decided: Iterable[Decided] | None = None,
    groups: Mapping[str, str] | None = None,
    terms: Mapping[str, Term] | None = None,
) -> tuple[Action, ...]:
    """Return the actions for a tenant's open findings, each finding in exactly one; waived findings get none.

    `situations` are those of the tenant's findings, in their order. First stands what frees seats, then what buys,
    moves, removes and cancels; within that the worst and dearest. With the decisions of a plan only its own requests
    are listed: those of the evidence alone were not tried out.
    """
    named = {f.subject.id: f.subject.name for f in known.tenant.findings if f.subject.type is SubjectType.GROUP}
    office = Office(
        known=known,
        library=library,
        words=words,
        groups={**named, **(groups or {})},
        terms=terms or {},
    )
    remedies = remedies_of(known, situations, decided or ())
    if decided is not None:
        remedies = tuple(remedy if remedy.proven else replace(remedy, commands=()) for remedy in remedies)
    made = [(batch, _action(office, batch)) for batch in _batches(office, remedies)]
    made.sort(key=lambda item: _sort_key(*item))
    return _told_apart(office, [action for _, action in made])


def _told_apart(office: Office, actions: Sequence[Action]) -> tuple[Action, ...]:
    """Add why to titles that several actions share, and to those about leavers, guests and mailboxes."""
    titles = Counter(action.title for action in actions)
    named = office.library.titles
    return tuple(
        replace(action, title=wording.about(office.words, action.title, named[action.guidance]))
        if titles[action.title] > 1 or action.guidance in JUDGED_ARTICLES
        else action
        for action in actions
    )


def _batches(office: Office, remedies: Sequence[Remedy]) -> list[_Batch]:
    """Group remedies that are one action for a person."""
    stated = {remedy.old for remedy in remedies if remedy.kind is Kind.STATE}
    trials = {remedy.old for remedy in remedies if remedy.kind is Kind.TRIAL}
    batches: dict[tuple[object, ...], list[Remedy]] = {}
    for remedy in remedies:
        kind = remedy.kind
        if kind is Kind.REMOVE_AT_RENEWAL and _just_bought(office, remedy):
            kind = Kind.REMOVE_NOW
        elif kind is Kind.EXPIRING and (remedy.old in stated or remedy.old in trials):
            # Its end, its state and its being a trial are settled in one visit to the subscription.
            kind = Kind.STATE if remedy.old in stated else Kind.TRIAL
        if kind in _OF_ONE_PRODUCT:
            key: tuple[object, ...] = (kind, remedy.old)
        else:
            # The commands of a plan were tried out; those without any are for a person, so the two stay apart.
            key = (kind, remedy.article, remedy.old, remedy.new, remedy.extra, remedy.proven, bool(remedy.commands))
        batches.setdefault(key, []).append(remedy if kind is remedy.kind else replace(remedy, kind=kind))
    return [_batch(batch) for batch in batches.values()]


def _just_bought(office: Office, remedy: Remedy) -> bool:
    """Whether the seats were bought within the last seven days, in which Microsoft's own agreement takes them back."""
    term = office.terms.get(remedy.old)
    return term is not None and term.just_bought and remedy.situation.agreement is Agreement.MCA


def _batch(remedies: Sequence[Remedy]) -> _Batch:
    findings = [finding for remedy in remedies for finding in remedy.findings]
    return _Batch(
        sorted(remedies, key=lambda remedy: remedy.extra == ""),
        sorted(findings, key=lambda finding: (finding.severity.rank, finding.fingerprint)),
    )


def _action(office: Office, batch: _Batch) -> Action:
    first, findings, words = batch.first, batch.findings, office.words
    count = (
        max(remedy.seats for remedy in batch.remedies)
        if first.kind in _COUNTED_IN_SEATS
        else len({finding.subject.id for finding in findings})
    )
    article = next((r.article for r in batch.remedies if r.findings[0] is findings[0]), first.article)
    told = office.guidance(article, _variant(batch))
    before, after = _money(office, first, count)
    owner = ", ".join(_owners(office, findings))
    lost = {service for remedy in batch.remedies for service in remedy.lost}
    review = first.kind in REVIEWED or article in JUDGED_ARTICLES or bool(lost)
    return Action(
        id=_identity(office, first, article),
        guidance=article,
        findings=tuple(sorted([finding.fingerprint for finding in findings])),
        title=_title(office, first, count),
        role=told.role,
        prerequisites=_prerequisites(office, first, count, told),
        steps=told.steps,
        warnings=_warnings(office, first, lost, told),
        links=told.links,
        requests=tuple(command.document for remedy in batch.remedies for command in remedy.commands),
        money=_saved(before, after),
        kind=first.kind.value,
        order=ORDER[first.kind].value,
        count=count,
        owner=owner,
        decided_by=(owner or words.gettext(wording.POLICY_OWNER)) if review else "",
        confidence="review" if review else "certain",
        irreversible=told.irreversible,
        before=before,
        after=after,
    )


def _sort_key(batch: _Batch, action: Action) -> tuple[object, ...]:
    kind, worst = batch.first.kind, batch.findings[0].severity
    saved = Decimal(0) if action.money is None else action.money.per_month
    return (ORDER[kind].rank, worst.rank, -saved, _PLACES[kind], action.title, action.id)


def _owners(office: Office, findings: Sequence[Finding]) -> Iterable[str]:
    """Return who owns the policies behind findings, each once."""
    policies = [office.known.policies.get(name) for name in dict.fromkeys(finding.policy for finding in findings)]
    return dict.fromkeys(policy.owner for policy in policies if policy is not None and policy.owner)


def _variant(batch: _Batch) -> Variant:
    """Return the facts that all of the batch share; where they differ, every branch is told."""
    # Remedies in one situation have it as one object: thousands of them are few situations.
    situations = {id(remedy.situation): remedy.situation for remedy in batch.remedies}.values()
    first, *others = dict.fromkeys(_treated(batch.first.kind, situation).variant() for situation in situations)
    if not others:
        return first
    variants = (first, *others)
    return Variant(
        cloud=first.cloud,
        agreement=first.agreement,
        path=_shared([variant.path for variant in variants]),
        status=_shared([variant.status for variant in variants]),
        synced=_shared([variant.synced for variant in variants]),
    )


def _treated(kind: Kind, situation: Situation) -> Situation:
    """Return the situation as the kind of remedy treats it: one path is dealt with, even where there are two."""
    if kind in _AT_GROUPS:
        return replace(situation, path="group")
    return replace(situation, path="direct") if kind is Kind.COPY else situation


def _shared(values: Sequence[_Fact]) -> _Fact | None:
    return values[0] if len(set(values)) == 1 else None


def _title(office: Office, remedy: Remedy, count: int) -> str:
    extra = remedy.extra
    if remedy.kind in _AT_GROUPS or remedy.kind in {Kind.GROUP_ERRORS, Kind.GROUP_PROCESSING}:
        extra = ", ".join(group_label(office.groups, group) for group in extra.split(", "))
    elif remedy.kind in {Kind.ATTRIBUTE_SET, Kind.ATTRIBUTE_CORRECT}:
        extra = property_label(extra, office.words)
    elif remedy.kind in {Kind.SERVICE_ON, Kind.SERVICE_OFF}:
        extra = ", ".join(map(service_label, extra.split(", ")))
    elif remedy.kind is Kind.BUDGET and extra:
        value, _, currency = extra.partition(" ")
        from auditor.remedy.plan_text import amount  # noqa: PLC0415  brings the languages along, few budgets are broken

        extra = amount(Decimal(value), currency, office.words)
    return wording.title(
        office.words,
        remedy.kind,
        count,
        old=product_label(office.known, remedy.old),
        new=product_label(office.known, remedy.new),
        extra=printable(extra),
        groups=remedy.extra.count(", ") + 1,
        article=remedy.article,
    )


def product_label(known: Circumstances, name: str) -> str:
    """Return what people call a product: its friendly name, or the words of the policy."""
    label = known.labels.get(name.casefold())
    if label is None and "+" in name:
        return " + ".join(product_label(known, part) for part in name.split("+") if part)
    return printable(label or known.held.get(name) or name)


def group_label(groups: Mapping[str, str], group: str) -> str:
    """Return the name of a group, or its id where the name is not known."""
    return printable(groups.get(group) or group)


def _prerequisites(office: Office, remedy: Remedy, count: int, told: Told) -> tuple[str, ...]:
    wanted = remedy.old if remedy.kind is Kind.REPROCESS else remedy.new
    seat = office.known.seats.get(wanted)
    free = None if seat is None else seat.spare
    if remedy.kind in _NEEDS_SEATS and not remedy.proven and free is not None and free < count:
        product = product_label(office.known, wanted)
        return (wording.seats_needed(office.words, count, free, product), *told.prerequisites)
    enough = _enough(office, remedy)
    return (wording.any_of(office.words, ", ".join(enough)), *told.prerequisites) if enough else told.prerequisites


def _enough(office: Office, remedy: Remedy) -> tuple[str, ...]:
    """Return the products of the tenant that a policy's name for several of them stands for."""
    policy = office.known.policies.get(remedy.findings[0].policy)
    if not remedy.new or policy is None or not isinstance(policy.constraint, Assignments):
        return ()
    sets = [element for element in policy.constraint.require if element.written == remedy.new]
    owned = {seat.sku_id: seat for element in sets for seat in owned_of(element, office.known.tenant.seats)}
    return tuple(sorted(product_label(office.known, sku_id) for sku_id in owned))


def _warnings(office: Office, first: Remedy, lost: Iterable[str], told: Told) -> tuple[str, ...]:
    words = office.words
    own = [wording.services_lost(words, printable(", ".join(sorted(lost))))] if lost else []
    ends = office.terms[first.old].ends if first.old in office.terms else None
    if first.kind is Kind.REMOVE_AT_RENEWAL and ends is not None:
        own.append(wording.renewal(words, ends))
    if first.kind in {Kind.GROUP_LICENCE, Kind.GROUP_SWAP}:
        own.append(wording.whole_group(words, group_label(office.groups, first.extra)))
    if first.kind is Kind.MOVE and first.commands and not first.proven:
        own.append(wording.everything_on(words, product_label(office.known, first.new)))
    return (*told.notices, *own, *told.cautions)


def _money(office: Office, remedy: Remedy, count: int) -> tuple[Money | None, Money | None]:
    """Return what the seats concerned cost a month before and after; None where a price is not known."""
    old, new = _price(office, remedy.old), _price(office, remedy.new)
    if remedy.kind in _TAKING:
        return _cost(office, old, count), _cost(office, old, 0)
    if remedy.kind in _MOVING and old is not None and new is not None:
        return _cost(office, old, count), _cost(office, new, count)
    if remedy.kind in _GIVING:
        return _cost(office, new, 0), _cost(office, new, count)
    seat = office.known.seats.get(remedy.old)
    if seat is None or seat.usable is None or remedy.kind not in {Kind.BUY, Kind.REMOVE_NOW, Kind.REMOVE_AT_RENEWAL}:
        return None, None
    then = seat.usable + (count if remedy.kind is Kind.BUY else -count)
    return _cost(office, old, seat.usable), _cost(office, old, then)


def _price(office: Office, sku_id: str) -> Decimal | None:
    """Return the price of a product, or of several joined by `+`; None where one of them has none."""
    if "+" in sku_id:
        each = [_price(office, part) for part in sku_id.split("+")]
        return None if None in each else sum((price for price in each if price is not None), Decimal(0))
    prices = office.known.prices
    seat = office.known.seats.get(sku_id)
    if prices is None or not sku_id:
        return None
    return prices.of(sku_id=sku_id, part_number=None if seat is None else seat.sku_part_number)


def _cost(office: Office, price: Decimal | None, seats: int) -> Money | None:
    prices = office.known.prices
    return None if price is None or prices is None else Money(currency=prices.currency, per_month=price * seats)


def _saved(before: Money | None, after: Money | None) -> Money | None:
    if before is None or after is None:
        return None
    return Money(currency=before.currency, per_month=before.per_month - after.per_month)


def _identity(office: Office, remedy: Remedy, article: str) -> str:
    """Hash what an action is, not how many it is about, so that it keeps its id from run to run."""
    tenant = office.known.tenant.tenant_id or office.known.tenant.name
    way = "requests" if remedy.proven and remedy.commands else ""
    parts = (tenant, remedy.kind.value, article, remedy.old, remedy.new, remedy.extra, way)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
