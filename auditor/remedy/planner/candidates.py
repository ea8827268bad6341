"""Propose the changes of one person that requests can make: few, and none that harms."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import combinations, islice, product

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.policy import Assignments
from auditor.domain.result import Finding
from auditor.engine.binding import BoundPolicies
from auditor.remedy.actions.context import RemediationContext, situated
from auditor.remedy.actions.remedies import REMOVALS
from auditor.remedy.actions.targets import known_location
from auditor.remedy.planner.accounts import Account
from auditor.remedy.requests import Addition, Command, assign_user, locate, reprocess

MAX_PROPOSALS = 96
"""The most proposals for one person; the plan says so where there are more."""
_MAX_REMOVABLE = 6
_MAX_CANDIDATES = 4
_SERVICES = frozenset({Correction.ENABLE_SERVICE, Correction.DISABLE_SERVICE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One change of a person, and the account as it would be."""

    after: Account
    add: tuple[Addition, ...] = ()
    remove: tuple[str, ...] = ()
    retried: bool = False
    """Whether group licences that found no seat are tried again."""
    location: str | None = None
    commands: tuple[Command, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductOptions:
    """What can be assigned in a tenant, and what it costs."""

    plan: BoundPolicies
    known: RemediationContext

    def plans(self, sku_id: str) -> dict[str, str]:
        """Return the service plans of a product, id → name; empty where nobody knows them."""
        place = self.plan.facts.index.get(sku_id)
        return {} if place is None else dict(self.plan.facts.skus[place].plans or {})

    def price(self, sku_id: str) -> Decimal | None:
        """Return what a seat costs a month, or None."""
        prices, place = self.plan.facts.policies.prices, self.plan.facts.index.get(sku_id)
        if prices is None or place is None:
            return None
        return prices.of(sku_id=sku_id, part_number=self.plan.facts.skus[place].part_number)

    def dearest(self) -> Decimal:
        """Return the highest known price; 0 where none is known."""
        prices = self.plan.facts.policies.prices
        return max(prices.per_seat_per_month.values(), default=Decimal(0)) if prices is not None else Decimal(0)

    def candidates(self, finding: Finding) -> tuple[str, ...]:
        """Return the products that would satisfy an `assignment.missing` finding, the cheapest first."""
        policy = self.known.policies.get(finding.policy)
        if policy is None or not isinstance(policy.constraint, Assignments) or finding.product is None:
            return ()
        written = finding.product.sku_part_number
        found: list[tuple[bool, Decimal, int, str]] = []
        for element in policy.constraint.require:
            if element.written != written:
                continue
            mask = self.plan.masks.of(element)
            for place, sku in enumerate(self.plan.facts.skus):
                if mask.true[place] and sku.owned and sku.applies_to.casefold() == "user" and (sku.usable or 0) > 0:
                    price = self.price(sku.sku_id)
                    found.append((price is None, price or Decimal(0), -(sku.spare or 0), sku.sku_id))
        return tuple(sku_id for *_, sku_id in sorted(found)[:_MAX_CANDIDATES])

    def named(self, part_numbers: Iterable[str]) -> tuple[str, ...]:
        """Return the skuIds that bear these part numbers; where none does, the name is an id."""
        wanted = set(part_numbers)
        return tuple(sku.sku_id for sku in self.plan.facts.skus if (sku.part_number or sku.sku_id) in wanted)

    def services_denied(self) -> frozenset[str]:
        """Return the service plans that some policy of the tenant denies, names and ids casefolded."""
        blocks = [policy.constraint for policy in self.plan.policies if isinstance(policy.constraint, Assignments)]
        return frozenset(plan.casefold() for block in blocks for plan in block.services.deny)


def proposals(
    account: Account, findings: Sequence[Finding], product_options: ProductOptions
) -> tuple[tuple[Proposal, ...], bool]:
    """Return the proposals for a person, no change first, and whether these are all of them."""
    removable = _removable(account, findings, product_options)
    location = next((place for f in findings if (place := known_location(f, product_options.known)) is not None), None)
    wanted = [
        _wanted(account, finding, product_options)
        for finding in findings
        if correction_of(finding) is Correction.ASSIGN
    ]
    if not (account.usage_location or location):
        wanted = []  # Graph refuses to assign anything to who has no usage location.
    services = [f for f in findings if correction_of(f) in _SERVICES]
    retries = any(g.error == "CountViolation" and g.group is not None for g in account.grants)
    switches = (False, True) if services else (False,)
    tries = (False, True) if retries else (False,)
    denied = product_options.services_denied()
    strict = (False, True) if denied and any(wanted) else (False,)
    every = (
        _proposal(
            account,
            product_options,
            (removed, added, location),
            (services if switched else [], denied if shut else None),
            retried,
        )
        for removed in _subsets(removable)
        for added in product(*[(None, *options) for options in wanted])
        for switched, shut, retried in product(switches, strict, tries)
    )
    distinct: dict[object, Proposal] = {}
    made = 0
    for proposal in islice(every, 4 * MAX_PROPOSALS):
        made += 1
        if proposal is not None:
            distinct.setdefault((proposal.after.grants, proposal.location, proposal.retried), proposal)
    nothing = Proposal(after=account)
    changing = [proposal for proposal in distinct.values() if proposal.commands]
    whole = made < 4 * MAX_PROPOSALS and len(changing) < MAX_PROPOSALS and len(removable) <= _MAX_REMOVABLE
    return (nothing, *changing[: MAX_PROPOSALS - 1]), whole


def _removable(account: Account, findings: Sequence[Finding], product_options: ProductOptions) -> tuple[str, ...]:
    """Return the products whose direct path some finding speaks against, and whose going would change something."""
    found: dict[str, None] = {}
    for finding in findings:
        product_id = (finding.product.sku_id or "") if finding.product is not None else ""
        if situated(finding, product_options.known).situation.self_service is True:
            continue
        match correction_of(finding):
            case correction if correction in REMOVALS:
                wanted = [product_id] if not account.by_group(product_id) else []
            case Correction.CHOOSE:
                wanted = [
                    sku for sku in product_options.named((finding.detail or "").split("+")) if not account.by_group(sku)
                ]
            case Correction.CHANGE_PATH | Correction.REMOVE_COPY:
                wanted = [product_id] if account.by_group(product_id) else []
            case _:
                wanted = []
        found.update(dict.fromkeys(sku for sku in wanted if account.direct(sku) is not None))
    return tuple(found)


def _subsets(skus: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield every choice of products to take away; of many, none, all, and each alone."""
    if len(skus) > _MAX_REMOVABLE:
        yield ()
        yield tuple(skus)
        yield from ((sku,) for sku in skus)
        return
    for size in range(len(skus) + 1):
        yield from combinations(skus, size)


def _wanted(account: Account, finding: Finding, product_options: ProductOptions) -> tuple[str, ...]:
    # What a group is to give and cannot for want of a seat is tried again, not assigned a second time.
    waiting = {grant.sku_id for grant in account.grants if grant.group is not None and not grant.active}
    return tuple(sku for sku in product_options.candidates(finding) if sku not in account.held | waiting)


def _proposal(
    account: Account,
    product_options: ProductOptions,
    change: tuple[tuple[str, ...], tuple[str | None, ...], str | None],
    services: tuple[Sequence[Finding], frozenset[str] | None],
    retried: bool,  # noqa: FBT001 - one of the switches that are combined
) -> Proposal | None:
    removed, added, location = change
    after = account.without_direct(removed) if removed else account
    additions: list[Addition] = []
    for sku_id in dict.fromkeys(sku for sku in added if sku is not None):
        off = _off(account, sku_id, services, product_options)
        additions.append(Addition(sku_id=sku_id, disabled_plans=off))
    additions.extend(_switched(after, services[0], product_options))
    for addition in additions:
        after = after.with_direct(addition.sku_id, addition.disabled_plans)
    if retried:
        after = _retried(after)
    if location is not None:
        after = replace(after, usage_location=location, changed=True)
    commands: list[Command] = [] if location is None else [locate(account.id, location)]
    if additions or removed:
        commands.append(assign_user(account.id, add=additions, remove=removed))
    if retried:
        # What the group is to give in place of a direct copy is tried while the copy still holds the seat.
        waiting = any(grant.sku_id in removed and not grant.active for grant in account.grants)
        commands.insert(-1 if waiting else len(commands), reprocess(account.id))
    return Proposal(
        after=after,
        add=tuple(additions),
        remove=tuple(removed),
        retried=retried,
        location=location,
        commands=tuple(commands),
    )


def _off(
    account: Account,
    sku_id: str,
    services: tuple[Sequence[Finding], frozenset[str] | None],
    product_options: ProductOptions,
) -> tuple[str, ...]:
    """Return the plans of a new product that stay off: those that are off in what the person holds, and denied ones.

    A service that a policy asks for is not kept off where services are switched.
    """
    findings, denied = services
    own = product_options.plans(sku_id)
    held = {sku: product_options.plans(sku) for sku in account.held}
    wanted = {
        (finding.detail or "").casefold() for finding in findings if correction_of(finding) is Correction.ENABLE_SERVICE
    }
    off = {plan for plans in held.values() for plan in plans if plan in own} - account.services(held)
    off = {plan for plan in off if not wanted & {plan, own[plan].casefold()}}
    if denied is not None:
        off |= {plan for plan, name in own.items() if plan in denied or name.casefold() in denied}
    return tuple(sorted(off))


def _switched(account: Account, findings: Sequence[Finding], product_options: ProductOptions) -> Iterator[Addition]:
    """Assign anew, in the same call, the direct products in which a service has to be turned on or off."""
    for sku_id in dict.fromkeys(g.sku_id for g in account.grants if g.group is None and g.active):
        grant = account.direct(sku_id)
        if grant is None:
            continue
        off = set(grant.off)
        for finding in findings:
            wanted = (finding.detail or "").casefold()
            plans = {plan for plan, name in product_options.plans(sku_id).items() if wanted in {plan, name.casefold()}}
            off = off | plans if correction_of(finding) is Correction.DISABLE_SERVICE else off - plans
        if off != grant.off:
            yield Addition(sku_id=sku_id, disabled_plans=tuple(sorted(off)))


def _retried(account: Account) -> Account:
    grants = tuple(
        replace(grant, state="Active", error=None)
        if grant.group is not None and grant.error == "CountViolation"
        else grant
        for grant in account.grants
    )
    return replace(account, grants=grants, changed=True)


def half_done(mended: Iterable[Finding], findings: Iterable[Finding], product_options: ProductOptions) -> bool:
    """Whether a policy that denies one product and asks for another would be followed in one of the two only.

    Nobody loses a product while the one of its kind that is to take its place does not come, and nobody is given a
    second one beside the first; products of different kinds have nothing to do with each other. A blocked account needs
    no replacement, whatever a policy for people asks; what it is given all the same may not come beside the first.
    """
    done = {finding.fingerprint for finding in mended}
    unwanted: dict[str, list[Finding]] = {}
    missing: dict[str, list[Finding]] = {}
    for finding in findings:
        correction = correction_of(finding)
        if correction is Correction.REPLACE:
            unwanted.setdefault(finding.policy, []).append(finding)
        elif correction is Correction.ASSIGN:
            missing.setdefault(finding.policy, []).append(finding)
    return any(
        _apart(old, new, done)
        for policy in unwanted.keys() & missing.keys()
        for old in unwanted[policy]
        for new in missing[policy]
        if product_options.known.replaces(policy, product_of(new), product_of(old))
    )


def _apart(old: Finding, new: Finding, done: AbstractSet[str]) -> bool:
    """Whether one of the two is mended without the other."""
    going, coming = old.fingerprint in done, new.fingerprint in done
    return going != coming and (coming or new.evidence.get("accountEnabled") is not False)


def product_of(finding: Finding) -> str:
    """Return the skuId of a finding's product, or the policy's words where it names no single one."""
    product = finding.product
    return "" if product is None else product.sku_id or product.sku_part_number or ""
