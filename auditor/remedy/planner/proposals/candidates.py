"""Proposes a limited number of changes of one person that requests can make."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations, islice, product
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.enums import Cloud
from auditor.domain.policy.decision import AnswerKind
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.remedies.targets import known_location
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.proposals.removals import MAX_REMOVALS, Removal, removals_of
from auditor.remedy.planner.proposals.replacements import decided_downgrade, may_act
from auditor.remedy.planner.simulation.accounts import Account
from auditor.remedy.product_kinds import same_kind
from auditor.remedy.requests import (
    NOT_SET,
    Addition,
    GraphRequest,
    RequestKind,
    assign_user,
    join_group,
    leave_group,
    locate,
    reprocess,
    set_property,
)

MAX_PROPOSALS = 96
"""Maximum number of proposals for one person; the plan says so if there are more."""
_SERVICES = frozenset({Correction.ENABLE_SERVICE, Correction.DISABLE_SERVICE})


class Proposal(Struct, frozen=True, kw_only=True, gc=False):
    """One change of a person, and the resulting account."""

    after: Account
    add: tuple[Addition, ...] = ()
    remove: tuple[str, ...] = ()
    retried: bool = False
    """Whether group licences in error are retried."""
    location: str | None = None
    requests: tuple[GraphRequest, ...] = field(default=())
    left: tuple[str, ...] = ()
    """Ids of the groups that the person leaves."""
    joined: tuple[str, ...] = ()
    moved: bool = False
    """Whether dynamic groups add or remove the person because of properties that are set."""
    dependants: int = 0
    """Number of removed paths without a finding, whose product may depend on one that is removed."""


class Gain(Struct, frozen=True, kw_only=True):
    """One way to get a product: directly, or as a member of a group."""

    sku_id: str
    group: str = ""


def proposals(
    account: Account, findings: Sequence[Finding], product_options: ProductOptions
) -> tuple[tuple[Proposal, ...], bool]:
    """Return the proposals for a person, with no change as the first, and whether these are all."""
    findings = [finding for finding in findings if may_act(finding, product_options)]
    decided = ((finding, decided_downgrade(finding, product_options)) for finding in findings)
    downgrades = [(finding, smaller) for finding, smaller in decided if smaller is not None]
    removable = removals_of(account, findings, product_options)
    properties = _properties(findings, product_options)
    location = properties.pop("usageLocation", None)
    missing = [finding for finding in findings if correction_of(finding) is Correction.ASSIGN]
    wanted = [(product_options.candidates(finding), product_options.chosen_group(finding)) for finding in missing]
    chosen = {smaller.new: product_options.chosen_group(finding) for finding, smaller in downgrades}
    wanted += [((new,), group) for new, group in chosen.items()]
    # Graph refuses assignments to users without a usage location.
    is_located = bool(account.usage_location or location)
    gains = [_gains(account, skus, product_options, group) for skus, group in wanted if is_located]
    downgraded = {finding.fingerprint for finding, _ in downgrades}
    services = [f for f in findings if correction_of(f) in _SERVICES and f.fingerprint not in downgraded]
    denied = product_options.services_denied
    switches = (bool(services), bool(denied and any(gains)), any(grant.waits for grant in account.grants))
    all_proposals = (
        _proposal(
            account,
            product_options,
            (removed, added, location, properties),
            (services if switched else [], denied if deny else None),
            retried,
        )
        for removed in _subsets(removable)
        for added in product(*[(None, *options) for options in gains])
        for switched, deny, retried in product(*((False, True) if useful else (False,) for useful in switches))
    )
    distinct: dict[object, Proposal] = {}
    count = 0
    for proposal in islice(all_proposals, 4 * MAX_PROPOSALS):
        count += 1
        if proposal is not None:
            distinct.setdefault((proposal.after.grants, proposal.left, proposal.location, proposal.retried), proposal)
    changing = [proposal for proposal in distinct.values() if proposal.requests]
    complete = count < 4 * MAX_PROPOSALS and len(changing) < MAX_PROPOSALS and len(removable) <= MAX_REMOVALS
    return (Proposal(after=account), *changing[: MAX_PROPOSALS - 1]), complete


def _properties(findings: Sequence[Finding], product_options: ProductOptions) -> dict[str, Any]:
    """Return the values of properties that were decided, or of which the policy of a finding allows only one.

    Synchronised properties are changed on premises; the usage location is not synchronised. Graph sets cost centre and
    division in one object and clears those that a request omits, so no request sets them.
    """
    properties: dict[str, Any] = {}
    for finding in findings:
        answer = product_options.value(finding, AnswerKind.SET)
        local = finding.evidence.get("onPremisesSyncEnabled") is True
        for name, value in (answer or {}).items():
            if name == "usageLocation" or (not local and name not in NOT_SET):
                properties.setdefault(name, value.upper() if name == "usageLocation" else value)
        location = known_location(finding, product_options.context)
        if location is not None:
            properties.setdefault("usageLocation", location)
    return properties


def _subsets(removals: Sequence[Removal]) -> Iterator[tuple[Removal, ...]]:
    """Yield every combination of removals; if there are too many removals, only none, all, and each alone."""
    if len(removals) > MAX_REMOVALS:
        yield ()
        yield tuple(removals)
        yield from ((removal,) for removal in removals)
        return
    for size in range(len(removals) + 1):
        yield from combinations(removals, size)


def _gains(
    account: Account, candidates: Iterable[str], product_options: ProductOptions, chosen: str | None
) -> tuple[Gain, ...]:
    """Return the ways to get one of several products; if a group was chosen, only through this group."""
    # A group licence that is not active, for example without a free seat, is retried, not assigned a second time.
    waiting = {grant.sku_id for grant in account.grants if grant.group is not None and not grant.active}
    skus = [sku for sku in candidates if sku not in account.held | waiting]
    groups = ((sku, product_options.group_to_join(account, sku, chosen)) for sku in skus)
    joins = [Gain(sku_id=sku, group=group) for sku, group in groups if group is not None]
    direct = () if chosen else tuple(Gain(sku_id=sku) for sku in skus)
    return (*direct, *joins)


def _proposal(
    account: Account,
    product_options: ProductOptions,
    change: tuple[tuple[Removal, ...], tuple[Gain | None, ...], str | None, Mapping[str, Any]],
    services: tuple[Sequence[Finding], frozenset[str] | None],
    retried: bool,  # noqa: FBT001 - one of the switches that are combined
) -> Proposal | None:
    removals, added, location, properties = change
    account = replace(account, usage_location=location or account.usage_location)  # the first request sets it
    gains = [gain for gain in added if gain is not None]
    removed = tuple(removal.sku_id for removal in removals if removal.sku_id)
    left = tuple(dict.fromkeys(removal.leave for removal in removals if removal.leave))
    joined = tuple(dict.fromkeys(filter(None, (*(path.join for path in removals), *(gain.group for gain in gains)))))
    after = _with_memberships(account.without_direct(removed) if removed else account, left, joined, product_options)
    direct = tuple(dict.fromkeys(removal.give for removal in removals if removal.give))
    assigned = dict.fromkeys((*direct, *(gain.sku_id for gain in gains if not gain.group)))
    additions = [Addition(sku_id=sku, disabled_plans=_off(account, sku, services, product_options)) for sku in assigned]
    additions += _switched(after, services[0], product_options) if services[0] else ()
    for addition in additions:
        after = after.with_direct(addition.sku_id, addition.disabled_plans)
    after = _retried(after) if retried else after
    values = {**properties, **({} if location is None else {"usageLocation": location})}
    moves = product_options.memberships.moves(after, values)
    if moves is None:
        return None
    after = _with_memberships(after.with_properties(values) if values else after, *moves, product_options)
    settings = [set_property(account.id, name, value) for name, value in sorted(properties.items())]
    requests = [] if location is None else [locate(account.id, location)]
    requests += [] if any(moves) else settings
    cloud = product_options.bound.facts.manifest.cloud
    requests += _membership(account.id, joined, () if direct else left, cloud)
    if additions or removed:
        requests.append(assign_user(account.id, add=additions, remove=removed))
    requests += _membership(account.id, (), left if direct else (), cloud)  # a direct licence is assigned first
    if retried:
        _insert_reprocess(requests, account, {*removed, *(account.held - after.held)})
    # Rules take effect some time later, so everything else is done first, on paths that are still as in the snapshot.
    requests += settings if any(moves) else []
    return Proposal(
        after=after,
        add=tuple(additions),
        remove=removed,
        retried=retried,
        location=location,
        requests=tuple(requests),
        left=left,
        joined=joined,
        moved=any(moves),
        dependants=sum(removal.dependant for removal in removals),
    )


def _insert_reprocess(requests: list[GraphRequest], account: Account, removed: AbstractSet[str]) -> None:
    """Insert a retry of group licences before the removal of a direct copy, or of a product that they replace.

    At that time the copy still holds the seat, and a person without a free seat keeps the product to be replaced.
    """
    retried = [grant.sku_id for grant in account.grants if account.can_retry(grant)]
    replaced = any(same_kind(old, sku) for sku in retried for old in removed)
    removals = (
        index
        for index, request in enumerate(requests)
        if request.target.kind is RequestKind.LEAVE or request.body.get("removeLicenses")
    )
    requests.insert(next(removals, len(requests)) if replaced else len(requests), reprocess(account.id))


def _with_memberships(
    account: Account, left: Iterable[str], joined: Iterable[str], product_options: ProductOptions
) -> Account:
    for group in left:
        account = account.without_group(group)
    for group in joined:
        account = account.with_group(group, product_options.memberships.licences_of(group) or {})
    return account


def _membership(user: str, joined: Iterable[str], left: Iterable[str], cloud: Cloud) -> Iterator[GraphRequest]:
    """Yield joins before leaves, so that a person who gets a product from another group is a member there first."""
    yield from (join_group(group, user, cloud=cloud) for group in joined)
    yield from (leave_group(group, user) for group in left)


def _off(
    account: Account,
    sku_id: str,
    services: tuple[Sequence[Finding], frozenset[str] | None],
    product_options: ProductOptions,
) -> tuple[str, ...]:
    """Return the plans of a new product that stay off: those that are off in the person's products, and denied ones.

    A service that a policy requires is not kept off if services are switched.
    """
    findings, denied = services
    available = product_options.plans(sku_id)
    held = {sku: product_options.plans(sku) for sku in account.held}
    required = {
        (finding.detail or "").casefold() for finding in findings if correction_of(finding) is Correction.ENABLE_SERVICE
    }
    off = {plan for plans in held.values() for plan in plans if plan in available} - account.services(held)
    off = {plan for plan in off if not required & {plan, available[plan].casefold()}}
    if denied is not None:
        off |= {plan for plan, name in available.items() if plan in denied or name.casefold() in denied}
    return tuple(sorted(off))


def _switched(account: Account, findings: Sequence[Finding], product_options: ProductOptions) -> Iterator[Addition]:
    """Yield the direct products to assign again, in the same call, because a service has to be turned on or off."""
    for sku_id in dict.fromkeys(g.sku_id for g in account.grants if g.group is None and g.active):
        grant = account.direct(sku_id)
        if grant is None:
            continue
        off = set(grant.disabled_plans)
        for finding in findings:
            service = (finding.detail or "").casefold()
            plans = {plan for plan, name in product_options.plans(sku_id).items() if service in {plan, name.casefold()}}
            off = off | plans if correction_of(finding) is Correction.DISABLE_SERVICE else off - plans
        if off != grant.disabled_plans:
            yield Addition(sku_id=sku_id, disabled_plans=tuple(sorted(off)))


def _retried(account: Account) -> Account:
    for grant in account.grants:
        account = account.retried(grant) if account.can_retry(grant) else account
    return replace(account, changed=True)
