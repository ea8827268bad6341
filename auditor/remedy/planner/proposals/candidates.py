"""Propose the changes of one person that requests can make: few, and none that harms."""

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
from auditor.remedy.planner.proposals.downgrades import decided_downgrade, may_act
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.proposals.removals import MAX_REMOVALS, Removal, removals_of
from auditor.remedy.planner.simulation.accounts import Account
from auditor.remedy.product_kinds import same_kind
from auditor.remedy.requests import (
    NOT_SET,
    Addition,
    Command,
    assign_user,
    join_group,
    leave_group,
    locate,
    reprocess,
    set_property,
)

MAX_PROPOSALS = 96
"""The most proposals for one person; the plan says so where there are more."""
_SERVICES = frozenset({Correction.ENABLE_SERVICE, Correction.DISABLE_SERVICE})


class Proposal(Struct, frozen=True, kw_only=True):
    """One change of a person, and the account as it would be."""

    after: Account
    add: tuple[Addition, ...] = ()
    remove: tuple[str, ...] = ()
    retried: bool = False
    """Whether group licences in error are tried again."""
    location: str | None = None
    commands: tuple[Command, ...] = field(default=())
    left: tuple[str, ...] = ()
    """Ids of the groups that the person leaves."""
    joined: tuple[str, ...] = ()
    moved: bool = False
    """Whether dynamic groups take the person in or lose the person, because of properties that are set."""
    dependants: int = 0
    """Paths that go although no finding is about them, because their product may need one that goes."""


class Gain(Struct, frozen=True, kw_only=True):
    """One way to get a product: directly, or as a member of a group."""

    sku_id: str
    group: str = ""


def proposals(
    account: Account, findings: Sequence[Finding], product_options: ProductOptions
) -> tuple[tuple[Proposal, ...], bool]:
    """Return the proposals for a person, no change first, and whether these are all of them."""
    findings = [finding for finding in findings if may_act(finding, product_options)]
    smaller = [decided_downgrade(finding, product_options) for finding in findings]
    removable = removals_of(account, findings, product_options)
    properties = _properties(findings, product_options)
    location = properties.pop("usageLocation", None)
    missing = [finding for finding in findings if correction_of(finding) is Correction.ASSIGN]
    wanted = [
        _gains(account, product_options.candidates(each), product_options, product_options.chosen_group(each))
        for each in missing
    ]
    chosen = {
        each.new: product_options.chosen_group(finding)
        for finding, each in zip(findings, smaller, strict=True)
        if each is not None
    }
    wanted += [_gains(account, (new,), product_options, group) for new, group in chosen.items()]
    if not (account.usage_location or location):
        wanted = []  # Graph refuses to assign anything to who has no usage location.
    swapped = {f.fingerprint for f, each in zip(findings, smaller, strict=True) if each is not None}
    services = [f for f in findings if correction_of(f) in _SERVICES and f.fingerprint not in swapped]
    retries = any(grant.waits for grant in account.grants)
    switches = (False, True) if services else (False,)
    tries = (False, True) if retries else (False,)
    denied = product_options.services_denied()
    strict = (False, True) if denied and any(wanted) else (False,)
    every = (
        _proposal(
            account,
            product_options,
            (removed, added, location, properties),
            (services if switched else [], denied if shut else None),
            retried,
        )
        for removed in _subsets(removable)
        for added in product(*[(None, *options) for options in wanted])
        for switched, shut, retried in product(switches, strict, tries)
    )
    distinct: dict[object, Proposal] = {}
    count = 0
    for proposal in islice(every, 4 * MAX_PROPOSALS):
        count += 1
        if proposal is not None:
            distinct.setdefault((proposal.after.grants, proposal.left, proposal.location, proposal.retried), proposal)
    nothing = Proposal(after=account)
    changing = [proposal for proposal in distinct.values() if proposal.commands]
    whole = count < 4 * MAX_PROPOSALS and len(changing) < MAX_PROPOSALS and len(removable) <= MAX_REMOVALS
    return (nothing, *changing[: MAX_PROPOSALS - 1]), whole


def _properties(findings: Sequence[Finding], product_options: ProductOptions) -> dict[str, Any]:
    """Return the values of properties that were decided, or that the policy of a finding leaves no choice about.

    What is synchronised from on premises is changed there; a usage location is not among it. Graph sets cost centre and
    division in one object, and empties what the request leaves out, so no request is made for them.
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
    """Yield every choice of paths to take away; of many, none, all, and each alone."""
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
    """Return the ways to get one of several products; where a group was chosen, only through this group."""
    # What a group is to give and cannot for want of a seat is tried again, not assigned a second time.
    waiting = {grant.sku_id for grant in account.grants if grant.group is not None and not grant.active}
    skus = [sku for sku in candidates if sku not in account.held | waiting]
    givers = ((sku, product_options.giver(account, sku, chosen)) for sku in skus)
    joins = [Gain(sku_id=sku, group=group) for sku, group in givers if group is not None]
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
    joined = tuple(dict.fromkeys(filter(None, (*(each.join for each in removals), *(each.group for each in gains)))))
    after = _moved(account.without_direct(removed) if removed else account, left, joined, product_options)
    given = tuple(dict.fromkeys(removal.give for removal in removals if removal.give))
    assigned = dict.fromkeys((*given, *(gain.sku_id for gain in gains if not gain.group)))
    additions = [Addition(sku_id=sku, disabled_plans=_off(account, sku, services, product_options)) for sku in assigned]
    additions += _switched(after, services[0], product_options)
    for addition in additions:
        after = after.with_direct(addition.sku_id, addition.disabled_plans)
    after = _retried(after) if retried else after
    values = {**properties, **({} if location is None else {"usageLocation": location})}
    moves = product_options.memberships.moves(after, values)
    if moves is None:
        return None
    after = _moved(after.with_properties(values) if values else after, *moves, product_options)
    settings = [set_property(account.id, name, value) for name, value in sorted(properties.items())]
    commands = [] if location is None else [locate(account.id, location)]
    commands += [] if any(moves) else settings
    cloud = product_options.plan.facts.manifest.cloud
    commands += _membership(account.id, joined, () if given else left, cloud)
    if additions or removed:
        commands.append(assign_user(account.id, add=additions, remove=removed))
    commands += _membership(account.id, (), left if given else (), cloud)  # who is to hold it directly does before
    if retried:
        _insert_reprocess(commands, account, {*removed, *(account.held - after.held)})
    # A rule takes effect some time later: everything else is done before, on paths that are still as they were read.
    commands += settings if any(moves) else []
    return Proposal(
        after=after,
        add=tuple(additions),
        remove=removed,
        retried=retried,
        location=location,
        commands=tuple(commands),
        left=left,
        joined=joined,
        moved=any(moves),
        dependants=sum(removal.dependant for removal in removals),
    )


def _insert_reprocess(commands: list[Command], account: Account, removed: AbstractSet[str]) -> None:
    """Try again what a group could not give: before a direct copy of it goes, or what it replaces.

    The copy still holds the seat then, and who finds no seat keeps what was to be replaced.
    """
    retried = [grant.sku_id for grant in account.grants if account.can_retry(grant)]
    replaced = any(same_kind(old, sku) for sku in retried for old in removed)
    takes = (n for n, each in enumerate(commands) if each.method == "DELETE" or each.body.get("removeLicenses"))
    commands.insert(next(takes, len(commands)) if replaced else len(commands), reprocess(account.id))


def _moved(account: Account, left: Iterable[str], joined: Iterable[str], product_options: ProductOptions) -> Account:
    for group in left:
        account = account.without_group(group)
    for group in joined:
        account = account.with_group(group, product_options.memberships.given(group) or {})
    return account


def _membership(user: str, joined: Iterable[str], left: Iterable[str], cloud: Cloud) -> Iterator[Command]:
    """Yield who joins first: who is to get a product from another group is a member there before they leave."""
    yield from (join_group(group, user, cloud=cloud) for group in joined)
    yield from (leave_group(group, user) for group in left)


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
    for grant in account.grants:
        account = account.retried(grant) if account.can_retry(grant) else account
    return replace(account, changed=True)
