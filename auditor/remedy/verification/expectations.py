"""Determines which facts the requests of a plan change, and to which values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from auditor.domain.result.saved_plan import Expectation, Fact
from auditor.remedy.requests import NOT_IN_PLANS, GraphRequest, RequestKind, properties_of

FactChange = tuple[Fact, str, str, Any]
"""The fact, the id of its subject, its key, and its value after the request."""


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
