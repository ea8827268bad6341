"""The notices of an audit: waivers that expire soon, have expired or match no finding, and unknown names."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from operator import attrgetter

from auditor.catalogue.directory_roles import builtin_role_ids
from auditor.domain.enums import Outcome, Source, SourceStatus
from auditor.domain.message import Count, Message
from auditor.domain.policy.model import Mention, PolicySet, Waiver
from auditor.domain.result.model import FleetResult, Notice, PolicyOutcome
from auditor.engine.outcome import Evaluation
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.unmatched_policies import no_match_notices
from auditor.engine.tenant_facts import TenantFacts

_ORDER = attrgetter("code", "subject")
SOON = 14
"""A waiver is announced as expiring from this many whole days before its end, its last day included."""


def tenant_notices(bound: BoundPolicies, evaluation: Evaluation) -> tuple[Notice, ...]:
    """Return the notices of one tenant, sorted by code and subject."""
    facts = bound.facts
    notices = [
        *(Notice(code="waiver.expired", message=item.expired_message, subject=item.id) for item in bound.expired),
        *(_expiring(waiver, facts.as_of) for waiver in bound.waivers if days_left(waiver, facts.as_of) <= SOON),
        *(unknown_waiver(bound.waivers[index]) for index in evaluation.unknown_waivers),
        *_unknown_names(bound),
        *no_match_notices(bound, evaluation.unmatched),
    ]
    return tuple(sorted(dict.fromkeys(notices), key=_ORDER))


def days_left(waiver: Waiver, as_of: datetime) -> int:
    """Return how many whole days a waiver still applies, its last day included."""
    midnight = as_of.astimezone(UTC).timetz().replace(tzinfo=None) == time.min
    # Compare ordinals: the day after 9999-12-31 cannot be represented.
    return waiver.expires.toordinal() - as_of.astimezone(UTC).date().toordinal() + int(midnight)


class FleetNames:
    """Collects the names in `balance` policies that no tenant of a run has."""

    def __init__(self, policies: PolicySet) -> None:
        self._unresolved = [mention for mention in policies.mentions if mention.fleet]
        """Names that no tenant has had so far."""
        self._applicable: set[Mention] = set()
        self._products_read = True

    def add(self, facts: TenantFacts) -> None:
        """Look the names up in a tenant; its facts are not kept."""
        applicable = [mention for mention in self._unresolved if _concerns(mention, facts)]
        self._applicable.update(applicable)
        self._products_read &= _products_read(facts)
        resolved = {mention for mention in applicable if _listed(facts, mention) or _owned(facts, mention)}
        self._unresolved = [mention for mention in self._unresolved if mention not in resolved]

    def notices(self) -> tuple[Notice, ...]:
        """Return a sorted notice for each name that applies to a tenant of the run and that none of them has."""
        applicable = [mention for mention in self._unresolved if mention in self._applicable]
        unknown = {_unknown_name(mention, products_read=self._products_read) for mention in applicable}
        return tuple(sorted(unknown, key=_ORDER))


def unused_waivers(
    policies: PolicySet,
    as_of: datetime,
    outcomes: Mapping[str, Sequence[PolicyOutcome]],
    fleet: FleetResult,
    touched: frozenset[str],
) -> Iterable[tuple[Waiver, Notice]]:
    """Yield the waivers that matched no finding although everything they cover was evaluated.

    `outcomes` maps each tenant of the run to its policy outcomes; `touched` has the ids of the waivers that match a
    finding, or may match one.
    """
    statuses = _Statuses(outcomes, fleet)
    for waiver in policies.waivers:
        if waiver.id in touched or as_of.date() > waiver.expires or not statuses.evaluated(waiver):
            continue
        values = {"waiver": waiver.id, "owner": waiver.owner}
        message = Message("the waiver {waiver} ({owner}) matches no finding: remove it or correct it", **values)
        yield waiver, Notice(code="waiver.unused", message=message, subject=waiver.id)


class _Statuses:
    """The outcomes of a run by policy and by tenant, indexed once for all waivers."""

    def __init__(self, outcomes: Mapping[str, Sequence[PolicyOutcome]], fleet: FleetResult) -> None:
        self._by_tenant = {tenant: {item.id: item.status for item in items} for tenant, items in outcomes.items()}
        self._by_policy: dict[str, set[Outcome]] = {}
        self._fleet = frozenset(item.id for item in fleet.policies)
        for items in (*outcomes.values(), fleet.policies):
            for item in items:
                self._by_policy.setdefault(item.id, set()).add(item.status)
        self._statuses_in = {tenant: frozenset(statuses.values()) for tenant, statuses in self._by_tenant.items()}
        self._all = frozenset().union(*self._by_policy.values())

    def evaluated(self, waiver: Waiver) -> bool:
        """Whether every policy and tenant that the waiver covers was in the run and was evaluated."""
        if not all(tenant in self._by_tenant for tenant in waiver.tenants or ()):
            return False
        if waiver.policies is None:
            statuses = (
                self._all
                if waiver.tenants is None
                else frozenset().union(*(self._statuses_in[tenant] for tenant in waiver.tenants))
            )
            return bool(statuses) and Outcome.NOT_EVALUATED not in statuses
        return all(
            statuses and Outcome.NOT_EVALUATED not in statuses
            for statuses in (self._statuses_of(waiver, policy) for policy in waiver.policies)
        )

    def _statuses_of(self, waiver: Waiver, policy: str) -> set[Outcome]:
        """Return the outcomes of a policy in the tenants that the waiver covers; of a balance policy, in the fleet."""
        if waiver.tenants is None or policy in self._fleet:
            return self._by_policy.get(policy, set())
        return {self._by_tenant[tenant][policy] for tenant in waiver.tenants if policy in self._by_tenant[tenant]}


def _expiring(waiver: Waiver, as_of: datetime) -> Notice:
    days = days_left(waiver, as_of)
    values = {"waiver": waiver.id, "owner": waiver.owner, "day": waiver.expires}
    message = Message(
        "the waiver {waiver} ({owner}) applies until {day}, {days} whole days from now", days=Count(days), **values
    )
    if days == 1:
        message = Message("the waiver {waiver} ({owner}) applies until {day}, one whole day from now", **values)
    if days == 0:
        message = Message("the waiver {waiver} ({owner}) applies until {day}, less than a day from now", **values)
    return Notice(code="waiver.expiring", message=message, subject=waiver.id)


def unknown_waiver(waiver: Waiver) -> Notice:
    """Return the notice that it is not known whether a waiver covers a finding."""
    message = Message(
        "it is not known whether the waiver {waiver} applies to some findings, so they are not waived", waiver=waiver.id
    )
    return Notice(code="waiver.unknown", message=message, subject=waiver.id)


def _unknown_names(bound: BoundPolicies) -> Iterable[Notice]:
    facts = bound.facts
    # Policies name few products that are not in the catalogue, and they are the same for all tenants.
    unlisted = bound.masks.cached(
        "unlisted mentions", lambda: [mention for mention in facts.policies.mentions if not _listed(facts, mention)]
    )
    return [
        _unknown_name(mention, products_read=_products_read(facts))
        for mention in unlisted
        if not mention.fleet and _concerns(mention, facts) and not _owned(facts, mention)
    ]


def _concerns(mention: Mention, facts: TenantFacts) -> bool:
    return mention.tenants is None or facts.manifest.tenant in mention.tenants


def _products_read(facts: TenantFacts) -> bool:
    return facts.status(Source.SUBSCRIBED_SKUS) is SourceStatus.COMPLETE


def _unknown_name(mention: Mention, *, products_read: bool) -> Notice:
    if mention.kind == "role":
        message = Message("the tenant has no role '{name}', and it is not a built-in role", name=mention.name)
    elif not products_read:
        message = Message(
            "the product catalogue does not have '{name}', and the products of the tenant were not read",
            name=mention.name,
        )
    elif mention.kind == "service":
        message = Message("neither the tenant nor the product catalogue has the service '{name}'", name=mention.name)
    else:
        message = Message("neither the tenant nor the product catalogue has the product '{name}'", name=mention.name)
    return Notice(code=f"policy.unknown-{mention.kind}", message=message, subject=mention.name)


def _owned(facts: TenantFacts, mention: Mention) -> bool:
    """Whether the tenant has a product, service plan or role of that name."""
    if mention.kind == "role":
        return facts.knows_role(mention.name)
    return mention.name.casefold() in (facts.owned_names if mention.kind == "product" else facts.owned_plans)


def _listed(facts: TenantFacts, mention: Mention) -> bool:
    """Whether the name is in the product catalogue or in the list of built-in roles.

    Patterns raise no notice: a pattern that matches no product of a tenant is not an error.
    """
    if mention.kind == "pattern":
        return True
    if mention.kind == "product":
        return facts.catalogue.knows(mention.name)
    if mention.kind == "role":
        return mention.name.casefold() in builtin_role_ids()
    return facts.catalogue.knows_plan(mention.name)
