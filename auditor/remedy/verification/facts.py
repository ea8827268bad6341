"""Determines which facts the requests of a plan change, and reads these facts from a snapshot."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.saved_plan import Expectation, Fact
from auditor.domain.result.verification import Cause
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.planner.simulation.accounts import Account, read_accounts, read_properties
from auditor.remedy.requests import NOT_IN_PLANS, GraphRequest, RequestKind, properties_of

FactChange = tuple[Fact, str, str, Any]
"""The fact, the id of its subject, its key, and its value after the request."""
PROCESSING = "processing"
"""The value of a membership while Entra ID has not yet assigned, or removed, the licences of the group."""


def expectations_of(requests: Iterable[Sequence[Mapping[str, Any]]]) -> tuple[Expectation, ...]:
    """Return the facts that the requests of each action change, without their values before.

    Raises ValueError for a request that a plan cannot contain.
    """
    return tuple(
        Expectation(action=action, step=step, fact=fact, subject=subject, key=key, after=after, known=False)
        for action, steps in enumerate(requests, start=1)
        for step, request in enumerate(steps, start=1)
        for fact, subject, key, after in changes_of(request)
    )


def changes_of(request: Mapping[str, Any]) -> tuple[FactChange, ...]:
    """Return the facts that a request changes. Raises ValueError for a request that a plan cannot contain."""
    try:
        changes = tuple(_changes(GraphRequest.of(request)))
    except (AttributeError, KeyError, TypeError, ValueError):
        changes = ()
    if not changes:
        raise ValueError(NOT_IN_PLANS)
    return changes


def _changes(request: GraphRequest) -> Iterator[FactChange]:
    target, body = request.target, request.body
    match target.kind:
        case RequestKind.USER_LICENCES:
            for sku_id in body["removeLicenses"]:
                yield Fact.LICENCE, target.user, sku_id.lower(), None
            for added in body["addLicenses"]:
                yield Fact.LICENCE, target.user, added["skuId"].lower(), sorted(map(str.lower, added["disabledPlans"]))
        case RequestKind.GROUP_LICENCES:
            for sku_id in body["removeLicenses"]:
                yield Fact.GROUP_LICENCE, target.group, sku_id.lower(), False
            for added in body["addLicenses"]:
                yield Fact.GROUP_LICENCE, target.group, added["skuId"].lower(), True
        case RequestKind.REPROCESS:
            yield Fact.SEAT_ERROR, target.user, "", False
        case RequestKind.JOIN | RequestKind.LEAVE:
            yield Fact.MEMBER, target.user, target.group, target.kind is RequestKind.JOIN
        case RequestKind.PROPERTY:
            for name, value in properties_of(request).items():
                yield Fact.PROPERTY, target.user, name, value


class Observation(Struct, frozen=True, kw_only=True):
    """The value of a fact, or the cause if it is not known."""

    value: Any = None
    cause: Cause = Cause.NONE
    detail: str = ""


class TenantObservation:
    """The state of the people and groups of a plan in a snapshot."""

    def __init__(
        self,
        facts: TenantFacts,
        users: Iterable[str],
        properties: Iterable[str] = (),
        accounts: Mapping[str, Account] | None = None,
    ) -> None:
        """Read the people; `accounts` are those with known paths, if they were read before."""
        self._facts = facts
        user_ids = frozenset(users)
        self._groups = {group.id: group for group in facts.groups}
        self._accounts = read_accounts(facts, user_ids) if accounts is None else accounts
        self._properties = read_properties(facts, user_ids, properties)
        self._members: dict[str, frozenset[str]] = {}

    @classmethod
    def of(
        cls, facts: TenantFacts, expectations: Sequence[Expectation], accounts: Mapping[str, Account] | None = None
    ) -> "TenantObservation":
        """Read the people and groups of expectations from a snapshot; `accounts` are those that were read before."""
        people = (expected.subject for expected in expectations if expected.fact is not Fact.GROUP_LICENCE)
        properties = (expected.key for expected in expectations if expected.fact is Fact.PROPERTY)
        return cls(facts, people, properties, accounts)

    def held(self, user: str) -> frozenset[str] | None:
        """Return the skuIds that a person holds: empty if the person does not exist, None if they are not known."""
        if user not in self._properties:
            return frozenset() if self._facts.status(Source.USERS) is SourceStatus.COMPLETE else None
        account = self._accounts.get(user)
        return None if account is None else account.held

    def fact(self, expected: Expectation) -> Observation:
        """Return the value of an expected fact in the snapshot."""
        if expected.fact is Fact.GROUP_LICENCE:
            return self._group_licence(expected.subject, expected.key)
        if expected.subject not in self._properties:
            complete = self._facts.status(Source.USERS) is SourceStatus.COMPLETE
            cause, detail = (Cause.NO_PERSON, "") if complete else (Cause.SOURCE, Source.USERS.value)
            return Observation(cause=cause, detail=detail)
        if expected.fact is Fact.PROPERTY:
            return self._property(expected.subject, expected.key)
        account = self._accounts.get(expected.subject)
        if expected.fact is Fact.MEMBER:
            return self._member(expected, account)
        if account is None:
            return Observation(cause=Cause.PATHS)
        if expected.fact is Fact.SEAT_ERROR:
            products = {grant.sku_id for grant in account.grants if grant.waits}
            return Observation(value=expected.key in products if expected.key else bool(products))
        direct = [grant for grant in account.grants if grant.sku_id == expected.key and grant.group is None]
        if not direct:
            return Observation()
        grant = direct[0]
        return Observation(value=sorted(grant.disabled_plans) if grant.active else grant.error or grant.state)

    def _property(self, user: str, name: str) -> Observation:
        values = self._properties[user]
        if name not in values:
            return Observation(cause=Cause.SOURCE, detail=Source.USERS.value)
        return Observation(value=values[name])

    def _group_licence(self, group: str, sku_id: str) -> Observation:
        if self._facts.status(Source.GROUPS) is not SourceStatus.COMPLETE:
            return Observation(cause=Cause.SOURCE, detail=Source.GROUPS.value)
        fact = self._groups.get(group)
        return Observation(value=fact is not None and sku_id in fact.sku_ids)

    def _member(self, expected: Expectation, account: Account | None) -> Observation:
        """Return whether a person is a member, by the list of members and by the licences from the group.

        If neither is known, a person who was a member before and has no licence from the group now is not a member.
        """
        group, fact = expected.key, self._groups.get(expected.key)
        if fact is None:
            return Observation(cause=Cause.MEMBERS, detail=group)
        by_licence = None
        if account is not None:
            by_licence = any(grant.group == group for grant in account.grants) or (False if fact.sku_ids else None)
        if fact.members_status is SourceStatus.COMPLETE:
            if group not in self._members:
                rows = self._facts.snapshot.members_of(group, transitive=False)
                self._members[group] = frozenset(rows.to_pylist())
            listed = expected.subject in self._members[group]
            return Observation(value=listed if by_licence in {None, listed} else PROCESSING)
        if by_licence or (by_licence is False and fact.processing_state == "ProcessingComplete"):
            return Observation(value=by_licence)
        if by_licence is None and account is not None and expected.known and expected.before is True:
            return Observation(value=False)
        return Observation(cause=Cause.MEMBERS, detail=fact.name or group)


def observed(
    facts: TenantFacts, expectations: Iterable[Expectation], accounts: Mapping[str, Account]
) -> tuple[Expectation, ...]:
    """Return expectations with their values before the plan; `accounts` are those of the snapshot."""
    expectations = tuple(expectations)
    tenant = TenantObservation.of(facts, expectations, accounts)
    observations = ((expected, tenant.fact(expected)) for expected in expectations)
    return tuple(
        replace(expected, before=observation.value, known=observation.cause is Cause.NONE)
        for expected, observation in observations
    )
