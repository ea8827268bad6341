"""Determines which facts the requests of a plan change, and to which values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from auditor.domain.message import Message
from auditor.domain.result.saved_plan import Expectation, Fact

Change = tuple[Fact, str, str, Any]
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


def changes_of(request: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return the facts that a request changes. Raises ValueError for a request that a plan cannot contain."""
    try:
        method, body = request["method"], request["body"]
        kind, identifier, *rest = (unquote(part) for part in request["path"].strip("/").split("/"))
        changes = tuple(_changes(method, (kind, *rest), identifier, body))
    except (AttributeError, KeyError, TypeError, ValueError):
        changes = ()
    if not changes:
        raise ValueError(Message("is not a request of a plan"))
    return changes


def _changes(method: str, path: tuple[str, ...], identifier: str, body: Mapping[str, Any]) -> Iterator[Change]:
    match method, path:
        case "POST", ("users", "assignLicense"):
            for sku_id in body["removeLicenses"]:
                yield Fact.LICENCE, identifier, sku_id.lower(), None
            for added in body["addLicenses"]:
                yield Fact.LICENCE, identifier, added["skuId"].lower(), sorted(map(str.lower, added["disabledPlans"]))
        case "POST", ("groups", "assignLicense"):
            for sku_id in body["removeLicenses"]:
                yield Fact.GROUP_LICENCE, identifier, sku_id.lower(), False
            for added in body["addLicenses"]:
                yield Fact.GROUP_LICENCE, identifier, added["skuId"].lower(), True
        case "POST", ("users", "reprocessLicenseAssignment"):
            yield Fact.SEAT_ERROR, identifier, "", False
        case "POST", ("groups", "members", "$ref"):
            yield Fact.MEMBER, unquote(body["@odata.id"].rpartition("/")[2]), identifier, True
        case "DELETE", ("groups", "members", user, "$ref"):
            yield Fact.MEMBER, user, identifier, False
        case "PATCH", ("users",):
            nested = body.get("onPremisesExtensionAttributes", {})
            for name, value in {**body, **nested}.items():
                if name != "onPremisesExtensionAttributes":
                    yield Fact.PROPERTY, identifier, name, value
        case _:
            return
