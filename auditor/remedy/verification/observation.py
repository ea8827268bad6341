"""Reads from a snapshot the facts that requests of a plan change."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.saved_plan import Expectation, Fact
from auditor.domain.result.verification import Cause
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.planner.simulation.accounts import Account, read_accounts, read_properties

PROCESSING = "processing"
"""The value of a membership while Entra ID has not yet given, or taken back, what the group gives."""


class Observation(Struct, frozen=True, kw_only=True):
    """The value of a fact, or why it has none."""

    value: Any = None
    cause: Cause = Cause.NONE
    detail: str = ""


class TenantObservation:
    """The people and groups of a snapshot that a plan is about."""

    def __init__(self, facts: TenantFacts, users: Iterable[str], properties: Iterable[str] = ()) -> None:
        self._facts = facts
        wanted = frozenset(users)
        self._groups = {group.id: group for group in facts.groups}
        self._accounts: Mapping[str, Account] = read_accounts(facts, wanted) if wanted else {}
        self._properties = read_properties(facts, wanted, properties)
        self._members: dict[str, frozenset[str]] = {}

    def held(self, user: str) -> frozenset[str] | None:
        """Return the skuIds that a person holds, none if the person does not exist; None where it is not known."""
        if user not in self._properties:
            return frozenset() if self._facts.status(Source.USERS) is SourceStatus.COMPLETE else None
        account = self._accounts.get(user)
        return None if account is None else account.held

    def fact(self, expected: Expectation) -> Observation:
        """Return the value that a fact has."""
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
        paths = [each for each in account.grants if each.sku_id == expected.key and each.group is None]
        if not paths:
            return Observation()
        return Observation(value=sorted(paths[0].off) if paths[0].active else paths[0].error or paths[0].state)

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
        """Return whether a person is a member, by the list of members and by what the group gives.

        Where neither is read, somebody who had a licence of the group before and has none now counts as no member.
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


def observed(facts: TenantFacts, expectations: Iterable[Expectation]) -> tuple[Expectation, ...]:
    """Return expectations with the values before that a snapshot shows."""
    expectations = tuple(expectations)
    people = (each.subject for each in expectations if each.fact is not Fact.GROUP_LICENCE)
    properties = (each.key for each in expectations if each.fact is Fact.PROPERTY)
    tenant = TenantObservation(facts, people, properties)
    observations = ((each, tenant.fact(each)) for each in expectations)
    return tuple(replace(each, before=now.value, known=now.cause is Cause.NONE) for each, now in observations)
